"""The whole reading of an experiment, from its records to what may be said.

Analysis is by the *assigned* variant, whichever one answered (intention to treat): a fallback happens when a
variant fails, and dropping or moving its requests would compare different kinds of requests. Fallbacks so
count against the variant that could not answer; they are reported, and they pull the variants' figures
together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contender.domain.dataset import Task
from contender.domain.experiment.columns import Columns
from contender.domain.experiment.completeness import Completeness, completeness
from contender.domain.experiment.look import Look, read
from contender.domain.experiment.metrics import METRICS, VALUE, Comparison, compare_all, outcome_scores
from contender.domain.experiment.settings import ExperimentSettings
from contender.domain.experiment.shape import (
    Calibration,
    Histogram,
    TimeBin,
    calibration,
    histogram,
    timeline,
)
from contender.domain.experiment.srm import SampleRatio
from contender.domain.experiment.state import replay
from contender.domain.experiment.verdict import Verdict
from contender.errors import BadInput


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


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything that is known of an experiment.

    Attributes:
        task: Classification or regression.
        classes: Class labels; empty for regression.
        positive: The positive class of two; ``None`` otherwise.
        level: Coverage of all intervals.
        requests: Records.
        clustered: Whether units repeat, so that errors are computed by unit.
        a: Requests assigned to A.
        b: Requests assigned to B.
        settings: How it was judged.
        comparisons: One per metric, the primary one first; for one look.
        look: The same for any number of looks, as it would have been evaluated while the records came in:
            what the verdict is about.
        completeness: Missing and late outcomes.
        epochs: By version of the split.
        scores: Distribution of the predicted number, or of the positive class's probability; ``None``
            otherwise.
        errors: Distribution of prediction - outcome; ``None`` for classification.
        calibration: ``None`` without probabilities.
        timeline: The course of time.
    """

    task: Task
    classes: tuple[str, ...]
    positive: str | None
    level: float
    requests: int
    clustered: bool
    a: VariantSummary
    b: VariantSummary
    settings: ExperimentSettings
    comparisons: tuple[Comparison, ...]
    look: Look
    completeness: Completeness
    epochs: tuple[Epoch, ...]
    scores: Histogram | None
    errors: Histogram | None
    calibration: Calibration | None
    timeline: tuple[TimeBin, ...]

    @property
    def ratio(self) -> SampleRatio:
        """Sample ratio check."""
        return self.look.ratio

    @property
    def verdict(self) -> Verdict:
        """What is to be done."""
        return self.look.verdict


def analyse(
    columns: Columns, positive: str | None = None, settings: ExperimentSettings | None = None
) -> Analysis:
    """Reads an experiment.

    Args:
        columns: Its records: one release, so that each variant is one model.
        positive: Positive class of two; ``None`` for the second in the order of ``columns.classes``.
        settings: How it is judged.

    Returns:
        The analysis.

    Raises:
        BadInput: For a positive class or primary metric that the records do not have.
    """
    settings = settings or ExperimentSettings()
    level = settings.level
    index = _positive_index(columns, positive)
    value = VALUE._replace(higher_is_better=settings.value_higher_is_better)
    comparisons = tuple(
        entry._replace(metric=value) if entry.metric is VALUE else entry
        for entry in compare_all(columns, index, level)
    )
    comparisons = _primary_first(comparisons, settings.metric)
    scores = {entry.metric.name: entry.served for entry in outcome_scores(columns)}
    binary = len(columns.classes) == 2
    score = _score(columns, index)
    return Analysis(
        task=columns.task,
        classes=columns.classes,
        positive=columns.classes[index] if binary else None,
        level=level,
        requests=len(columns),
        clustered=columns.units is not None,
        a=_summary(columns, ~columns.is_b, score),
        b=_summary(columns, columns.is_b, score),
        settings=settings,
        comparisons=comparisons,
        look=read(replay(columns, settings), settings),
        completeness=completeness(columns, scores[comparisons[0].metric.name], level),
        epochs=_epochs(columns),
        scores=None if score is None else histogram(score, columns.is_b),
        errors=_errors(columns),
        calibration=calibration(columns, index, level),
        timeline=timeline(columns),
    )


