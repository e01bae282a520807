"""What really happened, joined to the prediction that was made."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from contender.domain.dataset import Task
from contender.domain.records import Outcome
from contender.domain.release import Label, Release
from contender.errors import BadInput, Problem
from contender.ports import PredictionLog
from contender.usecases.predict import iso_utc
from contender.usecases.serving import Serving

MAX_ID = 128
_FIELDS = frozenset({"request_id", "outcome"})


class GiveFeedback:
    """The use case behind ``POST /feedback``.

    Args:
        serving: What serves now; its release says what an outcome may be.
        log: The prediction log.
        clock: Epoch seconds.
    """

    def __init__(self, serving: Serving, log: PredictionLog, clock: Callable[[], float]) -> None:
        self._serving = serving
        self._log = log
        self._clock = clock

    def __call__(self, body: object) -> None:
        """Stores an outcome; the same one again changes nothing.

        Args:
            body: The parsed JSON body: ``request_id``, and ``outcome`` (a class label, or a number for
                regression).

        Raises:
            BadInput: Naming every field that is missing, unknown or mistyped.
            NotFound: When no such prediction is logged.
            Conflict: When another outcome is already there.
            StoreUnavailable: When the log does not answer.
        """
        if not isinstance(body, Mapping):
            raise BadInput.of("body", "must be a JSON object", 'send {"request_id": "…", "outcome": …}')
        problems = [
            Problem(str(field), "is not a field of a feedback", "use request_id, outcome")
            for field in body
            if field not in _FIELDS
        ]
        request_id = body.get("request_id")
        if not (isinstance(request_id, str) and 0 < len(request_id) <= MAX_ID):
            problems.append(
                Problem("request_id", "is missing or not a text", "send the request_id of a prediction")
            )
        outcome: Outcome | None = None
        try:
            outcome = _outcome(self._serving.snapshot().release, body.get("outcome"))
        except BadInput as error:
            problems.extend(error.problems)
        if problems or outcome is None:
            raise BadInput(problems)
        self._log.set_outcome(str(request_id), outcome, iso_utc(self._clock()))


def _outcome(release: Release | None, value: object) -> Outcome:
    """Checks an outcome against what the models in force can predict; without a release, against its type."""
    if value is None:
        raise BadInput.of("outcome", "is missing", "send what really happened")
    if not isinstance(value, bool | int | float | str) or (
        isinstance(value, float) and not math.isfinite(value)
    ):
        raise BadInput.of("outcome", "must be a label or a finite number", "send one value")
    if release is None:
        return value
    if release.dataset.task is Task.REGRESSION:
        if isinstance(value, bool | str):
            raise BadInput.of("outcome", f"must be a number, got {type(value).__name__}", "send a number")
        return float(value)
    classes = {label: None for model in release.variants.values() for label in model.classes or ()}
    return _label(list(classes), value)


def _label(classes: list[Label], value: bool | int | float | str) -> Label:
    # 1.0 and true are the integer label 1: clients and CSV readers write them for it.
    label: object = value if isinstance(value, str) else int(value) if value == int(value) else value
    for known in classes:
        if type(known) is type(label) and known == label:
            return known
    raise BadInput.of("outcome", f"{value!r} is not a class of the model", f"send one of {classes[:50]}")
