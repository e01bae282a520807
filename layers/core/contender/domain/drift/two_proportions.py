"""Comparison of two shares: exact where counts are small, normal where they are large."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, ndtr

EXACT_UP_TO = 10_000
"""Largest smallest margin for which the exact test is used. The normal approximation is off by a
factor in the far tail when few rows have the property, and the exact test costs a millisecond."""


class TwoProportions(NamedTuple):
    """Result of the test.

    Attributes:
        z: Difference in standard errors under equal shares; positive when the current share is larger,
            0 when neither window or every row has the property.
        p_value: In [0, 1].
        difference: Current share − reference share, in [−1, 1].
        exact: Whether the p-value is Fisher's, or that of z.
    """

    z: float
    p_value: float
    difference: float
    exact: bool


def two_proportions(
    reference_hits: int, reference_rows: int, current_hits: int, current_rows: int, *, greater: bool = False
) -> TwoProportions | None:
    """Tests whether a property is equally frequent in two windows.

    ``z = (q − p) / sqrt(s (1 − s) (1/n + 1/m))`` with the pooled share s. The p-value is Fisher's exact
    one (two-sided: all tables no more likely than the one seen) while the smallest margin of the table
    is at most ``EXACT_UP_TO``, otherwise that of z.

    Args:
        reference_hits: Rows of the reference that have it.
        reference_rows: Rows of the reference, ≥ reference_hits.
        current_hits: Rows of the current window that have it.
        current_rows: Rows of the current window, ≥ current_hits.
        greater: One-sided: whether it is more frequent in the current window.

    Returns:
        The result; ``None`` when a window is empty.

    References:
        Fisher (1935), The logic of inductive inference, Journal of the Royal Statistical Society 98.
        Agresti (2002), Categorical Data Analysis, 2nd edition, sections 3.1 and 3.5.
    """
    n, m = reference_rows, current_rows
    if n == 0 or m == 0:
        return None
    total = reference_hits + current_hits
    difference = current_hits / m - reference_hits / n
    if total in (0, n + m):
        return TwoProportions(0.0, 1.0, difference, exact=True)
    pooled = total / (n + m)
    z = difference / math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    exact = min(n, m, total, n + m - total) <= EXACT_UP_TO
    if exact:
        p_value = _fisher(current_hits, m, total, n + m, greater=greater)
    else:
        p_value = float(ndtr(-z)) if greater else 2 * float(ndtr(-abs(z)))
    return TwoProportions(z, min(1.0, p_value), difference, exact)


def _fisher(hits: int, draws: int, total: int, rows: int, *, greater: bool) -> float:
    """Tail of the hypergeometric distribution of ``hits`` among ``draws`` rows, given all margins."""
    low, high = max(0, draws + total - rows), min(draws, total)
    k = np.arange(low, high + 1, dtype=np.float64)
    log_weight = -(
        gammaln(k + 1)
        + gammaln(total - k + 1)
        + gammaln(draws - k + 1)
        + gammaln(rows - total - draws + k + 1)
    )
    weight = np.exp(log_weight - log_weight.max())
    seen = hits - low
    # Equally likely tables differ in their last digits; the tolerance is R's.
    chosen = weight[seen:] if greater else weight[weight <= weight[seen] * (1 + 1e-7)]
    return float(chosen.sum() / weight.sum())