def _positive_index(columns: Columns, positive: str | None) -> int:
    if positive is None:
        return 1 if len(columns.classes) == 2 else 0
    if len(columns.classes) != 2 or positive not in columns.classes:
        known = ", ".join(columns.classes) or "none: these are numbers"
        raise BadInput.of(
            "positive", f"{positive!r} is not one of two classes", f"leave it out; classes: {known}"
        )
    return columns.classes.index(positive)


def _primary_first(comparisons: tuple[Comparison, ...], primary: str | None) -> tuple[Comparison, ...]:
    if primary is None:
        return comparisons
    able = [entry for entry in comparisons if entry.metric.name in METRICS]
    chosen = [entry for entry in able if entry.metric.name == primary]
    if not chosen:
        names = ", ".join(entry.metric.name for entry in able)
        raise BadInput.of("metric", f"{primary!r} cannot decide over these records", f"choose from {names}")
    return (*chosen, *(entry for entry in comparisons if entry is not chosen[0]))


def _score(columns: Columns, positive: int) -> NDArray[np.float64] | None:
    """The one number that a prediction amounts to, if there is one."""
    if columns.task is Task.REGRESSION:
        return columns.predicted
    return columns.probabilities[:, positive] if columns.probabilities.shape[1] == 2 else None


def _errors(columns: Columns) -> Histogram | None:
    if columns.task is not Task.REGRESSION:
        return None
    return histogram(np.where(columns.usable, columns.predicted - columns.outcome, math.nan), columns.is_b)


def _summary(columns: Columns, arm: NDArray[np.bool_], score: NDArray[np.float64] | None) -> VariantSummary:
    requests = int(arm.sum())
    usable, unknown = int((arm & columns.usable).sum()), int((arm & columns.unknown).sum())
    own = columns.model[arm & ~columns.fallback]
    predicted = columns.predicted[arm]
    mean = math.nan
    if score is not None and np.isfinite(score[arm]).any():
        mean = float(np.nanmean(score[arm]))
    return VariantSummary(
        requests=requests,
        units=int(np.unique(columns.unit[arm]).size),
        model_version=columns.models[int(np.bincount(own).argmax())] if own.size else "",
        fallbacks=int((arm & columns.fallback).sum()),
        spilled=int((arm & columns.spilled).sum()),
        outcomes=usable,
        outcomes_missing=requests - usable - unknown,
        outcomes_unknown=unknown,
        outcome_delay_s=_percentiles((columns.outcome_at - columns.at)[arm]),
        latency_ms=_percentiles(columns.latency_ms[arm]),
        predicted={name: int((predicted == index).sum()) for index, name in enumerate(columns.classes)},
        mean_prediction=mean,
    )


def _epochs(columns: Columns) -> tuple[Epoch, ...]:
    if len(columns) == 0:
        return ()
    order = np.argsort(columns.epoch, kind="stable")
    versions, starts = np.unique(columns.epoch[order], return_index=True)
    found: list[Epoch] = []
    for version, here in zip(versions, np.split(order, starts[1:]), strict=True):
        of_b = int(columns.is_b[here].sum())
        found.append(
            Epoch(
                version=int(version),
                split=float(np.median(columns.split[here])),
                start=float(columns.at[here].min()),
                end=float(columns.at[here].max()),
                requests_a=int(here.size) - of_b,
                requests_b=of_b,
                outcomes=int(columns.usable[here].sum()),
            )
        )
    return tuple(found)


def _percentiles(values: NDArray[np.float64]) -> Percentiles:
    values = values[np.isfinite(values)]
    if values.size == 0:
        return Percentiles(math.nan, math.nan, math.nan)
    return Percentiles(*(float(value) for value in np.percentile(values, [50, 95, 99])))
