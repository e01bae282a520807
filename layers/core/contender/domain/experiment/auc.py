"""Area under the ROC curve with DeLong's interval, for two classes and for many.

The AUC is the chance that a random positive scores above a random negative (ties count half). Its
variance comes from each outcome's *placement*: the share of the other side that it beats. DeLong, DeLong and
Clarke-Pearson, "Comparing the areas under two or more correlated ROC curves", Biometrics 44 (1988); by ranks,
in O(n log n): Sun and Xu, "Fast implementation of DeLong's algorithm", IEEE Signal Processing Letters 21
(2014).

For more than two classes: the unweighted mean of the one-vs-rest AUCs of the classes that occur. An outcome
plays a part in every class's curve, so its placements are summed over classes before they are squared: the
interval takes the curves' correlation into account. With two classes both ways agree exactly.

Where units repeat, placements are summed by unit: Obuchowski, "Nonparametric analysis of clustered ROC curve
data", Biometrics 53 (1997).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contender.domain.experiment.difference import Difference, conclude, information, none_comparable
from contender.domain.experiment.intervals import LEVEL, Estimate, clustered_variance, unknown, z_quantile

MIN_PER_CLASS = 5
"""Outcomes of each class that each variant needs in an epoch for the epoch to enter a difference of AUCs:
with fewer, the two classes are separated by chance too often, and the variance estimate is then 0."""


class Ranking(NamedTuple):
    """An AUC and what each outcome adds to its error.

    Attributes:
        value: The AUC; NaN when only one class occurs.
        influence: Shape [n]; the sum of squares estimates the variance of ``value``.
    """

    value: float
    influence: NDArray[np.float64]


def ranking(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> Ranking:
    """AUC of one score.

    Args:
        scores: Shape [n], higher for the positive class; no NaN.
        positive: Shape [n], whether the outcome is the positive class.

    Returns:
        The AUC and influences; NaN and zeros when a side is empty. A side of one outcome adds no variance.
    """
    influence = np.zeros(scores.size)
    hits, misses = scores[positive], scores[~positive]
    m, n = hits.size, misses.size
    if m == 0 or n == 0:
        return Ranking(math.nan, influence)
    ranks = _midranks(scores)
    beaten = (ranks[positive] - _midranks(hits)) / n
    not_beaten_by = 1 - (ranks[~positive] - _midranks(misses)) / m
    value = float(beaten.mean())
    influence[positive] = (beaten - value) / math.sqrt(m * max(m - 1, 1))
    influence[~positive] = (not_beaten_by - value) / math.sqrt(n * max(n - 1, 1))
    return Ranking(value, influence)


def class_ranking(probabilities: NDArray[np.float64], outcomes: NDArray[np.intp], positive: int) -> Ranking:
    """AUC of a classifier: of the positive class when there are two, else the one-vs-rest macro mean.

    Args:
        probabilities: Shape [n, classes], no NaN.
        outcomes: Shape [n], index of the class that happened.
        positive: Index of the positive class; used with two classes only.

    Returns:
        The AUC; classes that never happen are left out of the mean; NaN when fewer than two happen.
    """
    if probabilities.shape[1] == 2:
        return ranking(probabilities[:, positive], outcomes == positive)
    present = np.unique(outcomes)
    if present.size < 2:
        return Ranking(math.nan, np.zeros(outcomes.size))
    parts = [ranking(probabilities[:, label], outcomes == label) for label in present]
    value = float(np.mean([part.value for part in parts]))
    return Ranking(value, np.mean([part.influence for part in parts], axis=0))


def auc_estimate(result: Ranking, units: NDArray[np.uint64] | None = None, level: float = LEVEL) -> Estimate:
    """AUC with DeLong's interval, cut to [0, 1].

    Args:
        result: From :func:`class_ranking` or :func:`ranking`.
        units: Shape [n] when units repeat; else ``None``.
        level: Coverage.

    Returns:
        The estimate; without an interval where the classes are perfectly separated, since the variance
        estimate is then 0 and would claim certainty.
    """
    count = int(result.influence.size)
    variance = _variance(result.influence, units)
    if not variance > 0:
        return unknown(count, result.value)
    error = math.sqrt(variance)
    half = z_quantile(level) * error
    return Estimate(result.value, max(0.0, result.value - half), min(1.0, result.value + half), count, error)


def auc_difference(
    probabilities: NDArray[np.float64],
    outcomes: NDArray[np.intp],
    positive: int,
    is_b: NDArray[np.bool_],
    epochs: NDArray[np.int64],
    units: NDArray[np.uint64] | None = None,
    level: float = LEVEL,
) -> Difference:
    """AUC of B less AUC of A, independent samples, post-stratified by epoch as in :mod:`.difference`.

    Args:
        probabilities: Shape [n, classes], no NaN.
        outcomes: Shape [n], class indices.
        positive: Index of the positive class of two.
        is_b: Shape [n].
        epochs: Shape [n].
        units: Shape [n] when units repeat; else ``None``.
        level: Coverage (normal).

    Returns:
        The difference; epochs in which a variant lacks ``MIN_PER_CLASS`` outcomes of a class are left out
        and counted.
    """
    names = np.unique(epochs)
    needed = np.unique(outcomes)
    usable: list[NDArray[np.bool_]] = []
    for name in names:
        here = epochs == name
        if needed.size >= 2 and all(_enough(outcomes[here & arm], needed) for arm in (is_b, ~is_b)):
            usable.append(here)
    total = int(sum(here.sum() for here in usable))
    dropped = int(outcomes.size) - total
    if not usable:
        return none_comparable(int(names.size), dropped)
    value = 0.0
    influence = np.zeros(outcomes.size)
    told = [information(int((here & ~is_b).sum()), int((here & is_b).sum())) for here in usable]
    for here, weight in zip(usable, np.array(told) / sum(told), strict=True):
        for arm, sign in ((here & is_b, 1), (here & ~is_b, -1)):
            part = class_ranking(probabilities[arm], outcomes[arm], positive)
            value += sign * weight * part.value
            influence[arm] = sign * weight * part.influence
    kept = np.logical_or.reduce(usable)
    variance = _variance(influence[kept], None if units is None else units[kept])
    return conclude(
        value, variance, math.inf, total, len(usable), int(names.size) - len(usable), dropped, level
    )


def _variance(influence: NDArray[np.float64], units: NDArray[np.uint64] | None) -> float:
    if units is None:
        return float(np.square(influence).sum())
    return clustered_variance(influence, units)[0]


def _enough(outcomes: NDArray[np.intp], needed: NDArray[np.intp]) -> bool:
    return all(np.count_nonzero(outcomes == label) >= MIN_PER_CLASS for label in needed)


def _midranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1; equal values share the mean of their ranks."""
    inverse, counts = np.unique(values, return_inverse=True, return_counts=True)[1:]
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return ranks
