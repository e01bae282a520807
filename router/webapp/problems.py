"""Errors as ``application/problem+json`` (RFC 9457): the one place that maps them to HTTP."""

from __future__ import annotations

import json

from flask import Response

from contender.errors import BadInput, Conflict, ContenderError, NoModel, NotFound, NotYet, StoreUnavailable

_BACK_S = "5"
"""After so many seconds a router looks again for what it lacks."""
_RECOVERED_S = "300"
"""So often, in seconds, the evaluation brings back what the log refused (``EvaluationSchedule``)."""
_STATUS: tuple[tuple[type[ContenderError], int, str, str], ...] = (
    (BadInput, 400, "bad-input", "The request is not valid"),
    (NotYet, 503, "not-yet", "It may be on its way"),
    (NotFound, 404, "not-found", "There is no such thing"),
    (Conflict, 409, "conflict", "It stands otherwise already"),
    (NoModel, 503, "no-model", "No model can serve"),
    (StoreUnavailable, 503, "store-unavailable", "A service behind the router does not answer"),
)


def problem(status: int, kind: str, title: str, detail: str, **extra: object) -> Response:
    """Makes a problem document.

    Args:
        status: HTTP status.
        kind: Stable name of the kind of problem; clients branch on it.
        title: The kind in words.
        detail: What happened this time, and what to do.
        extra: Further members.
    """
    document = {"type": f"urn:contender:{kind}", "title": title, "status": status, "detail": detail, **extra}
    return Response(json.dumps(document), status=status, content_type="application/problem+json")


def from_error(error: ContenderError) -> Response:
    """Maps one of our errors to its problem document; an unexpected kind of it is a 500."""
    for kind, status, name, title in _STATUS:
        if isinstance(error, kind):
            extra: dict[str, object] = {}
            if isinstance(error, BadInput):
                extra["errors"] = [
                    {"field": item.field, "reason": item.reason, "fix": item.fix} for item in error.problems
                ]
            response = problem(status, name, title, str(error), **extra)
            if status == 503:
                response.headers["Retry-After"] = _RECOVERED_S if kind is NotYet else _BACK_S
            return response
    return problem(500, "internal", "Something is wrong inside", "see the router's log")
