"""Difference of a mean between the variants, B - A, kept honest across changes of the split.

When the split moves while the world moves (more of B just when everything gets harder), the pooled
difference compares different times and can show an effect where none is, or hide one. So units are compared
only with units of the same epoch, the time during which one split was in force, and the epochs'
differences are averaged by how much each tells::

    Δ = Σₖ Wₖ (ȳ_Bk - ȳ_Ak),   Wₖ ∝ n_Ak n_Bk / nₖ,   Var Δ = Σₖ Wₖ² (s²_Bk / n_Bk + s²_Ak / n_Ak)

This is post-stratification (Miratrix, Sekhon and Yu, "Adjusting treatment effect estimates by
post-stratification in randomized experiments", JRSS B 75, 2013, with each epoch's Neyman variance) with the
weights of Mantel and Haenszel ("Statistical aspects of the analysis of data from retrospective studies of
disease", JNCI 22, 1959): those that are least noisy when the difference is the same in every epoch, so that
a long ramp at 1 % does not drown what an even split showed afterwards; the confidence sequence of
:mod:`.sequence` weighs alike. With one epoch it is Welch's test. Its degrees of freedom are Satterthwaite's
("An approximate distribution of estimates of variance components", Biometrics Bulletin 2, 1946).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contender.domain.experiment.intervals import LEVEL, Clusters, t_quantile, two_sided_p
from contender.domain.experiment.moments import Moments

MIN_PER_CELL = 2
"""Outcomes that each variant needs in an epoch: below two there is no variance, so no interval."""


class Cell(NamedTuple):
    """Both variants within one epoch.

    Attributes:
        epoch: Version of the split.
        a: Moments of the metric under A.
        b: The same under B.
    """

    epoch: int
    a: Moments
    b: Moments


class Difference(NamedTuple):
    """B - A with its interval.

    Attributes:
        value: Estimate; NaN when no epoch can be compared.
        lower: Lower end of the interval; NaN where the data cannot bound it.
        upper: Upper end.
        p_value: Two-sided, for no difference; NaN where there is no interval.
        standard_error: Of ``value``.
        df: Degrees of freedom of the t distribution behind the interval (infinite: normal).
        outcomes: How many were compared.
        epochs: Epochs compared.
        epochs_dropped: Epochs with outcomes in which a variant has too few of them.
        outcomes_dropped: Outcomes of those epochs.
    """

    value: float
    lower: float
    upper: float
    p_value: float
    standard_error: float
    df: float
    outcomes: int
    epochs: int
    epochs_dropped: int
    outcomes_dropped: int


def cells(values: NDArray[np.float64], is_b: NDArray[np.bool_], epochs: NDArray[np.int64]) -> list[Cell]:
    """Groups a metric by epoch and variant.

    Args:
        values: Shape [n], no NaN.
        is_b: Shape [n], whether the request was assigned to B.
        epochs: Shape [n], version of the split in force.

    Returns:
        One cell per epoch, in rising order; empty without data.
    """
    if values.size == 0:
        return []
    names, codes = np.unique(epochs, return_inverse=True)
    index = 2 * codes + is_b
    size = 2 * names.size
    counts = np.bincount(index, minlength=size)
    means = np.bincount(index, weights=values, minlength=size) / np.maximum(counts, 1)
    squares = np.bincount(index, weights=np.square(values - means[index]), minlength=size)
    found = [Moments(int(counts[i]), float(means[i]), float(squares[i])) for i in range(size)]
    return [Cell(int(name), found[2 * k], found[2 * k + 1]) for k, name in enumerate(names)]


def merged_cells(parts: Iterable[Sequence[Cell]]) -> list[Cell]:
    """Puts cells of several parts together: one per epoch, in rising order."""
    found: dict[int, Cell] = {}
    for part in parts:
        for cell in part:
            before = found.get(cell.epoch)
            found[cell.epoch] = (
                cell if before is None else Cell(cell.epoch, before.a.merge(cell.a), before.b.merge(cell.b))
            )
    return [found[epoch] for epoch in sorted(found)]


def stratified_difference(
    strata: Sequence[Cell], level: float = LEVEL, clusters: Clusters | None = None
) -> Difference:
    """Post-stratified B - A from sufficient statistics.

    Args:
        strata: At most one cell per epoch.
        level: Coverage.
        clusters: Variance by units where these repeat, of :meth:`Influence.of`; its degrees of freedom are
            the number of units less 1. ``None`` when each request is a unit of its own.

    Returns:
        The difference; epochs with fewer than ``MIN_PER_CELL`` outcomes of a variant are left out and
        counted.
    """
    usable, total, dropped = _split_usable(strata)
    if not usable:
        return none_comparable(len(strata), dropped)
    value = 0.0
    parts: list[tuple[float, int]] = []
    for cell, weight in zip(usable, _weights(usable), strict=True):
        value += weight * (cell.b.mean - cell.a.mean)
        parts += [(weight**2 * arm.variance_of_mean, arm.count - 1) for arm in (cell.a, cell.b)]
    variance = sum(part for part, _ in parts)
    curvature = sum(part**2 / df for part, df in parts)
    df = variance**2 / curvature if curvature > 0 else math.nan
    if clusters is not None:
        variance, df = clusters.variance, clusters.units - 1
    return conclude(value, variance, df, total, len(usable), len(strata) - len(usable), dropped, level)


class Influence:
    """What each request adds to the error of :func:`stratified_difference`.

    Args:
        strata: At most one cell per epoch.
    """

    def __init__(self, strata: Sequence[Cell]) -> None:
        usable = _split_usable(strata)[0]
        self._epochs = np.array([cell.epoch for cell in usable], dtype=np.int64)
        self._mean = np.array([[cell.a.mean, cell.b.mean] for cell in usable]).reshape(-1, 2)
        count = np.array([[cell.a.count, cell.b.count] for cell in usable]).reshape(-1, 2)
        self._scale = _weights(usable)[:, None] * [-1, 1] / count if usable else count

    def of(
        self, values: NDArray[np.float64], is_b: NDArray[np.bool_], epochs: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Gives the influences of the requests in comparable epochs.

        Args:
            values: Shape [n], no NaN.
            is_b: Shape [n].
            epochs: Shape [n].

        Returns:
            The influences, and which requests they are of, shape [n].
        """
        keep = np.isin(epochs, self._epochs)
        at, arm = np.searchsorted(self._epochs, epochs[keep]), is_b[keep].astype(np.intp)
        return self._scale[at, arm] * (values[keep] - self._mean[at, arm]), keep


