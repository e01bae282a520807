"""Buckets of a numeric column: where their edges lie, and how many values fall into each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

BUCKETS = 2_048
"""Buckets with equal shares of the reference. A profile's D is off by at most the largest share, which is
then about 1/2,048 = 0.0005: half a percent of the smallest D that matters by default."""

SAMPLE = 131_072
"""Values that edges are placed by, 64 a bucket. More would even out the buckets' shares a little, which
are counted anyway, so that no statement rests on the sample."""

_OUTSIDE = 64
"""Edges on either side of the sample's bulk, within one width of it, where a moved column is drawn."""
_TAIL = 0.005
_CELLS = 16
"""Log2 of the cells of the lookup table: 65,536 fit into a processor's second cache."""
_BLOCK = 1 << 16
"""Values looked up at once, so that intermediate arrays stay in that cache. Changes only the speed."""


def place_edges(sample: NDArray[Any], buckets: int = BUCKETS) -> NDArray[np.float32]:
    """Places edges so that buckets hold about equal shares of a sample, and frequent values are alone.

    Bucket i holds the values in (edge i − 1, edge i]; the first reaches to −∞, the last to +∞. A value v
    that fills a bucket by itself gets the edges v and the float32 before v, so that the bucket between
    them holds nothing else: ties then cost no accuracy. So does every value of a sample of few different
    ones. No bucket but those of a single value holds more than ``2 / buckets`` of the sample; outside its
    range, where there are no shares to go by, edges are equally spaced over one width of its bulk, then
    there are none.

    Args:
        sample: Shape ``(n,)``, any real type, in any order; taken as float32, NaN and infinite values left
            out.
        buckets: How many with equal shares, ≥ 1.

    Returns:
        Shape ``(k,)``, ascending, distinct, finite; empty for a sample without values.
    """
    values = np.asarray(sample, dtype=np.float32)
    values = np.sort(values[np.isfinite(values)]) + np.float32(0)  # no −0, which is no value of its own
    if values.size == 0:
        return values
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    if starts.size <= buckets // 2:
        alone = values[starts]
        edges = alone
    else:
        edges = values[np.arange(buckets + 1) * (values.size - 1) // buckets]
        counts = np.diff(np.concatenate([starts, [values.size]]))
        alone = values[starts[counts * 2 * buckets >= values.size]]
    before = just_below(np.concatenate([alone, values[:1]]))
    edges = np.concatenate([edges, alone, before, _outside(values)])
    placed: NDArray[np.float32] = np.unique(edges[np.isfinite(edges)] + np.float32(0))
    return placed


def just_below(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Gives the largest float32 below each value; ``-inf`` below the smallest finite one."""
    with np.errstate(over="ignore"):
        below: NDArray[np.float32] = np.nextafter(values, np.float32(-np.inf))
    return below


def holds_one_value(edges: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tells of each bucket whether only a single float32 can lie in it.

    Args:
        edges: Shape ``(k,)``, ascending, distinct, finite.

    Returns:
        Shape ``(k + 1,)``.
    """
    single = np.zeros(edges.size + 1, dtype=np.bool_)
    single[:-1] = just_below(edges) == np.concatenate([[-np.inf], edges[:-1]])
    return single


def _outside(ordered: NDArray[np.float32]) -> NDArray[np.float32]:
    skip = int(_TAIL * ordered.size)
    low, high = float(ordered[skip]), float(ordered[ordered.size - 1 - skip])
    width = high - low or max(abs(low), 1.0)
    steps = width * np.arange(1, _OUTSIDE + 1) / _OUTSIDE
    with np.errstate(over="ignore"):
        edges = np.concatenate([low - steps, high + steps]).astype(np.float32)
    inside = (edges > ordered[0]) & (edges < ordered[-1])
    outside: NDArray[np.float32] = edges[~inside]
    return outside


class BucketCounter:
    """Counts values per bucket, several times faster than a search for each.

    Values go through a monotone map onto 65,536 cells: equal widths over the edges' range or over the bulk
    of it, or the leading bits of the float (which are equal widths of the logarithm), whichever
    separates the edges best. A cell that no edge lies in is wholly in one bucket; in one with one or two
    edges a value is compared with those; the others are searched.

    Args:
        edges: Shape ``(k,)``, float32, ascending, distinct, finite.
    """

    def __init__(self, edges: NDArray[np.float32]) -> None:
        self.edges = edges
        skips = (0, edges.size // 50, edges.size // 10) if edges.size else ()
        maps = [_leading_bits, *(_equal_widths(edges, skip) for skip in skips)]
        self._cells = min(maps, key=lambda cells: _crowded_edges(cells(edges)))
        cells = self._cells(edges)
        inside = np.bincount(cells, minlength=1 << _CELLS)
        # Of each cell: how many edges lie in cells before it, and the first two edges in it.
        self._before = np.cumsum(inside) - inside
        padded = np.concatenate([edges, np.full(2, np.inf, dtype=np.float32)])
        self._first = np.where(inside > 0, padded[self._before], np.float32(np.inf))
        second = np.minimum(self._before + 1, edges.size)
        self._second = np.where(inside > 1, padded[second], np.float32(np.inf))
        self._crowded = inside > 2
        self._any_crowded = bool(self._crowded.any())

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.int64]:
        """Counts values.

        Args:
            values: Shape ``(n,)``, finite.

        Returns:
            Shape ``(k + 1,)``: how many lie in each bucket.
        """
        total = np.zeros(self.edges.size + 1, dtype=np.int64)
        for start in range(0, values.size, _BLOCK):
            total += np.bincount(self._find(values[start : start + _BLOCK]), minlength=total.size)
        return total

    def _find(self, values: NDArray[np.float32]) -> NDArray[np.intp]:
        cells = self._cells(values)
        found: NDArray[np.intp] = self._before[cells]
        found += values > self._first[cells]
        found += values > self._second[cells]
        if self._any_crowded:
            crowded = np.flatnonzero(self._crowded[cells])
            found[crowded] = np.searchsorted(self.edges, values[crowded], side="left")
        return found


def _crowded_edges(cells: NDArray[np.int32]) -> int:
    """Counts edges in cells of more than two: about the share of values that have to be searched."""
    counts = np.unique(cells, return_counts=True)[1]
    return int(counts[counts > 2].sum())


def _leading_bits(values: NDArray[np.float32]) -> NDArray[np.int32]:
    bits = values.view(np.int32)
    ordered = bits ^ ((bits >> 31) & np.int32(0x7FFFFFFF))  # integers in the order of the floats
    cells: NDArray[np.int32] = (ordered >> (32 - _CELLS)) + np.int32(1 << (_CELLS - 1))
    return cells


def _equal_widths(
    edges: NDArray[np.float32], skip: int
) -> Callable[[NDArray[np.float32]], NDArray[np.int32]]:
    low, high = edges[skip], edges[edges.size - 1 - skip]
    with np.errstate(over="ignore", divide="ignore"):
        width = high - low
        scale = np.float32((1 << _CELLS) - 2) / width
    if not (np.isfinite(width) and np.isfinite(scale) and np.isfinite(scale * width)):
        return _leading_bits

    def cells(values: NDArray[np.float32]) -> NDArray[np.int32]:
        # Each step is monotone in floating point too, which is all that a map has to be.
        scaled: NDArray[np.int32] = ((np.clip(values, low, high) - low) * scale).astype(np.int32)
        return scaled

    return cells
