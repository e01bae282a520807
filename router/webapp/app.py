"""Routes, and one structured log line per request."""

from __future__ import annotations

import json
import time
import traceback
from dataclasses import dataclass
from typing import Any, NoReturn

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from contender.domain.release import ALIASES
from contender.domain.split import check_share
from contender.errors import BadInput, ContenderError
from contender.ports import Observer
from contender.usecases.feedback import GiveFeedback
from contender.usecases.predict import Predict
from contender.usecases.serving import Serving
from webapp.problems import from_error, problem

MAX_BODY = 1_000_000
"""Largest body, in bytes: a row of features is a few kilobytes; DynamoDB refuses items over 400 KB."""


@dataclass(frozen=True, slots=True)
class Services:
    """The use cases that the routes call."""

    serving: Serving
    predict: Predict
    feedback: GiveFeedback
    observer: Observer


def create_app(services: Services) -> Flask:
    """Wires the routes to the use cases.

    Args:
        services: The use cases.

    Returns:
        A WSGI app. It keeps no state of its own.
    """
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.url_map.merge_slashes = False  # its redirect would lose the API's stage, which is not in the path
    _add_log_line(app, services.observer)
    _add_errors(app)
    _add_predictions(app, services)
    _add_state(app, services.serving)
    return app


def _add_predictions(app: Flask, services: Services) -> None:
    @app.post("/predict")
    def predict() -> Response:
        answer = services.predict(_json_body())
        record = answer.record
        g.log = {
            "request_id": record.request_id,
            "assigned": record.assigned,
            "served": record.served,
            "model_version": record.model_version,
            "split_version": record.split_version,
            "predict_ms": record.latency_ms,
            "stored": answer.stored,
            **({} if record.shadow_ms is None else {"shadow_ms": record.shadow_ms}),
        }
        return _reply(
            {
                "request_id": record.request_id,
                "variant": record.assigned,
                "prediction": record.prediction,
                "probabilities": record.probabilities,
                "model_version": record.model_version,
                "model_used": answer.model_used,
            }
        )

    @app.post("/feedback")
    def feedback() -> Response:
        services.feedback(_json_body())
        return Response(status=204)


def _add_state(app: Flask, serving: Serving) -> None:
    @app.get("/config")
    def get_config() -> Response:
        snapshot = serving.snapshot()
        document: dict[str, object] = {
            "ab_split_b": snapshot.split.share_b,
            "version": snapshot.split.version,
        }
        if snapshot.ignored is not None:
            document["ignored"] = snapshot.ignored._asdict()
        return _reply(document)

    @app.post("/config")
    def post_config() -> Response:
        split = serving.set_split(_share(_json_body()))
        return _reply({"ab_split_b": split.share_b, "version": split.version})

    @app.get("/release")
    def get_release() -> Response:
        snapshot = serving.snapshot()
        if snapshot.unread:
            return problem(503, "release-unread", "The release cannot be read", snapshot.lack)
        if snapshot.release is None:
            return problem(404, "no-release", "Nothing is released yet", snapshot.lack)
        variants = {
            variant.value: {
                "model_used": ALIASES[variant],
                "model_name": model.model_name,
                "model_version": model.model_version,
                "sha256": model.sha256,
                "classes": model.classes,
                "loaded": variant in snapshot.models,
            }
            for variant, model in snapshot.release.variants.items()
        }
        return _reply(
            {"release": snapshot.digest, "dataset": snapshot.release.dataset.to_dict(), "variants": variants}
        )

    @app.get("/health")
    def get_health() -> Response:
        snapshot = serving.snapshot()
        if snapshot.unread:
            status = "release_unread"
        elif snapshot.release is None:
            status = "no_release"
        elif not snapshot.models:
            status = "no_model"
        else:
            status = "degraded" if snapshot.failures else "ok"
        document = {
            "status": status,
            "serving": sorted(variant.value for variant in snapshot.models),
            "failures": {variant.value: reason for variant, reason in snapshot.failures.items()},
        }
        return _reply(document, 200 if snapshot.models else 503)


def _add_log_line(app: Flask, observer: Observer) -> None:
    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()
        g.log = {}

    @app.after_request
    def finish(response: Response) -> Response:
        observer.note(
            "request",
            method=request.method,
            path=request.path,
            status=response.status_code,
            ms=round((time.perf_counter() - g.started) * 1000, 3),
            **g.log,
        )
        return response


def _add_errors(app: Flask) -> None:
    @app.errorhandler(ContenderError)
    def expected(error: ContenderError) -> Response:
        g.log = {"error": str(error)}
        return from_error(error)

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        detail = error.description or error.name
        if isinstance(error, RequestEntityTooLarge):
            detail = f"the body is larger than {MAX_BODY:,} bytes; send one row of features"
        response = problem(error.code or 500, "http", error.name, detail)
        if getattr(error, "valid_methods", None):
            response.headers["Allow"] = ", ".join(error.valid_methods)  # type: ignore[attr-defined]
        return response

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        g.log = {"error": repr(error), "traceback": traceback.format_exc(limit=-5)}
        return problem(500, "internal", "Something is wrong inside", "see the router's log")


def _reply(document: object, status: int = 200) -> Response:
    return Response(json.dumps(document), status=status, content_type="application/json")


def _share(body: Any) -> float:
    if not isinstance(body, dict) or set(body) != {"ab_split_b"}:
        raise BadInput.of(
            "body", "must be an object with the one field ab_split_b", 'send {"ab_split_b": 0.3}'
        )
    return check_share(body["ab_split_b"])


def _json_body() -> Any:
    """Reads the body strictly: UTF-8, no NaN, no name twice, no half characters, bounded nesting."""
    raw = request.get_data(cache=False)
    try:
        text = raw.decode("utf-8-sig")  # json would guess the encoding, and let half characters through
        body = _STRICT.decode(text)
        if "\\ud" in text.lower():  # an escape that may be half a character, which UTF-8 cannot carry
            json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadInput.of(
            "body", f"is not valid JSON ({str(error)[:200]})", "send one JSON object in UTF-8"
        ) from error
    return body


def _refuse_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return document


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON; send null")


_STRICT = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_refuse_doubles)
"""Made once: json.loads would make one for every request."""
