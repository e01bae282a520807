"""What is written down: every prediction, and every check of a window."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b, sha256

from contender.domain.release import Label

Outcome = Label | float
"""What really happened: a class label, or a number for regression."""

SPILLED = "spilled_prediction"
"""Key of the JSON line by which a record that the log refused reaches the function's own log."""

RECOVERABLE_S = 86_400.0
"""Age in seconds up to which a request that the log does not have may still get there: after an outage of
most of a day the next evaluation brings its records back. The log keeps records for a day at least, so that
one this young cannot have been forgotten."""

LOG_SHARDS = 8
"""Parts of a release's records in the log's indexes. DynamoDB takes 1,000 writes a second on one key, so 8
carry some thousands of requests a second; each evaluation reads every part once, so they are no more."""


def log_shard(release: str, request_id: str) -> str:
    """Says under which key of its indexes the log keeps a record: by release, spread evenly.

    Args:
        release: Digest of the release.
        request_id: The record's key.

    Returns:
        ``<first 12 digits of the release>#<0 to LOG_SHARDS - 1>``.
    """
    return f"{release[:12]}#{blake2b(request_id.encode(), digest_size=1).digest()[0] % LOG_SHARDS}"


def log_shards(release: str) -> tuple[str, ...]:
    """Gives every key under which records of a release may lie."""
    return tuple(f"{release[:12]}#{number}" for number in range(LOG_SHARDS))


@dataclass(frozen=True, slots=True)
class ShadowAnswer:
    """What the variant that did not serve would have answered.

    Attributes:
        variant: Which.
        model_version: Its version.
        prediction: Its label, or number for regression.
        probabilities: Class → probability; ``None`` for regression.
    """

    variant: str
    model_version: str
    prediction: Outcome
    probabilities: Mapping[str, float] | None

    def to_dict(self) -> dict[str, object]:
        """Gives plain types, as they are logged."""
        return {
            "variant": self.variant,
            "model_version": self.model_version,
            "prediction": self.prediction,
            "probabilities": None if self.probabilities is None else dict(self.probabilities),
        }


@dataclass(frozen=True, slots=True)
class PredictionRecord:
    """One answered prediction.

    Attributes:
        request_id: Unique key.
        at: When it was answered: ISO 8601, UTC, milliseconds, ``Z``.
        unit_id: Randomisation unit (the request itself when the caller gave none).
        assigned: Variant that the hash chose.
        served: Variant that answered (differs after a fallback).
        model_version: Version that answered.
        release: Digest of the release in force.
        split: Share of B in force, in [0, 1].
        split_version: Version of the split parameter: the epoch.
        probability: Probability of the assigned variant under that split; 1 without a challenger.
        features: Feature → value; ``None`` when missing.
        prediction: Predicted label, or number for regression.
        probabilities: Class → probability; ``None`` for regression.
        latency_ms: Time from the parsed request to the prediction, in milliseconds, without the shadow's.
        expires_at: When the log may forget it, in epoch seconds.
        log_shard: Where the log's indexes keep it, see :func:`log_shard`.
        shadow: The other variant's answer; ``None`` where it was not asked, failed, or was too slow.
        shadow_ms: What the shadow cost, in milliseconds; ``None`` where it was not asked.
    """

    request_id: str
    at: str
    unit_id: str
    assigned: str
    served: str
    model_version: str
    release: str
    split: float
    split_version: int
    probability: float
    features: Mapping[str, float | str | None]
    prediction: Outcome
    probabilities: Mapping[str, float] | None
    latency_ms: float
    expires_at: int
    log_shard: str
    shadow: ShadowAnswer | None = None
    shadow_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """What is told about a prediction afterwards; at least one of both.

    Attributes:
        outcome: What really happened; ``None`` where that is not told.
        value: What the request was worth; ``None`` where that is not told.
    """

    outcome: Outcome | None = None
    value: float | None = None


class RunState(StrEnum):
    """Where the handling of a window stands."""

    CHECKED = "checked"
    LAUNCHED = "launched"
    SUCCEEDED = "succeeded"
    REJECTED = "rejected"
    FAILED = "failed"


class Reason(StrEnum):
    """Why a training was launched."""

    DRIFT = "drift"
    NO_CHAMPION = "no_champion"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One window under one set of drift settings, and what became of it.

    Attributes:
        run_key: Idempotency key, see :func:`run_key`.
        window: Window id; ``reference`` when the reference itself was trained on.
        state: Where it stands.
        verdict: Drift verdict, or ``no_champion``.
        reason: The verdict in one sentence.
        checked_at: ISO 8601 times, UTC.
        launched_at: When the last training of it was asked for.
        finished_at: When that ended.
        attempt: How often training was launched for it.
        task_arn: The last training task.
        report_uri: Where the drift report lies.
        model_version: Version that training registered.
        detail: Why it was rejected or failed, or what the gate said.
    """

    run_key: str
    window: str
    state: RunState
    verdict: str
    reason: str
    checked_at: str
    launched_at: str | None = None
    finished_at: str | None = None
    attempt: int = 0
    task_arn: str | None = None
    report_uri: str | None = None
    model_version: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """What a training task is told.

    Attributes:
        run_key: The run record that it reports to.
        reason: Why it runs.
        train_prefix: Prefix of the window to train on, in the data bucket.
        report_key: Key of the drift report in the artifact bucket; empty without one.
    """

    run_key: str
    reason: Reason
    train_prefix: str
    report_key: str


@dataclass(frozen=True, slots=True)
class PromotionJob:
    """What a task is told that promotes or retires a challenger.

    Attributes:
        experiment_id: The experiment whose verdict it carries out.
    """

    experiment_id: str


@dataclass(frozen=True, slots=True)
class TaskEnd:
    """How a training task ended, as the service that ran it tells it.

    Attributes:
        reason: Why, in the service's words ("Essential container exited", "OutOfMemoryError: …").
        exit_code: Of the container; ``None`` when it never ran or nobody knows.
    """

    reason: str
    exit_code: int | None = None

    def __str__(self) -> str:
        """The same for people."""
        if self.exit_code is None:
            return self.reason
        meaning = _EXIT_CODES.get(self.exit_code)
        return f"{self.reason}, exit code {self.exit_code}" + (f" ({meaning})" if meaning else "")


_EXIT_CODES = {
    137: "killed: out of memory, or by hand",  # 128 + SIGKILL
    139: "crashed: segmentation fault",  # 128 + SIGSEGV
    143: "told to stop",  # 128 + SIGTERM
}


def run_key(reference: Mapping[str, str], current: Mapping[str, str], settings: Mapping[str, object]) -> str:
    """Makes the idempotency key of a check.

    Args:
        reference: Object key → ETag of the reference window.
        current: The same of the current window.
        settings: The drift settings, as JSON types.

    Returns:
        64 hex digits; equal exactly when objects, their contents and settings are equal.
    """
    document = {"reference": dict(reference), "current": dict(current), "settings": dict(settings)}
    return sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
