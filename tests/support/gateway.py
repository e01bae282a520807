"""Events as API Gateway sends them, and answers as a client reads them."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Reply:
    """An HTTP answer, whichever way it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, parsed strictly: NaN is an error."""

        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is not JSON")

        return json.loads(self.body.decode("utf-8"), parse_constant=refuse)

    @property
    def kind(self) -> str:
        """The kind of problem, after checking that it is a problem document as RFC 9457 wants it."""
        assert self.headers["Content-Type"] == "application/problem+json"
        document = self.json
        assert document["status"] == self.status
        assert all(isinstance(document[field], str) for field in ("type", "title", "detail"))
        return str(document["type"]).removeprefix("urn:contender:")

    @property
    def wrong_fields(self) -> list[str]:
        """The fields that a bad-input problem names."""
        assert self.kind == "bad-input"
        return [error["field"] for error in self.json["errors"]]


def rest_event(method: str, path: str, body: bytes | str | None = None, **changes: Any) -> dict[str, Any]:
    """A REST API proxy event of payload version 1.0 (AWS, "Input format of a Lambda function for proxy
    integration"); a body of bytes comes in base64, as for binary media types."""
    binary = isinstance(body, bytes)
    return {
        "resource": path,
        "path": path,
        "httpMethod": method,
        "headers": {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "Host": "abc123.execute-api.us-east-1.amazonaws.com",
            "User-Agent": "curl/8.5.0",
            "X-Amzn-Trace-Id": "Root=1-5e66d96f-7491f09xmpl79d18acf3d050",
            "X-Forwarded-For": "203.0.113.7, 10.0.0.1",
            "X-Forwarded-Port": "443",
            "X-Forwarded-Proto": "https",
        },
        "multiValueHeaders": {"Accept": ["*/*"], "Content-Type": ["application/json"]},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": path,
            "httpMethod": method,
            "path": f"/prod{path}",
            "stage": "prod",
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "curl/8.5.0"},
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        },
        "body": b64encode(body).decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": binary,
        **changes,
    }


def lambda_reply(answer: dict[str, Any]) -> Reply:
    """Checks a proxy response's form and reads it."""
    json.dumps(answer)  # what Lambda does with it
    assert isinstance(answer["statusCode"], int)
    assert answer["isBase64Encoded"] is False
    assert all(isinstance(value, str) for value in answer["headers"].values())
    return Reply(answer["statusCode"], answer["headers"], answer["body"].encode())
