"""Population stability index: reported because people know it, decides nothing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from contender.domain.drift.ordered import Ordered

FLOOR = 1e-4
"""Share that an empty bin counts as. Without it the index would be infinite; 1e-4 is the usual choice."""


def numeric_psi(reference: Ordered, current: Ordered, bins: int = 10) -> float | None:
    """Population stability index of a numeric column.

    ``PSI = Σ (q_i − p_i) ln(q_i / p_i)`` over bins between the reference's quantiles, open at both ends;
    tied quantiles merge. The index has no error rate, and grows with the number of bins and shrinking
    windows, which is why no verdict rests on it.

    Args:
        reference: The finite values of the reference.
        current: The finite values of the current window.
        bins: Number of quantile bins, ≥ 2.

    Returns:
        The index, ≥ 0; ``None`` when a window is empty.

    References:
        Siddiqi (2006), Credit Risk Scorecards, chapter 9.
    """
    if reference.size == 0 or current.size == 0:
        return None
    ranks = np.arange(1, bins) * reference.size // bins
    edges = np.unique([reference.at_rank(int(rank)) for rank in ranks])
    return _index(_bin_counts(reference, edges), _bin_counts(current, edges))


def categorical_psi(reference: Mapping[str, int], current: Mapping[str, int]) -> float | None:
    """Population stability index of a categorical column, one bin a category.

    Args:
        reference: Category → count.
        current: Category → count.

    Returns:
        The index, ≥ 0; ``None`` when a window is empty.
    """
    if not sum(reference.values()) or not sum(current.values()):
        return None
    names = sorted({*reference, *current})
    counts = [np.array([window.get(name, 0) for name in names], float) for window in (reference, current)]
    return _index(counts[0], counts[1])


def _bin_counts(values: Ordered, edges: NDArray[np.float64]) -> NDArray[np.float64]:
    # An edge belongs to the bin on its left, so a constant column still tells larger values apart.
    return np.diff(np.concatenate([[0.0], values.up_to(edges), [values.size]]))


def _index(reference: NDArray[np.float64], current: NDArray[np.float64]) -> float:
    p = np.maximum(reference / reference.sum(), FLOOR)
    q = np.maximum(current / current.sum(), FLOOR)
    return float(((q - p) * np.log(q / p)).sum())
