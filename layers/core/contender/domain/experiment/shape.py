"""What the chart and the report show beside the metrics: distributions, calibration, the course of time."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from contender.domain.dataset import Task
from contender.domain.experiment.columns import Columns, Order
from contender.domain.experiment.intervals import LEVEL, wilson
from contender.domain.experiment.log import Log
from contender.domain.experiment.metrics import scored
from contender.domain.experiment.tally import Counts, Tally

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


def histogram(tally: Tally) -> Histogram | None:
    """Counts numbers of both variants over common bins.

    Args:
        tally: Of the numbers; groups ``False`` for A, ``True`` for B.

    Returns:
        The counts; ``None`` without numbers.
    """
    both = tally.counts()
    if not both.total:
        return None
    arms = [tally.counts(arm) for arm in (False, True)]
    smaller = min(arm.total for arm in arms if arm.total)
    bins = min(HISTOGRAM_BINS, math.ceil(2 * float(smaller) ** (1 / 3)))
    low, high = both.quantiles([HISTOGRAM_TAILS, 1 - HISTOGRAM_TAILS])
    if not high > low:
        low, high = float(both.values[0]) - 0.5, float(both.values[-1]) + 0.5
    edges = np.linspace(low, high, bins + 1)
    a, b = (np.histogram(np.clip(arm.values, low, high), edges, weights=arm.counts)[0] for arm in arms)
    return Histogram(tuple(map(float, edges)), tuple(map(int, a)), tuple(map(int, b)))


class Reliability:
    """Collects how confident predictions were and whether they came true.

    Args:
        classes: Class labels.
        positive: Index of the positive class of two.
    """

    def __init__(self, classes: tuple[str, ...], positive: int) -> None:
        self._classes, self._positive = classes, positive
        self._tally: Tally | None = None

    def add(self, columns: Columns) -> None:
        """Takes in further records; those of regression, or without probabilities, say nothing."""
        if columns.task is Task.REGRESSION or columns.probabilities.shape[1] < 2:
            return
        self._tally = self._tally or Tally()
        keep = scored(columns)
        p, outcome, is_b = columns.probabilities[keep], columns.outcome[keep], columns.is_b[keep]
        if len(self._classes) == 2:
            confidence, hit = p[:, self._positive], outcome == self._positive
        else:
            confidence, hit = p.max(axis=1), outcome == p.argmax(axis=1)
        for arm in (False, True):
            for came in (False, True):
                self._tally.add((arm, came), confidence[(is_b == arm) & (hit == came)])

    def result(self, level: float = LEVEL) -> Calibration | None:
        """Compares predicted probabilities with what happened.

        Args:
            level: Coverage of the bins' intervals.

        Returns:
            The reliability of each variant; ``None`` where there are no probabilities.
        """
        if self._tally is None:
            return None
        of = self._classes[self._positive] if len(self._classes) == 2 else "the predicted label"
        a, b = (
            _reliability(self._tally.counts((arm, False)), self._tally.counts((arm, True)), level)
            for arm in (False, True)
        )
        return Calibration(of, a, b, _calibration_error(a), _calibration_error(b))


def timeline(log: Log, start: float, end: float) -> tuple[TimeBin, ...]:
    """Requests and shares over time, in bins of equal length; empty without records.

    Args:
        log: The records.
        start: Time of the first request, in epoch seconds.
        end: Time of the last.
    """
    if len(log) == 0:
        return ()
    bins = min(TIME_BINS, max(6, len(log) // REQUESTS_PER_TIME_BIN))
    edges = np.linspace(start, end, bins + 1) if end > start else np.array([start, start + 1])
    sums = np.zeros((3, edges.size - 1))
    for part in log.batches(Order.ANY):
        for row, weights in enumerate((None, part.is_b.astype(np.float64), part.probability_b)):
            sums[row] += np.histogram(part.at, edges, weights=weights)[0]
    return tuple(
        TimeBin(
            float(edges[i]),
            float(edges[i + 1]),
            int(count),
            float(of_b / count) if count else math.nan,
            float(expected / count) if count else math.nan,
        )
        for i, (count, of_b, expected) in enumerate(sums.T)
    )


def _reliability(misses: Counts, hits: Counts, level: float) -> tuple[CalibrationBin, ...]:
    """Bins of equal count. Predictions of equal confidence that fall into several bins are spread evenly over
    them, those that came true as well as those that did not."""
    confidence = np.union1d(misses.values, hits.values)
    came = np.zeros(confidence.size)
    came[np.searchsorted(confidence, hits.values)] = hits.counts
    count = came.copy()
    count[np.searchsorted(confidence, misses.values)] += misses.counts
    total = misses.total + hits.total
    # Sums of the first n predictions by rising confidence, as functions of n.
    ends = np.concatenate([[0.0], np.cumsum(count)])
    upto = [np.concatenate([[0.0], np.cumsum(part)]) for part in (came, count * confidence)]
    sizes = [part.size for part in np.array_split(np.empty(total), CALIBRATION_BINS) if part.size]
    edges = np.concatenate([[0], np.cumsum(sizes)])
    true, sums = np.rint(np.interp(edges, ends, upto[0])), np.interp(edges, ends, upto[1])
    found: list[CalibrationBin] = []
    for i, size in enumerate(sizes):
        of_these = min(size, int(true[i + 1] - true[i]))
        lower, upper = wilson(of_these, size, level)
        predicted = float(sums[i + 1] - sums[i]) / size
        found.append(CalibrationBin(predicted, of_these / size, lower, upper, size))
    return tuple(found)


def _calibration_error(bins: tuple[CalibrationBin, ...]) -> float:
    total = sum(part.outcomes for part in bins)
    return (
        sum(part.outcomes * abs(part.observed - part.predicted) for part in bins) / total
        if total
        else math.nan
    )
