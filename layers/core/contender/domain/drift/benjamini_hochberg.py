"""Correction for looking at many tests at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def benjamini_hochberg(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusts p-values so that rejecting those below α keeps the false discovery rate at α.

    With p sorted ascending, ``adjusted_(i) = min_{j ≥ i} min(1, p_(j) k / j)``. When no null hypothesis
    is false, the false discovery rate is the chance of any rejection at all. Valid for independent and
    for positively dependent tests, which tests of correlated columns are.

    Args:
        p_values: k values in [0, 1], in any order.

    Returns:
        Adjusted values in the same order, each ≥ its own p; empty for no tests.

    References:
        Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57. Benjamini and
        Yekutieli (2001), Annals of Statistics 29 (dependence).
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")[::-1]
    scaled = p[order] * (p.size / np.arange(p.size, 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate(scaled))
    return tuple(float(value) for value in adjusted)
