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
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contender.domain.experiment.intervals import two_sided_p

ALARM_BELOW = 0.001
"""p-value of the alarm: checked again and again, it should cry wolf once in a thousand looks, and the losses
that matter still move p far below it."""

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
        p_value: Two-sided; 1 without units.
        alarm: Whether it is below the threshold.
        exact: Whether the p-value is exact rather than normal.
    """

    units: int
    observed_b: int
    expected_b: float
    z: float
    chi_squared: float
    p_value: float
    alarm: bool
    exact: bool


def sample_ratio(
    is_b: NDArray[np.bool_],
    probability_b: NDArray[np.float64],
    units: NDArray[np.uint64],
    at: NDArray[np.float64],
    alarm_below: float = ALARM_BELOW,
) -> SampleRatio:
    """Tests the assignments against the split in force at each.

    Args:
        is_b: Shape [n], whether the request was assigned to B.
        probability_b: Shape [n], probability of B at that request, in [0, 1].
        units: Shape [n], the randomisation unit; each counts once, by its earliest request, since its later
            requests follow from the first.
        at: Shape [n], time of the request in epoch seconds.
        alarm_below: p-value of the alarm.

    Returns:
        The check.
    """
    order = np.lexsort((at, units))
    first = np.ones(order.size, dtype=np.bool_)
    first[1:] = units[order][1:] != units[order][:-1]
    chosen = order[first]
    chosen = chosen[(probability_b[chosen] > 0) & (probability_b[chosen] < 1)]
    p = probability_b[chosen]
    if p.size == 0:
        return SampleRatio(0, 0, 0.0, math.nan, math.nan, 1.0, alarm=False, exact=True)
    observed = int(is_b[chosen].sum())
    expected = float(p.sum())
    variance = float((p * (1 - p)).sum())
    z = (observed - expected) / math.sqrt(variance)
    exact = variance < EXACT_BELOW_VARIANCE
    p_value = _exact_p(observed, p) if exact else two_sided_p(z)
    return SampleRatio(int(p.size), observed, expected, z, z * z, p_value, p_value < alarm_below, exact)


def _exact_p(observed: int, p: NDArray[np.float64]) -> float:
    """Twice the smaller tail of the Poisson-binomial, at most 1.

    Units of one epoch share their probability, so the distribution is a convolution of few binomials.
    """
    start, mass = 0, np.ones(1)
    for share, count in zip(*np.unique(p, return_counts=True), strict=True):
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
