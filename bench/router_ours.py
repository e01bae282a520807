"""Our router as a process of its own, wired as on AWS but for where predictions are logged.

    python -m bench.router_ours WHAT FOLDER CALLS

    handler   API Gateway events into the Lambda handler; records go nowhere
    logged    the same; each record is acknowledged by the table that the environment names
    model     the loaded model alone, on rows that were checked before
    cold      one event into the handler, logged in the table
    cold-model  one prediction of a model file loaded from FOLDER, without the handler and AWS
    serve     the Flask app under waitress on port CALLS; on SIGTERM tells what reached its log

Prints one JSON line, behind the router's own log lines.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.latency import time_calls
from bench.measured import peak_mb
from bench.router_client import predict_body
from tests.support.gateway import rest_event

if TYPE_CHECKING:
    from flask import Flask

    from contender.adapters.onnx_model import OnnxModel
    from contender.domain.dataset import Dataset
    from contender.domain.records import Feedback, PredictionRecord


class NoLog:
    """A prediction log that keeps nothing."""

    def put(self, record: PredictionRecord) -> None:
        """Forgets a record."""

    def set_outcome(self, request_id: str, told: Feedback, at: str) -> None:
        """Forgets an outcome."""


class Logged(NamedTuple):
    """What a benchmark needs of a record.

    Attributes:
        request_id: Its key.
        at: When it reached the log, in epoch seconds.
        unit_id: Its unit.
        assigned: The variant it was assigned to.
        split: Share of B that it was assigned under.
        split_version: Version of that.
    """

    request_id: str
    at: float
    unit_id: str
    assigned: str
    split: float
    split_version: int


class MemoryLog(NoLog):
    """A prediction log that keeps in memory what is checked afterwards."""

    def __init__(self) -> None:
        self.records: list[tuple[object, ...]] = []

    def put(self, record: PredictionRecord) -> None:
        """Keeps a record: what :class:`Logged` holds, as a plain tuple, of which the collector loses sight.

        A real router keeps none. Sixty thousand that are looked through would stop the server now and then.
        """
        self.records.append(
            (
                record.request_id,
                time.time(),
                record.unit_id,
                record.assigned,
                record.split,
                record.split_version,
            )
        )


def main(what: str, folder: Path, calls: int) -> None:
    """Answers and prints what it took."""
    if what == "serve":
        _serve(calls)
        return
    rows = json.loads((folder / "rows.json").read_text())
    if what.startswith("cold"):
        answer = (_model_call(folder) if what == "cold-model" else _handler_call(None))(rows[0])
        print(json.dumps({"answers": [answer], "peak_mb": peak_mb()}), flush=True)
    elif what == "model":
        model, dataset = _model(folder)
        checked = [_checked(dataset, row) for row in rows]
        told = time_calls(model.predict_one, checked, calls)
        print(json.dumps(told), flush=True)
    else:
        handle = _handler(NoLog() if what == "handler" else None)
        events = [rest_event("POST", "/predict", predict_body(row, unit)) for unit, row in enumerate(rows)]
        told = time_calls(handle, events, calls)
        told["answers"] = [json.loads(answer["body"]) for answer in told["answers"]]
        print(json.dumps(told), flush=True)


def _handler(log: NoLog | None) -> Callable[[dict[str, Any]], dict[str, Any]]:
    import handler

    if log is not None:
        app = _app(log)
        handler._app = lambda: app  # type: ignore[assignment]
    return lambda event: handler.handler(event, None)


def _handler_call(log: NoLog | None) -> Callable[[dict[str, Any]], Any]:
    handle = _handler(log)
    return lambda row: json.loads(handle(rest_event("POST", "/predict", predict_body(row, 0)))["body"])


def _model(folder: Path) -> tuple[OnnxModel, Dataset]:
    from contender.adapters.onnx_model import load_onnx
    from contender.domain.assignment import Variant
    from contender.domain.release import parse_release

    release = parse_release((folder / "release.json").read_bytes())
    model = load_onnx((folder / "model.onnx").read_bytes(), release.variants[Variant.A])
    return model, release.dataset


def _model_call(folder: Path) -> Callable[[dict[str, Any]], Any]:
    model, dataset = _model(folder)
    return lambda row: model.predict_one(_checked(dataset, row))


def _checked(dataset: Dataset, row: dict[str, Any]) -> Any:
    from contender.domain.dataset import row_from_mapping

    return row_from_mapping(dataset, row)


def _app(log: NoLog) -> Flask:
    """The app with a log of ours, started as the Lambda handler starts it."""
    from starting import uncollected

    with uncollected():
        from webapp.wiring import build_app

        return build_app(os.environ, log)


def _serve(port: int) -> None:
    import waitress

    log = MemoryLog()
    app = _app(log)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # waitress ends orderly on an interrupt
    waitress.serve(app, host="127.0.0.1", port=port, threads=4)
    print(json.dumps({"records": log.records}), flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    except KeyboardInterrupt:
        sys.exit(130)
