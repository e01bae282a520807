"""The Lambda entry: events as API Gateway, its test console and sample files send them."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest

from tests.support.gateway import rest_event
from tests.unit.router.conftest import Router

BODY = json.dumps({"data": [1, "grün", 2]})


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": None},
        {"headers": {}},
        {"headers": {"content-type": "application/json", "host": ""}},
        {"headers": {"Host": "no host at all!", "X-Forwarded-Proto": "gopher", "X-Forwarded-Port": "x"}},
        {"headers": {"Transfer-Encoding": "chunked"}},
        {"headers": {"transfer-encoding": "chunked", "Content-Length": "999"}},
        {"headers": {"Cookie": "a=\ud800; ü=1", "X-Odd": ""}},
        {"queryStringParameters": {"a": "b", "ü": "\ud800"}},
        {"queryStringParameters": {}},
        {"multiValueHeaders": None},
        {"requestContext": None},
        {"requestContext": {}},
        {"isBase64Encoded": None},
        {"body": b64encode(BODY.encode()).decode(), "isBase64Encoded": True},
    ],
)
def test_an_event_of_any_usual_form_is_answered(router: Router, changes: dict[str, Any]) -> None:
    reply = router.invoke(rest_event("POST", "/predict", **{"body": BODY, **changes}))
    assert reply.status == 200, reply.body
    assert router.world.log.records["request-1"].features["colour"] == "grün"


def test_an_event_may_lack_everything_but_method_and_path(router: Router) -> None:
    assert router.invoke({"httpMethod": "GET", "path": "/health"}).status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"body": None},
        {"body": ""},
        {"body": "%%%", "isBase64Encoded": True},
        {"body": "abc", "isBase64Encoded": True},
        {"body": "", "isBase64Encoded": True},
        {"body": "\ud800"},
        {"body": "ü\ud800", "isBase64Encoded": True},
    ],
)
def test_a_body_that_is_none_is_a_bad_request(router: Router, changes: dict[str, Any]) -> None:
    reply = router.invoke(rest_event("POST", "/predict", **changes))
    assert (reply.status, reply.kind) == (400, "bad-input")


@pytest.mark.parametrize("path", ["", "/\ud800", "/\x85", "/predict?x=1", "http://x/predict"])
def test_an_odd_path_is_not_found(router: Router, path: str) -> None:
    assert router.invoke(rest_event("POST", path, BODY)).status == 404


def test_an_event_is_left_as_it_was(router: Router) -> None:
    event = rest_event("POST", "/predict", BODY, headers={"Transfer-Encoding": "chunked"})
    before = json.dumps(event)
    router.invoke(event)
    assert json.dumps(event) == before


def test_the_answer_is_what_api_gateway_takes(router: Router) -> None:
    answer = router.handler.handler(rest_event("GET", "/config"), None)
    assert set(answer) == {"statusCode", "headers", "body", "isBase64Encoded"}
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {"ab_split_b": 0.5, "version": 1}
