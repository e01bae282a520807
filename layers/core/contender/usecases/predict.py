"""One prediction: check, assign, score, log, answer."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from contender.domain.assignment import Assignment, Variant, assign
from contender.domain.dataset import (
    MISSING_CATEGORY,
    Dataset,
    FeatureValue,
    row_from_mapping,
    row_from_sequence,
)
from contender.domain.records import SPILLED, PredictionRecord, ShadowAnswer, log_shard
from contender.domain.release import ALIASES
from contender.errors import BadInput, ModelUnusable, NoModel, Problem, StoreUnavailable
from contender.ports import Observer, Prediction, PredictionLog
from contender.usecases.scoring import finite
from contender.usecases.serving import Serving, Snapshot
from contender.usecases.shadow import NOT_ASKED, Shadow

MAX_UNIT = 256
"""Longest ``unit_id``, in characters: a hash or an e-mail address fits, a document does not."""

_FIELDS = frozenset({"features", "data", "unit_id"})
_FIX_FEATURES = 'send {"features": {name: value, …}} or {"data": [value, …]}'


@dataclass(frozen=True, slots=True)
class Answer:
    """A prediction as it was served.

    Attributes:
        record: What was logged.
        model_used: Alias of the variant that answered.
        stored: Whether the log took the record; if not it was spilled.
    """

    record: PredictionRecord
    model_used: str
    stored: bool


class Predict:
    """The use case behind ``POST /predict``.

    Args:
        serving: What serves now.
        log: The prediction log.
        observer: Where a refused log write and a failing model are reported.
        spill: Takes one JSON line when the log refuses a record.
        retention_s: How long the log keeps a record, in seconds.
        clock: Epoch seconds.
        new_id: Makes unique request ids.
        shadow: Asks the other variant too; ``None`` to ask only the one that serves.
    """

    def __init__(
        self,
        serving: Serving,
        log: PredictionLog,
        observer: Observer,
        spill: Callable[[str], None],
        retention_s: float,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        shadow: Shadow | None = None,
    ) -> None:
        self._serving = serving
        self._log = log
        self._observer = observer
        self._spill = spill
        self._retention_s = retention_s
        self._clock = clock
        self._new_id = new_id
        self._shadow = shadow

    def __call__(self, body: object) -> Answer:
        """Answers one request.

        Args:
            body: The parsed JSON body.

        Returns:
            The answer; it is given even when the log refuses the record.

        Raises:
            BadInput: Naming every missing, unknown or mistyped field.
            NoModel: When neither variant can serve.
        """
        started = time.perf_counter()
        snapshot = self._serving.snapshot()
        if snapshot.release is None:
            raise NoModel(snapshot.lack)
        row, unit = _parse(snapshot.release.dataset, body)
        request_id = self._new_id()
        unit_id = request_id if unit is None else unit
        assigned = _assign(snapshot, unit_id)
        served, prediction = self._score(snapshot, assigned.variant, row)
        latency_ms = round((time.perf_counter() - started) * 1000, 4)
        shadow = self._shadow(snapshot, served, row) if self._shadow else NOT_ASKED
        now = self._clock()
        record = PredictionRecord(
            request_id=request_id,
            at=iso_utc(now),
            unit_id=unit_id,
            assigned=assigned.variant.value,
            served=served.value,
            model_version=snapshot.release.variants[served].model_version,
            release=snapshot.digest,
            split=snapshot.split.share_b,
            split_version=snapshot.split.version,
            probability=assigned.probability,
            features={name: _logged(value) for name, value in row.items()},
            prediction=prediction.value,
            probabilities=prediction.probabilities,
            latency_ms=latency_ms,
            expires_at=int(now + self._retention_s),
            log_shard=log_shard(snapshot.digest, request_id),
            shadow=shadow.answer,
            shadow_ms=shadow.ms,
        )
        return Answer(record, ALIASES[served], self._store(record))

    def _score(
        self, snapshot: Snapshot, assigned: Variant, row: Mapping[str, FeatureValue]
    ) -> tuple[Variant, Prediction]:
        reasons = []
        for variant in (assigned, assigned.other):
            model = snapshot.models.get(variant)
            if model is None:
                reasons.append(f"{variant}: {snapshot.failures.get(variant, 'not in the release')}")
                continue
            try:
                return variant, finite(model.predict_one(row))
            except ModelUnusable as error:
                self._observer.problem("model_failed", f"{variant}: {error}")
                reasons.append(f"{variant}: {error}")
        raise NoModel(f"no variant can serve ({'; '.join(reasons)})")

    def _store(self, record: PredictionRecord) -> bool:
        try:
            self._log.put(record)
        except StoreUnavailable as error:
            spilled = {field.name: getattr(record, field.name) for field in fields(record)}
            self._spill(json.dumps({SPILLED: spilled}, separators=(",", ":"), default=_plain))
            self._observer.problem("prediction_spilled", str(error))
            return False
        return True


def _plain(value: object) -> object:
    if isinstance(value, ShadowAnswer):
        return value.to_dict()
    return dict(value)  # type: ignore[call-overload]  # mappings need not be dicts


def iso_utc(epoch_s: float) -> str:
    """Writes epoch seconds as ISO 8601 in UTC with milliseconds and ``Z``."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _assign(snapshot: Snapshot, unit_id: str) -> Assignment:
    assert snapshot.release is not None
    if Variant.B not in snapshot.release.variants:
        return Assignment(Variant.A, 1.0)
    return assign(snapshot.release.salt, unit_id, snapshot.split.share_b)


def _parse(dataset: Dataset, body: object) -> tuple[dict[str, FeatureValue], str | None]:
    if not isinstance(body, Mapping):
        raise BadInput.of("body", "must be a JSON object", _FIX_FEATURES)
    problems = [
        Problem(str(field), "is not a field of a prediction request", f"use {', '.join(sorted(_FIELDS))}")
        for field in body
        if field not in _FIELDS
    ]
    unit = body.get("unit_id")
    if unit is not None and not (isinstance(unit, str) and 0 < len(unit) <= MAX_UNIT):
        problems.append(
            Problem("unit_id", "is not a usable text", f"send 1 to {MAX_UNIT} characters, or leave it out")
        )
    row: dict[str, FeatureValue] = {}
    try:
        row = _row(dataset, body)
    except BadInput as error:
        problems.extend(error.problems)
    if problems:
        raise BadInput(problems)
    return row, unit


def _row(dataset: Dataset, body: Mapping[str, object]) -> dict[str, FeatureValue]:
    if ("features" in body) == ("data" in body):
        count = "both" if "data" in body else "neither"
        raise BadInput.of(
            "features", f"exactly one of features and data is needed, got {count}", _FIX_FEATURES
        )
    if "data" in body:
        data = body["data"]
        if not isinstance(data, list):
            raise BadInput.of("data", "must be an array", _FIX_FEATURES)
        return row_from_sequence(dataset, data)
    features = body["features"]
    if not isinstance(features, Mapping):
        raise BadInput.of("features", "must be an object", _FIX_FEATURES)
    return row_from_mapping(dataset, features)


def _logged(value: FeatureValue) -> float | str | None:
    if isinstance(value, str):
        return None if value == MISSING_CATEGORY else value
    return None if math.isnan(value) else value
