"""Accounts of a log: how many requests, outcomes, fallbacks, of which variant, and when."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contender.domain.dataset import Task
from contender.domain.experiment.columns import Columns
from contender.domain.experiment.tally import Counts, Tally


class Percentiles(NamedTuple):
    """Percentiles of a positive quantity; NaN without data."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class VariantSummary:
    """One variant's requests, by assignment.

    Attributes:
        requests: Assigned requests.
        units: Distinct units among them.
        model_version: Version that answered most of those without fallback; empty without any.
        fallbacks: Requests that the other variant answered.
        spilled: Records read back from the function's log (not back in the table yet, so without outcome).
        outcomes: Requests with an outcome that can be compared.
        outcomes_missing: Requests without outcome.
        outcomes_unknown: Requests whose outcome is no known class (or no number).
        outcome_delay_s: From the answer to its outcome, in seconds.
        latency_ms: Of the prediction, in milliseconds.
        predicted: Class → count of predictions; empty for regression.
        mean_prediction: Mean predicted number, or mean probability of the positive class; NaN where neither
            is.
    """

    requests: int
    units: int
    model_version: str
    fallbacks: int
    spilled: int
    outcomes: int
    outcomes_missing: int
    outcomes_unknown: int
    outcome_delay_s: Percentiles
    latency_ms: Percentiles
    predicted: dict[str, int]
    mean_prediction: float


class Epoch(NamedTuple):
    """The time one split was in force.

    Attributes:
        version: Version of the split parameter.
        split: Share of B.
        start: First request, in epoch seconds.
        end: Last request.
        requests_a: Requests assigned to A.
        requests_b: Requests assigned to B.
        outcomes: Usable outcomes.
    """

    version: int
    split: float
    start: float
    end: float
    requests_a: int
    requests_b: int
    outcomes: int


@dataclass
class _Variant:
    """What is counted of a variant; ``models`` only where it answered itself."""

    counts: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    predicted: Counter[int] = field(default_factory=Counter)
    score_sum: float = 0.0
    last_unit: int | None = None


@dataclass
class _Epoch:
    """What is counted of an epoch."""

    splits: Counter[float] = field(default_factory=Counter)
    start: float = math.inf
    end: float = -math.inf
    requests: list[int] = field(default_factory=lambda: [0, 0])
    outcomes: int = 0


