"""What really happened, joined to the prediction that was made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from contender.domain.dataset import FLOAT32_MAX, Task
from contender.domain.records import RECOVERABLE_S, Feedback, Outcome
from contender.domain.release import Label, Release
from contender.domain.request_id import as_issued, made_at
from contender.errors import BadInput, NoModel, NotFound, NotYet, Problem
from contender.ports import PredictionLog
from contender.usecases.predict import iso_utc
from contender.usecases.serving import Serving

MAX_ID = 128
_FIELDS = frozenset({"request_id", "outcome", "value"})


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
        """Stores an outcome, a value, or both; the same again changes nothing.

        Args:
            body: The parsed JSON body: ``request_id``, and at least one of ``outcome`` (a class label, or a
                number for regression) and ``value`` (what the request was worth, in a unit of the caller's
                own).

        Raises:
            BadInput: Naming every field that is missing, unknown or mistyped.
            NotFound: When no such prediction is logged.
            NotYet: When none is, but its id is of a request so young that its record may be on its way: the
                log may have refused it, and it is brought back later.
            Conflict: When another outcome or value is already there; then nothing is changed.
            NoModel: Without a release, against which alone an outcome can be checked.
            StoreUnavailable: When the log does not answer.
        """
        if not isinstance(body, Mapping):
            raise BadInput.of("body", "must be a JSON object", 'send {"request_id": "…", "outcome": …}')
        snapshot = self._serving.snapshot()
        release = snapshot.release
        if release is None:
            raise NoModel(f"an outcome cannot be checked, send it again later: {snapshot.lack}")
        problems = [
            Problem(str(field), "is not a field of a feedback", "use request_id, outcome, value")
            for field in body
            if field not in _FIELDS
        ]
        request_id = ""
        try:
            request_id = _request_id(body.get("request_id"))
        except BadInput as error:
            problems.extend(error.problems)
        outcome: Outcome | None = None
        value: float | None = None
        try:
            # A value alone is enough; null is no outcome, so that a mistake is not taken for an omission.
            if "outcome" in body or body.get("value") is None:
                outcome = _outcome(release, body.get("outcome"))
        except BadInput as error:
            problems.extend(error.problems)
        try:
            value = _value(body.get("value"))
        except BadInput as error:
            problems.extend(error.problems)
        if problems:
            raise BadInput(problems)
        now = self._clock()
        try:
            self._log.set_outcome(request_id, Feedback(outcome, value), iso_utc(now))
        except NotFound as error:
            made = made_at(request_id)
            if made is not None and abs(now - made) < RECOVERABLE_S:
                raise NotYet(
                    f"no prediction {request_id} is logged yet: send this again later. If it still is not "
                    "after a day, it was never made here"
                ) from error
            raise


def _request_id(value: object) -> str:
    """Checks which prediction is meant."""
    if not isinstance(value, str) or not value:
        raise BadInput.of("request_id", "is missing or not a text", "send the request_id of a prediction")
    if len(value) > MAX_ID:
        reason = f"is too long: {len(value):,} characters, at most {MAX_ID}"
        raise BadInput.of("request_id", reason, "send the request_id of a prediction")
    return as_issued(value)


def _outcome(release: Release, value: object) -> Outcome:
    """Checks an outcome against what the models in force can predict."""
    if value is None:
        raise BadInput.of("outcome", "is missing", "send what really happened")
    if not isinstance(value, bool | int | float | str):
        raise BadInput.of("outcome", "must be a label or a number", "send one value")
    if not isinstance(value, str) and not -FLOAT32_MAX <= value <= FLOAT32_MAX:  # False for NaN too
        raise BadInput.of("outcome", "must be a finite 32-bit number", "send what really happened")
    if release.dataset.task is Task.REGRESSION:
        if isinstance(value, bool | str):
            raise BadInput.of("outcome", f"must be a number, got {type(value).__name__}", "send a number")
        return float(value)
    classes = {label: None for model in release.variants.values() for label in model.classes or ()}
    return _label(list(classes), value)


def _value(value: object) -> float | None:
    """Checks what a request was worth."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput.of("value", f"must be a number, got {type(value).__name__}", "send a number")
    if not -FLOAT32_MAX <= value <= FLOAT32_MAX:  # False for NaN too
        raise BadInput.of("value", "must be a finite 32-bit number", "send what the request was worth")
    return float(value)


def _label(classes: list[Label], value: bool | int | float | str) -> Label:
    # 1.0 is the integer label 1: JSON has one kind of number. true is it only where the labels are 0 and 1,
    # which is what training makes of truth values. The text "1" is another label: silently read as a number
    # it would hide a caller's mix-up, and the error names the labels as they are.
    label: object = value if isinstance(value, str) else int(value) if value == int(value) else value
    if isinstance(value, bool) and not set(classes) <= {0, 1}:
        label = value
    for known in classes:
        if type(known) is type(label) and known == label:
            return known
    shown = repr(value) if len(str(value)) <= 40 else f"{str(value)[:40]}…"
    raise BadInput.of("outcome", f"{shown} is not a class of the model", f"send one of {classes[:50]}")
