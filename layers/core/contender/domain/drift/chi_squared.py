"""Chi-squared test of homogeneity between two windows, and total variation as its effect size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from contender.domain.drift.two_proportions import two_proportions


class ChiSquared(NamedTuple):
    """Result of the test.

    Attributes:
        statistic: Pearson's X², ≥ 0.
        degrees: Degrees of freedom, cells − 1 ≥ 0.
        p_value: In [0, 1]; upper tail of the chi-squared distribution unless ``exact``.
        total_variation: Total variation distance, in [0, 1].
        pooled: How many rare categories count as one.
        exact: Whether Fisher's exact test of the rare categories took part in the p-value.
    """

    statistic: float
    degrees: int
    p_value: float
    total_variation: float
    pooled: int
    exact: bool


def chi_squared(
    reference: Mapping[str, int], current: Mapping[str, int], min_expected: float = 5.0
) -> ChiSquared | None:
    """Tests whether two windows draw their categories from one distribution.

    ``X² = Σ (observed − expected)² / expected`` over the 2 × k table, without continuity correction;
    ``TV = ½ Σ |p_i − q_i|``: the share of rows that would have to change category.

    Rule for rare categories: those whose expected count in the smaller window is below ``min_expected``
    count as one. If even together they are below, the chi-squared approximation does not hold for them:
    they join the rarest other category in X², and are compared with all others by Fisher's exact test;
    the p-value is twice the smaller of the two (Bonferroni). So a category that was next to nothing and
    now is not cannot hide. What is rare depends only on the sums over both windows, on which both tests
    are conditional anyway, so the choice does not spoil the level. TV takes the rare as one, because
    over many of them it is large by chance alone.

    Args:
        reference: Category → count, each > 0.
        current: Category → count, each > 0.
        min_expected: Smallest expected count of a cell.

    Returns:
        The result, symmetric in the windows; X² = TV = 0 and p = 1 when both hold one and the same
        category; ``None`` when a window is empty or all categories are rare.

    References:
        Pearson (1900), Philosophical Magazine 50. Cochran (1954), Some methods for strengthening the
        common χ² tests, Biometrics 10 (expected counts). Levin, Peres and Wilmer (2009), Markov Chains
        and Mixing Times, section 4.1 (total variation).
    """
    n, m = sum(reference.values()), sum(current.values())
    if n == 0 or m == 0:
        return None
    names = sorted({*reference, *current})
    if len(names) == 1:
        return ChiSquared(0.0, 0, 1.0, 0.0, 0, exact=False)
    table = np.array([[window.get(name, 0) for name in names] for window in (reference, current)], float)
    table = table[:, np.argsort(table.sum(axis=0), kind="stable")]  # rarest first
    expected = table.sum(axis=0) * (min(n, m) / (n + m))
    pooled = int(np.count_nonzero(expected < min_expected))
    if pooled == len(names):
        return None
    if pooled:
        table = np.column_stack([table[:, :pooled].sum(axis=1), table[:, pooled:]])
    shares = table / [[n], [m]]
    total_variation = min(1.0, float(np.abs(shares[0] - shares[1]).sum() / 2))
    if not pooled or expected[:pooled].sum() >= min_expected:
        statistic, degrees, p_value = _pearson(table)
        return ChiSquared(statistic, degrees, p_value, total_variation, pooled, exact=False)
    rare = two_proportions(int(table[0, 0]), n, int(table[1, 0]), m)
    assert rare is not None  # neither window is empty
    if table.shape[1] == 2:
        statistic, degrees, p_value = rare.z**2, 1, rare.p_value
    else:
        statistic, degrees, p_value = _pearson(np.column_stack([table[:, 0] + table[:, 1], table[:, 2:]]))
        p_value = min(1.0, 2 * min(p_value, rare.p_value))
    return ChiSquared(statistic, degrees, p_value, total_variation, pooled, exact=True)


def _pearson(table: NDArray[Any]) -> tuple[float, int, float]:
    expectation = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    statistic = float(((table - expectation) ** 2 / expectation).sum())
    degrees = table.shape[1] - 1
    return statistic, degrees, float(chdtrc(degrees, statistic))