class Accounts:
    """Counts records as they come, in parts.

    Args:
        classes: Class labels; empty for regression.
        positive: Index of the positive class of two.
        clustered: Whether units repeat; then the parts must come in the order of units.

    Attributes:
        start: Time of the first request, in epoch seconds; infinite before.
        end: Time of the last.
        scores: The one number that a prediction amounts to, if there is one: the predicted number, or the
            positive class's probability; by variant (``True`` for B).
        errors: Prediction - outcome, by variant; regression only.
    """

    def __init__(self, classes: tuple[str, ...], positive: int, *, clustered: bool) -> None:
        self._classes, self._positive, self._clustered = classes, positive, clustered
        self._variants = {False: _Variant(), True: _Variant()}
        self._epochs: dict[int, _Epoch] = {}
        self._latency, self._delay = Tally(), Tally()
        self.start, self.end = math.inf, -math.inf
        self.scores, self.errors = Tally(), Tally()

    def add(self, columns: Columns) -> None:
        """Takes in further records."""
        if not len(columns):
            return
        self.start = min(self.start, float(columns.at.min()))
        self.end = max(self.end, float(columns.at.max()))
        for of_b in (False, True):
            self._add_variant(columns.take(columns.is_b == of_b), of_b)
        for epoch in np.unique(columns.epoch):
            here = columns.epoch == epoch
            counted = self._epochs.setdefault(int(epoch), _Epoch())
            splits, counts = np.unique(columns.split[here], return_counts=True)
            counted.splits.update(dict(zip(splits.tolist(), counts.tolist(), strict=True)))
            counted.start = min(counted.start, float(columns.at[here].min()))
            counted.end = max(counted.end, float(columns.at[here].max()))
            to_b = int(columns.is_b[here].sum())
            counted.requests[0] += int(here.sum()) - to_b
            counted.requests[1] += to_b
            counted.outcomes += int(columns.usable[here].sum())

    def variant(self, *, of_b: bool) -> VariantSummary:
        """Sums a variant up."""
        its = self._variants[of_b]
        requests, usable, unknown = (its.counts[name] for name in ("requests", "usable", "unknown"))
        scored = self.scores.counts(of_b).total
        return VariantSummary(
            requests=requests,
            units=its.counts["units"],
            model_version=its.models.most_common(1)[0][0] if its.models else "",
            fallbacks=its.counts["fallback"],
            spilled=its.counts["spilled"],
            outcomes=usable,
            outcomes_missing=requests - usable - unknown,
            outcomes_unknown=unknown,
            outcome_delay_s=_percentiles(self._delay.counts(of_b)),
            latency_ms=_percentiles(self._latency.counts(of_b)),
            predicted={name: its.predicted[index] for index, name in enumerate(self._classes)},
            mean_prediction=its.score_sum / scored if scored else math.nan,
        )

    def epochs(self) -> tuple[Epoch, ...]:
        """Gives the epochs by version."""
        return tuple(
            Epoch(
                version,
                _median(its.splits),
                its.start,
                its.end,
                its.requests[0],
                its.requests[1],
                its.outcomes,
            )
            for version, its in sorted(self._epochs.items())
        )

    def roundings(self) -> dict[str, float]:
        """Gives the largest relative error of what had to be rounded."""
        tallies = {
            "latency": self._latency,
            "outcome delay": self._delay,
            "scores": self.scores,
            "errors": self.errors,
        }
        return {name: tally.relative_error for name, tally in tallies.items() if tally.relative_error}

    def _add_variant(self, columns: Columns, of_b: bool) -> None:
        if not len(columns):
            return
        its = self._variants[of_b]
        for name in ("usable", "unknown", "fallback", "spilled"):
            its.counts[name] += int(getattr(columns, name).sum())
        its.counts["requests"] += len(columns)
        its.counts["units"] += self._new_units(columns.unit, its)
        own = np.bincount(columns.model[~columns.fallback], minlength=len(columns.models))
        its.models.update(
            {name: int(count) for name, count in zip(columns.models, own, strict=True) if count}
        )
        if columns.task is Task.CLASSIFICATION:
            labels = columns.predicted[columns.predicted >= 0].astype(np.intp)
            predicted = np.bincount(labels, minlength=len(self._classes))
            its.predicted.update({index: int(count) for index, count in enumerate(predicted)})
        else:
            self.errors.add(of_b, np.where(columns.usable, columns.predicted - columns.outcome, math.nan))
        self._latency.add(of_b, columns.latency_ms)
        self._delay.add(of_b, columns.outcome_at - columns.at)
        score = self._score(columns)
        if score is not None:
            self.scores.add(of_b, score)
            its.score_sum += float(score[np.isfinite(score)].sum())

    def _new_units(self, unit: NDArray[np.uint64], its: _Variant) -> int:
        if not self._clustered:
            return int(unit.size)
        new = int(np.count_nonzero(unit[1:] != unit[:-1])) + (int(unit[0]) != its.last_unit)
        its.last_unit = int(unit[-1])
        return new

    def _score(self, columns: Columns) -> NDArray[np.float64] | None:
        if columns.task is Task.REGRESSION:
            return columns.predicted
        return columns.probabilities[:, self._positive] if columns.probabilities.shape[1] == 2 else None


def _percentiles(counts: Counts) -> Percentiles:
    return Percentiles(*counts.quantiles([0.5, 0.95, 0.99]))


def _median(found: Counter[float]) -> float:
    values = sorted(found)
    counts = np.array([found[value] for value in values], dtype=np.int64)
    return Counts(np.array(values), counts).quantiles([0.5])[0]
