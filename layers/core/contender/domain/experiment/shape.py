"""What the chart and the report show beside the metrics: distributions, calibration, the course of time."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contender.domain.dataset import Task
from contender.domain.experiment.columns import Columns
from contender.domain.experiment.intervals import LEVEL, wilson
from contender.domain.experiment.metrics import scored

HISTOGRAM_BINS = 40
"""Most bins of a histogram; with few records fewer, by Rice's rule ``2 n^(1/3)`` on the smaller variant."""
HISTOGRAM_TAILS = 0.005
"""Share of records beyond each end of a histogram's range; they are counted in its outer bins, so that one
outlier does not squeeze everything else into a single bin."""
CALIBRATION_BINS = 10
"""Bins of equal count: the usual ten."""
TIME_BINS = 48
"""Most bins of the course of time: half hours of a day."""
REQUESTS_PER_TIME_BIN = 50
"""Fewer make a share too noisy to look at (0.5 ± 0.14): then there are fewer bins, but at least six."""


class Histogram(NamedTuple):
    """Counts of numbers.

    Attributes:
        edges: Shape [bins + 1], rising; the outer bins hold what lies beyond.
        a: Shape [bins], counts of A.
        b: Counts of B.
    """

    edges: tuple[float, ...]
    a: tuple[int, ...]
    b: tuple[int, ...]


class CalibrationBin(NamedTuple):
    """Predictions of about the same confidence.

    Attributes:
        predicted: Mean predicted probability.
        observed: Share in which it came true.
        lower: Wilson bound of ``observed``.
        upper: Wilson bound of ``observed``.
        outcomes: How many.
    """

    predicted: float
    observed: float
    lower: float
    upper: float
    outcomes: int


class Calibration(NamedTuple):
    """Reliability of predicted probabilities.

    Attributes:
        of: What was predicted: the positive class, or with more than two classes the predicted label.
        a: Bins of A, by rising probability; empty without outcomes.
        b: Bins of B.
        error_a: Expected calibration error, the mean distance of ``observed`` from ``predicted`` weighted by
            count (Naeini, Cooper and Hauskrecht, AAAI 2015); NaN without outcomes.
        error_b: The same of B.
    """

    of: str
    a: tuple[CalibrationBin, ...]
    b: tuple[CalibrationBin, ...]
    error_a: float
    error_b: float


class TimeBin(NamedTuple):
    """Requests of a stretch of time.

    Attributes:
        start: Epoch seconds.
        end: Epoch seconds.
        requests: How many.
        share_b: Share assigned to B; NaN without requests.
        expected_b: Mean probability of B under the splits in force; NaN without requests.
    """

    start: float
    end: float
    requests: int
    share_b: float
    expected_b: float


def histogram(values: NDArray[np.float64], is_b: NDArray[np.bool_]) -> Histogram | None:
    """Counts numbers of both variants over common bins.

    Args:
        values: Shape [n]; NaN are left out.
        is_b: Shape [n].

    Returns:
        The counts; ``None`` without numbers.
    """
    keep = np.isfinite(values)
    values, is_b = values[keep], is_b[keep]
    if values.size == 0:
        return None
    smaller = min(count for count in np.bincount(is_b) if count)
    bins = min(HISTOGRAM_BINS, math.ceil(2 * float(smaller) ** (1 / 3)))
    low, high = np.quantile(values, [HISTOGRAM_TAILS, 1 - HISTOGRAM_TAILS])
    if not high > low:
        low, high = float(values.min()) - 0.5, float(values.max()) + 0.5
    edges = np.linspace(low, high, bins + 1)
    inside = np.clip(values, low, high)
    a, b = (np.histogram(inside[arm], edges)[0] for arm in (~is_b, is_b))
    return Histogram(tuple(map(float, edges)), tuple(map(int, a)), tuple(map(int, b)))


def calibration(columns: Columns, positive: int, level: float = LEVEL) -> Calibration | None:
    """Compares predicted probabilities with what happened.

    Args:
        columns: The records.
        positive: Index of the positive class of two.
        level: Coverage of the bins' intervals.

    Returns:
        The reliability of each variant; ``None`` where there are no probabilities.
    """
    classes = columns.probabilities.shape[1]
    if columns.task is Task.REGRESSION or classes < 2:
        return None
    keep = scored(columns)
    p, outcome, is_b = columns.probabilities[keep], columns.outcome[keep], columns.is_b[keep]
    if classes == 2:
        of, confidence, hit = columns.classes[positive], p[:, positive], outcome == positive
    else:
        of, confidence, hit = "the predicted label", p.max(axis=1), outcome == p.argmax(axis=1)
    a, b = (_reliability(confidence[arm], hit[arm], level) for arm in (~is_b, is_b))
    return Calibration(of, a, b, _calibration_error(a), _calibration_error(b))


def timeline(columns: Columns) -> tuple[TimeBin, ...]:
    """Requests and shares over time, in bins of equal length; empty without records."""
    if len(columns) == 0:
        return ()
    start, end = float(columns.at.min()), float(columns.at.max())
    bins = min(TIME_BINS, max(6, len(columns) // REQUESTS_PER_TIME_BIN))
    edges = np.linspace(start, end, bins + 1) if end > start else np.array([start, start + 1])
    counts = np.histogram(columns.at, edges)[0]
    of_b = np.histogram(columns.at, edges, weights=columns.is_b.astype(np.float64))[0]
    expected = np.histogram(columns.at, edges, weights=columns.probability_b)[0]
    return tuple(
        TimeBin(
            float(edges[i]),
            float(edges[i + 1]),
            int(count),
            float(of_b[i] / count) if count else math.nan,
            float(expected[i] / count) if count else math.nan,
        )
        for i, count in enumerate(counts)
    )


def _reliability(
    confidence: NDArray[np.float64], hit: NDArray[np.bool_], level: float
) -> tuple[CalibrationBin, ...]:
    order = np.argsort(confidence, kind="stable")
    found: list[CalibrationBin] = []
    for part in np.array_split(order, CALIBRATION_BINS):
        if part.size:
            hits = int(hit[part].sum())
            lower, upper = wilson(hits, part.size, level)
            found.append(
                CalibrationBin(float(confidence[part].mean()), hits / part.size, lower, upper, int(part.size))
            )
    return tuple(found)


def _calibration_error(bins: tuple[CalibrationBin, ...]) -> float:
    total = sum(part.outcomes for part in bins)
    return (
        sum(part.outcomes * abs(part.observed - part.predicted) for part in bins) / total
        if total
        else math.nan
    )
