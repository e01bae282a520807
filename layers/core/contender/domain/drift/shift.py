"""A shift in plain units, for people."""

from __future__ import annotations

import math
from typing import NamedTuple

from contender.domain.drift.ordered import Ordered


class Shift(NamedTuple):
    """Where a numeric column was and where it is, in its own unit.

    Attributes:
        reference_median: Median of the reference.
        current_median: Median of the current window.
        median_difference: Current − reference.
        reference_mean: Mean of the reference.
        current_mean: Mean of the current window.
        mean_difference: Current − reference.
        standardised: Difference of means in standard deviations of the reference (Glass's Δ); ``None``
            for a constant reference, unless the means are equal (then 0).

    Any of them is ``None`` where the numbers are too large for float64.
    """

    reference_median: float | None
    current_median: float | None
    median_difference: float | None
    reference_mean: float | None
    current_mean: float | None
    mean_difference: float | None
    standardised: float | None


def shift(reference: Ordered, current: Ordered) -> Shift | None:
    """Measures how far a column moved.

    Args:
        reference: The finite values of the reference.
        current: The finite values of the current window.

    Returns:
        The shift; ``None`` when a window is empty.

    References:
        Glass (1976), Primary, secondary, and meta-analysis of research, Educational Researcher 5.
    """
    if reference.size == 0 or current.size == 0:
        return None
    medians = _median(reference), _median(current)
    means = reference.mean(), current.mean()
    deviation = reference.deviation()
    difference = means[1] - means[0]
    if deviation > 0:
        standardised: float | None = difference / deviation if math.isfinite(deviation) else None
    else:
        standardised = 0.0 if difference == 0 else None
    return Shift(
        _finite(medians[0]),
        _finite(medians[1]),
        _finite(medians[1] - medians[0]),
        _finite(means[0]),
        _finite(means[1]),
        _finite(difference),
        _finite(standardised),
    )


def _median(values: Ordered) -> float:
    low, high = values.at_rank((values.size - 1) // 2), values.at_rank(values.size // 2)
    return low / 2 + high / 2 if low != high else low


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