def conclude(
    value: float,
    variance: float,
    df: float,
    count: int,
    epochs: int,
    epochs_dropped: int,
    outcomes_dropped: int,
    level: float,
) -> Difference:
    """Makes a difference of an estimate and its variance; no interval where that is 0 or unknown."""
    if not variance > 0:
        nan = math.nan
        return Difference(value, nan, nan, nan, nan, nan, count, epochs, epochs_dropped, outcomes_dropped)
    error = math.sqrt(variance)
    half = t_quantile(level, df) * error
    p_value = two_sided_p(value / error, df)
    return Difference(
        value, value - half, value + half, p_value, error, df, count, epochs, epochs_dropped, outcomes_dropped
    )


def none_comparable(epochs_dropped: int, outcomes_dropped: int) -> Difference:
    """The difference when no epoch can be compared."""
    nan = math.nan
    return Difference(nan, nan, nan, nan, nan, nan, 0, 0, epochs_dropped, outcomes_dropped)


def information(of_a: int, of_b: int) -> float:
    """What an epoch tells of a difference: the inverse variance of ``ȳ_B - ȳ_A`` in outcomes, ``n_A n_B /
    n``."""
    return of_a * of_b / (of_a + of_b)


def _weights(usable: Sequence[Cell]) -> NDArray[np.float64]:
    told = np.array([information(cell.a.count, cell.b.count) for cell in usable])
    weights: NDArray[np.float64] = told / told.sum()
    return weights


def _split_usable(strata: Sequence[Cell]) -> tuple[list[Cell], int, int]:
    """Gives the comparable cells, the outcomes in them, and the outcomes in the others."""
    usable = [cell for cell in strata if min(cell.a.count, cell.b.count) >= MIN_PER_CELL]
    total = sum(cell.a.count + cell.b.count for cell in usable)
    return usable, total, sum(cell.a.count + cell.b.count for cell in strata) - total
