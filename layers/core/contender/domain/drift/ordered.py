"""A column's values in order, known one by one or only as counts per bucket: one face for both."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from contender.domain.drift.buckets import just_below
from contender.domain.drift.profile import NumericProfile


class Ordered(Protocol):
    """The finite values of a column in ascending order; ``size`` of them."""

    @property
    def size(self) -> int:
        """How many."""

    def up_to(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """How many values are ≤ each point; ``points`` ascending or not."""

    def below(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """How many values are < each point."""

    def at_rank(self, rank: int) -> float:
        """The value with so many before it, rank in [0, size)."""

    def mean(self) -> float:
        """Their mean; needs at least one."""

    def deviation(self) -> float:
        """Their standard deviation (of the population), exactly 0 when all are equal; needs at least one."""


class SortedValues:
    """All values.

    Args:
        values: Shape ``(n,)``, ascending, finite.
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values
        self.size = int(values.size)

    def up_to(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Counts exactly."""
        return np.searchsorted(self.values, points, side="right").astype(np.float64)

    def below(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Counts exactly."""
        return np.searchsorted(self.values, points, side="left").astype(np.float64)

    def at_rank(self, rank: int) -> float:
        """Looks it up."""
        return float(self.values[rank])

    def mean(self) -> float:
        """Of all values, in float64; infinite where that is too narrow."""
        with np.errstate(over="ignore", invalid="ignore"):
            return float(self.values.mean(dtype=np.float64))

    def deviation(self) -> float:
        """Of all values, in float64; infinite where that is too narrow."""
        if self.values[0] == self.values[-1]:
            return 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            return float(self.values.std(dtype=np.float64))


class ProfiledValues:
    """Counts per bucket; inside a bucket values are taken to be spread evenly.

    So a count is off by less than its bucket's count, and a rank's value by less than its bucket's width;
    at an edge, and for a value with a bucket of its own, both are exact. Moments are exact.

    Args:
        profile: The column.
    """

    def __init__(self, profile: NumericProfile) -> None:
        self._profile = profile
        self.size = profile.present
        self._cumulative = np.cumsum(profile.counts)
        edges = profile.edges.astype(np.float64)
        points, counts = [edges], [self._cumulative[:-1]]
        if profile.counts[0]:  # so low is at or before the first edge
            # Nothing is below the smallest float32; minus infinity times a share of 0 would be no number.
            points.insert(0, np.nan_to_num([_before(profile.low)]))
            counts.insert(0, np.array([0]))
        if profile.counts[-1]:
            points.append(np.array([profile.high]))
            counts.append(self._cumulative[-1:])
        self._points, self._counts = np.concatenate(points), np.concatenate(counts).astype(np.float64)

    def up_to(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Interpolates."""
        if self._points.size == 0:
            return np.zeros(np.shape(points))
        return np.asarray(np.interp(points, self._points, self._counts))

    def below(self, points: NDArray[Any]) -> NDArray[np.float64]:
        """Interpolates; as all values are float32, those below a point are those up to the one before it."""
        return self.up_to(_before(points))

    def at_rank(self, rank: int) -> float:
        """Interpolates between the edges of the bucket, and between the smallest and the largest value."""
        place = int(
            np.searchsorted(self._counts, rank, side="right")
        )  # first point with more than rank values
        left, right = float(self._points[place - 1]), float(self._points[place])
        low, high = self._profile.low, self._profile.high
        if _before(right) <= left:
            return min(max(right, low), high)
        before, after = self._counts[place - 1], self._counts[place]
        share = float((rank + 1 - before) / (after - before))
        return min(max(left * (1 - share) + right * share, low), high)

    def mean(self) -> float:
        """As counted."""
        return self._profile.mean

    def deviation(self) -> float:
        """As counted."""
        if self._profile.low == self._profile.high:
            return 0.0
        return float(np.sqrt(self._profile.squares / self.size))


def _before(points: Any) -> Any:
    """Gives the largest float32 below each point."""
    with np.errstate(over="ignore"):
        rounded = np.asarray(points, dtype=np.float32)
    return np.where(rounded < points, rounded, just_below(rounded)).astype(np.float64)
