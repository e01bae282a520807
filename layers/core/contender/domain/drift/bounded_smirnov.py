"""Kolmogorov–Smirnov's D from counts per bucket: how far off it can be, and its exact value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contender.domain.drift.buckets import holds_one_value
from contender.domain.drift.profile import NumericProfile

Interval = tuple[float, float]
"""The values in (first, second]."""


class BoundedD(NamedTuple):
    """D between its bounds.

    Attributes:
        low: D is at least this: the largest distance at an edge.
        high: D is at most this.
        open: Shape ``(k + 1,)``, bool: buckets inside which the distance may exceed ``low``.
    """

    low: float
    high: float
    open: NDArray[np.bool_]


def bounded_d(reference: NumericProfile, current: NumericProfile) -> BoundedD | None:
    """Bounds the largest distance between two distribution functions that are known at bucket edges.

    Let F and G be the distribution functions, p and q their masses in the bucket (a, b].

    *At edges* both are known, so ``low = max_edge |F − G| ≤ D``.

    *Inside*, for a ≤ x < b, monotony gives ``F(x) − G(x) ≤ F(b⁻) − G(a) ≤ F(b) − G(a)`` and
    ``G(x) − F(x) ≤ G(b) − F(a)``; so D is at most ``high``, the largest of these and of ``low``. A bucket
    that holds a single float32 has no inside; nor has one, but for its edges, that a window left empty.

    *A bound known beforehand.* ``F(b) − G(a)`` is both ``(F(b) − G(b)) + q`` and ``(F(a) − G(a)) + p``,
    hence at most ``low + min(p, q)``; the other side likewise. So, over buckets of more than one value,

        ``0 ≤ D − low ≤ high − low ≤ max min(p, q) ≤ max p``

    whatever the current window is: ties, atoms, tails. ``place_edges`` keeps p at about 1 / buckets.

    Args:
        reference: Profile of the reference.
        current: Profile of the current window, with the same edges.

    Returns:
        The bounds; ``None`` when either has no value.

    Raises:
        ValueError: When the edges differ.
    """
    if not np.array_equal(reference.edges, current.edges):
        raise ValueError("profiles with different edges cannot be compared")
    n, m = reference.present, current.present
    if n == 0 or m == 0:
        return None
    f, g = _at_edges(reference), _at_edges(current)
    low = float(np.abs(f - g).max())
    inside = np.maximum(f[1:] - g[:-1], g[1:] - f[:-1])
    inside[holds_one_value(reference.edges)] = 0.0
    # Without values of one side in it, the distance inside is largest at an edge.
    inside[(reference.counts == 0) | (current.counts == 0)] = 0.0
    return BoundedD(low, max(low, float(inside.max())), inside > low)


def intervals(bounds: BoundedD, edges: NDArray[np.float32]) -> tuple[Interval, ...]:
    """Gives the values that lie in open buckets, as intervals, neighbours joined."""
    limits = np.concatenate([[-np.inf], edges.astype(np.float64), [np.inf]])
    change = np.flatnonzero(np.diff(np.concatenate([[False], bounds.open, [False]]).astype(np.int8)))
    return tuple((float(limits[a]), float(limits[b])) for a, b in zip(change[::2], change[1::2], strict=True))


def within(values: NDArray[np.float32], wanted: Sequence[Interval]) -> NDArray[np.float32]:
    """Picks the values that lie in one of the intervals, which are ascending and apart; NaN lies in none."""
    limits = np.array(wanted, dtype=np.float64).ravel()
    finite = values[np.isfinite(values)]
    chosen: NDArray[np.float32] = finite[np.searchsorted(limits, finite, side="left") % 2 == 1]
    return chosen


def exact_d(
    bounds: BoundedD,
    reference: NumericProfile,
    current: NumericProfile,
    reference_values: NDArray[np.float32],
    current_values: NDArray[np.float32],
) -> float:
    """Gives D itself, by looking into the open buckets only.

    Args:
        bounds: From ``bounded_d`` of the same profiles.
        reference: Profile of the reference.
        current: Profile of the current window.
        reference_values: Its values in the open buckets, in any order.
        current_values: Likewise.

    Returns:
        D, in [low, high].

    Raises:
        ValueError: When values and profiles are not of the same column.
    """
    sides = []
    points = np.unique(np.concatenate([reference_values, current_values]))
    bucket = np.searchsorted(reference.edges, points, side="left")
    for profile, values in ((reference, reference_values), (current, current_values)):
        if values.size != int(profile.counts[bounds.open].sum()):
            raise ValueError("the values are not those of the open buckets")
        start = np.cumsum(profile.counts) - profile.counts
        earlier = np.cumsum(np.where(bounds.open, profile.counts, 0)) - np.where(
            bounds.open, profile.counts, 0
        )
        up_to = np.searchsorted(np.sort(values), points, side="right")
        sides.append((start[bucket] + up_to - earlier[bucket]) / profile.present)
    return max(bounds.low, float(np.abs(sides[0] - sides[1]).max(initial=0.0)))


def _at_edges(profile: NumericProfile) -> NDArray[np.float64]:
    """Gives the distribution function at −∞, at every edge, and at +∞; shape ``(k + 2,)``."""
    return np.concatenate([[0.0], np.cumsum(profile.counts) / profile.present])
