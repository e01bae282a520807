"""Shares of both windows over common bins or categories, small enough to be drawn in a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contender.domain.drift.ordered import Ordered

_TAIL = 0.005
"""Share of a window left out at either end, so that a single outlier does not flatten the picture."""


class Histogram(NamedTuple):
    """Histograms of both windows over the same bins; shares of present values, each window summing to 1.

    Attributes:
        edges: Ascending, one more than there are bins; a bin holds its left edge, the last one both.
        reference: Share in each bin.
        current: Share in each bin.
        reference_outside: Shares below the first and above the last edge.
        current_outside: Likewise.
    """

    edges: tuple[float, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]
    reference_outside: tuple[float, float]
    current_outside: tuple[float, float]


class CategoryShares(NamedTuple):
    """Shares of both windows over the most frequent categories; each window sums to 1.

    Attributes:
        categories: Those listed, by their larger share, descending.
        reference: Share of each.
        current: Share of each.
        others: Number of categories not listed.
        reference_others: Their share.
        current_others: Their share.
    """

    categories: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]
    others: int
    reference_others: float
    current_others: float


def histogram(reference: Ordered, current: Ordered, bins: int = 30) -> Histogram | None:
    """Bins both windows over the bulk of the reference, widened towards the current window.

    The range is that of the reference's 0.5 % to 99.5 % quantiles. Where the current window reaches
    further, it follows, by at most one width of the reference on either side, so that a moved column is
    seen beside the reference and a wild one does not squeeze it into a single bin.

    Args:
        reference: The finite values of the reference.
        current: The finite values of the current window.
        bins: Number of bins, ≥ 1.

    Returns:
        The histograms; ``None`` when a window is empty, or when the range is too wide for float64.
    """
    if reference.size == 0 or current.size == 0:
        return None
    low, high = _bulk(reference)
    current_low, current_high = _bulk(current)
    width = high - low or max(abs(low), 1.0)
    low = max(min(low, current_low), low - width)
    high = min(max(high, current_high), high + width)
    if low == high:
        low, high = low - width / 2, high + width / 2
    if not np.isfinite(high - low):
        return None
    edges = np.linspace(low, high, bins + 1)
    return Histogram(
        tuple(float(edge) for edge in edges),
        _shares(reference, edges),
        _shares(current, edges),
        _outside(reference, low, high),
        _outside(current, low, high),
    )


def category_shares(
    reference: Mapping[str, int], current: Mapping[str, int], listed: int = 20
) -> CategoryShares | None:
    """Lists the most frequent categories of both windows.

    Args:
        reference: Category → count.
        current: Category → count.
        listed: How many to list, ≥ 1.

    Returns:
        The shares; ``None`` when a window is empty.
    """
    n, m = sum(reference.values()), sum(current.values())
    if n == 0 or m == 0:
        return None
    shares = {name: (reference.get(name, 0) / n, current.get(name, 0) / m) for name in {*reference, *current}}
    names = sorted(shares, key=lambda name: (-max(shares[name]), name))
    top, rest = names[:listed], names[listed:]
    return CategoryShares(
        tuple(top),
        tuple(shares[name][0] for name in top),
        tuple(shares[name][1] for name in top),
        len(rest),
        sum(reference.get(name, 0) for name in rest) / n,
        sum(current.get(name, 0) for name in rest) / m,
    )


def _bulk(values: Ordered) -> tuple[float, float]:
    skip = int(_TAIL * values.size)
    return values.at_rank(skip), values.at_rank(values.size - 1 - skip)


def _shares(values: Ordered, edges: NDArray[np.float64]) -> tuple[float, ...]:
    cuts = np.concatenate([values.below(edges[:-1]), values.up_to(edges[-1:])])
    return tuple(float(share) for share in np.diff(cuts) / values.size)


def _outside(values: Ordered, low: float, high: float) -> tuple[float, float]:
    below = float(values.below(np.array([low]))[0])
    above = values.size - float(values.up_to(np.array([high]))[0])
    return below / values.size, above / values.size
