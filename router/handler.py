"""The router's Lambda entry: API Gateway (REST, payload 1.0) → aws-wsgi → Flask."""

from __future__ import annotations

import os
from base64 import b64decode
from binascii import Error as NotBase64
from functools import cache
from typing import TYPE_CHECKING, Any

from starting import uncollected

if TYPE_CHECKING:
    from flask import Flask

# All that is imported is imported here: Lambda does this before it hands over an event.
with uncollected():
    import awsgi

    from webapp.wiring import build_app


@cache
def _app() -> Flask:
    """Wires the app once per worker, on its first event: importing this module reads and creates nothing."""
    with uncollected():
        return build_app(os.environ)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers one API Gateway event.

    Args:
        event: A Lambda proxy event of payload version 1.0.
        context: The Lambda context; not used.

    Returns:
        A Lambda proxy response.
    """
    answer: dict[str, Any] = awsgi.response(_app(), _for_wsgi(event), context)
    answer["statusCode"] = int(answer["statusCode"])  # aws-wsgi gives text, other invokers expect a number
    return answer


def _for_wsgi(event: dict[str, Any]) -> dict[str, Any]:
    """Fills what API Gateway's test call and sample events leave out, and lets no odd text stop aws-wsgi."""
    headers = event.get("headers") or {}
    return {
        **event,
        # The body has arrived whole; WSGI would wait for chunks and find it empty.
        "headers": {name: value for name, value in headers.items() if name.lower() != "transfer-encoding"},
        "path": str(event["path"]).encode("utf-8", "surrogatepass").decode("latin-1"),  # as PEP 3333 wants it
        "queryStringParameters": None,  # no route reads any
        "requestContext": {},  # nor this, in which aws-wsgi looks for a load balancer
        "body": _body(event),
        "isBase64Encoded": False,
    }


def _body(event: dict[str, Any]) -> bytes:
    body = (event.get("body") or "").encode("utf-8", "surrogatepass")
    if not event.get("isBase64Encoded"):
        return body
    try:
        return b64decode(body)
    except NotBase64:
        return body  # not JSON either; the route says so
