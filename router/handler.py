"""The router's Lambda entry: API Gateway (REST, payload 1.0) → aws-wsgi → Flask."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import awsgi
from flask import Flask


@cache
def _app() -> Flask:
    """Wires the app once per worker, on its first event: importing this module reads and creates nothing."""
    from webapp.wiring import build_app

    return build_app(os.environ)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers one API Gateway event.

    Args:
        event: A Lambda proxy event of payload version 1.0.
        context: The Lambda context; not used.

    Returns:
        A Lambda proxy response.
    """
    # aws-wsgi insists on keys that API Gateway's test call and sample events leave out.
    complete = {"queryStringParameters": None, "headers": None, "body": None, **event}
    answer: dict[str, Any] = awsgi.response(_app(), complete, context)
    answer["statusCode"] = int(answer["statusCode"])  # aws-wsgi gives text, other invokers expect a number
    return answer
