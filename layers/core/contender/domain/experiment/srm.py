"""Sample ratio mismatch: did the variants get the traffic that the split promised?

A mismatch means that assignment, serving or logging loses or moves requests of one variant, and then the
records that are left can no longer be compared. Fabijan et al., "Diagnosing sample ratio mismatch in online
controlled experiments", KDD 2019.

The split may change at any time, so there is no one expected ratio. Each unit is B with the probability in
force at its first request; the number of B units is Poisson-binomial with mean ``Σ p`` and variance ``Σ p (1
- p)``. Units whose probability was 0 or 1 (no challenger, or all traffic to one side) say nothing and do not
count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contender.domain.experiment.intervals import two_sided_p

ALARM_BELOW = 0.001
"""p-value of the alarm: an experiment is called off by mistake once in a thousand, and the losses that matter
still move p far below it."""

EXACT_BELOW_VARIANCE = 1000.0
"""Below it the distribution is computed exactly: small or lopsided counts are skewed, and the normal tail
would alarm too often. Above it the skewness is at most 1/√1000 = 0.03, and the normal tail is as good."""

_REACH = 40.0
"""Standard deviations (plus as many units) kept on each side of a binomial: beyond it no double is left."""


class SampleRatio(NamedTuple):
    """The check and its verdict.

    Attributes:
        units: Units whose assignment was a matter of chance.
        observed_b: Those assigned to B.
        expected_b: Expected number, ``Σ p``.
        z: ``(observed - expected) / √Σ p(1-p)``; NaN without units.
        chi_squared: ``z²``, on one degree of freedom.
        p_value: Two-sided, for one look; 1 without units.
        sequential_p: Valid for all looks together (:mod:`.sequential_ratio`); 1 without units.
        alarm: Whether ``sequential_p`` is below the threshold.
        exact: Whether ``p_value`` is exact rather than normal.
    """

    units: int
    observed_b: int
    expected_b: float
    z: float
    chi_squared: float
    p_value: float
    sequential_p: float
    alarm: bool
    exact: bool


def sample_ratio_of_counts(
    counts: Mapping[float, tuple[int, int]], sequential_p: float, alarm_below: float = ALARM_BELOW
) -> SampleRatio:
    """Tests the assignments against the splits that were in force.

    Args:
        counts: Probability of B, in (0, 1) → units assigned to A and to B.
        sequential_p: p-value for all looks together.
        alarm_below: p-value of the alarm.

    Returns:
        The check.
    """
    shares = np.array(list(counts), dtype=np.float64)
    of_a, of_b = np.array(list(counts.values()), dtype=np.int64).reshape(-1, 2).T
    units = of_a + of_b
    if not units.sum():
        return SampleRatio(0, 0, 0.0, math.nan, math.nan, 1.0, 1.0, alarm=False, exact=True)
    observed = int(of_b.sum())
    expected = float(units @ shares)
    variance = float(units @ (shares * (1 - shares)))
    z = (observed - expected) / math.sqrt(variance)
    exact = variance < EXACT_BELOW_VARIANCE
    p_value = _exact_p(observed, shares, units) if exact else two_sided_p(z)
    return SampleRatio(
        int(units.sum()),
        observed,
        expected,
        z,
        z * z,
        p_value,
        sequential_p,
        sequential_p < alarm_below,
        exact,
    )


def _exact_p(observed: int, shares: NDArray[np.float64], units: NDArray[np.int64]) -> float:
    """Twice the smaller tail of the Poisson-binomial, at most 1.

    Units of one epoch share their probability, so the distribution is a convolution of few binomials.
    """
    start, mass = 0, np.ones(1)
    for share, count in zip(shares, units, strict=True):
        low, part = _binomial(int(count), float(share))
        start += low
        mass = np.convolve(mass, part)
    index = observed - start
    below = float(mass[: max(index + 1, 0)].sum())
    above = float(mass[max(index, 0) :].sum())
    return min(1.0, 2 * min(below, above))


def _binomial(count: int, share: float) -> tuple[int, NDArray[np.float64]]:
    """The part of a binomial that holds its mass: first value and probabilities."""
    mean, reach = count * share, _REACH * (1 + math.sqrt(count * share * (1 - share)))
    low, high = max(0, math.floor(mean - reach)), min(count, math.ceil(mean + reach))
    k = np.arange(low, high + 1)
    choose = special.gammaln(count + 1) - special.gammaln(k + 1) - special.gammaln(count - k + 1)
    mass: NDArray[np.float64] = np.exp(choose + k * math.log(share) + (count - k) * math.log1p(-share))
    return low, mass
