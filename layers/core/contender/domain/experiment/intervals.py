"""Estimates with intervals, for one sample.

All intervals here are fixed-horizon: they cover at their level when the data are looked at once, at a
time fixed beforehand. Stopping at the first interval that excludes something makes them too narrow.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contender.domain.experiment.moments import Moments

LEVEL = 0.95
"""Coverage of every interval unless a caller asks for another: the convention that readers expect."""


class Estimate(NamedTuple):
    """A number and how well it is known.

    Attributes:
        value: Point estimate; NaN without data.
        lower: Lower end of the interval; NaN where the data cannot bound it.
        upper: Upper end.
        outcomes: How many are behind it.
        standard_error: Estimated standard deviation of ``value``; NaN where unknown.
    """

    value: float
    lower: float
    upper: float
    outcomes: int
    standard_error: float


def unknown(count: int = 0, value: float = math.nan) -> Estimate:
    """An estimate without an interval."""
    return Estimate(value, math.nan, math.nan, count, math.nan)


def t_quantile(level: float, df: float) -> float:
    """Half-width of the central ``level`` interval of Student's t, in standard errors; NaN for df <= 0."""
    return float(special.stdtrit(df, 0.5 + level / 2)) if df > 0 else math.nan


def z_quantile(level: float) -> float:
    """The same for the standard normal."""
    return float(special.ndtri(0.5 + level / 2))


def two_sided_p(statistic: float, df: float = math.inf) -> float:
    """Two-sided p-value of a t statistic (normal for infinite ``df``); NaN for NaN."""
    tail = special.ndtr(-abs(statistic)) if math.isinf(df) else special.stdtr(df, -abs(statistic))
    return float(2 * tail)


class Clusters(NamedTuple):
    """Variance of an estimate, summed up over units.

    Attributes:
        variance: NaN below two units.
        units: How many.
    """

    variance: float
    units: int


class UnitSums:
    """Sums up what each unit's records add to the error of some estimates, over records that come unit by
    unit.

    The unit, not the request, was randomised; requests of one unit resemble each other, and treating
    them as independent makes intervals too narrow. ``G/(G-1) Σ_units (Σ_requests influence)²``: Liang and
    Zeger, "Longitudinal data analysis using generalized linear models", Biometrika 73 (1986), with the usual
    correction for few clusters. Without units each request counts alone: ``Σ influence²``.
    """

    def __init__(self) -> None:
        self._squares: dict[str, float] = {}
        self._units: dict[str, int] = {}
        self._open: dict[str, tuple[int, float]] = {}
        self._corrected = False

    def add(self, name: str, influence: NDArray[np.float64], units: NDArray[np.uint64] | None) -> None:
        """Takes in further records.

        Args:
            name: Of the estimate.
            influence: Shape [n], each request's influence on the estimate; they sum to about 0 over all.
            units: Shape [n], the unit of each, in one order for all calls; ``None`` where none repeats.
        """
        if not influence.size:
            return
        if units is None:
            self._close(name, influence)
            return
        self._corrected = True
        starts = np.concatenate([[0], np.flatnonzero(units[1:] != units[:-1]) + 1])
        sums = np.add.reduceat(influence, starts)
        before = self._open.get(name)
        if before is not None and before[0] == units[0]:
            sums[0] += before[1]
        elif before is not None:
            self._close(name, np.array([before[1]]))
        self._close(name, sums[:-1])
        self._open[name] = (int(units[-1]), float(sums[-1]))  # its records may go on

    def of(self, name: str) -> Clusters:
        """Gives the variance of an estimate."""
        before = self._open.pop(name, None)
        if before is not None:
            self._close(name, np.array([before[1]]))
        squares, units = self._squares.get(name, math.nan), self._units.get(name, 0)
        if not self._corrected:
            return Clusters(squares, units)
        return Clusters(squares * units / (units - 1) if units > 1 else math.nan, units)

    def _close(self, name: str, sums: NDArray[np.float64]) -> None:
        self._squares[name] = self._squares.get(name, 0.0) + float(np.dot(sums, sums))
        self._units[name] = self._units.get(name, 0) + int(sums.size)


def mean_estimate(moments: Moments, clusters: Clusters | None = None, level: float = LEVEL) -> Estimate:
    """Mean with Student's t interval.

    Args:
        moments: Of the values.
        clusters: Variance by units where these repeat (then df = units - 1); ``None`` when each request
            is a unit of its own.
        level: Coverage.

    Returns:
        The estimate; without an interval below two values (units).
    """
    if moments.count == 0:
        return unknown()
    variance, groups = clusters or (moments.variance_of_mean, moments.count)
    error = math.sqrt(variance)
    half = t_quantile(level, groups - 1) * error
    return Estimate(moments.mean, moments.mean - half, moments.mean + half, moments.count, error)


def wilson(successes: float, trials: float, level: float = LEVEL) -> tuple[float, float]:
    """Score interval for a proportion.

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927): unlike
    ``p ± z·se`` it keeps its coverage near 0 and 1 and in small samples.

    Args:
        successes: Between 0 and ``trials``; fractions are allowed (effective sample sizes).
        trials: How many; NaN bounds when 0.
        level: Coverage.

    Returns:
        Lower and upper bound, in [0, 1].
    """
    if not trials > 0:
        return math.nan, math.nan
    z2 = z_quantile(level) ** 2
    share = successes / trials
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = math.sqrt(z2 * (share * (1 - share) / trials + z2 / (4 * trials * trials))) / (1 + z2 / trials)
    # Rounding must not put a bound on the wrong side of a share of 0 or 1.
    return max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share))


def proportion_estimate(hits: Moments, clusters: Clusters | None = None, level: float = LEVEL) -> Estimate:
    """Share of ones with Wilson's interval.

    Where units repeat, the sample counts as the number of independent requests that would give the
    same variance (effective sample size ``p(1-p)/Var``; the number of units where ``p`` is 0 or 1): Korn and
    Graubard, "Confidence intervals for proportions with small expected number of positive counts estimated
    from survey data", Survey Methodology 24 (1998).

    Args:
        hits: Of zeros and ones.
        clusters: As in :func:`mean_estimate`.
        level: Coverage.

    Returns:
        The estimate; NaN without data.
    """
    count, share = hits.count, hits.mean
    if count == 0:
        return unknown()
    effective = float(count)
    error = math.sqrt(share * (1 - share) / count)
    if clusters is not None:
        variance, groups = clusters
        error = math.sqrt(variance)
        effective = min(count, share * (1 - share) / variance) if variance > 0 else float(groups)
    lower, upper = wilson(share * effective, effective, level)
    return Estimate(share, lower, upper, count, error)
