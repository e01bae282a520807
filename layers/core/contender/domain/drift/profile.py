"""What is kept of a numeric column when its values are too many to keep: counts per bucket, and moments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contender.domain.drift.buckets import BucketCounter


@dataclass(frozen=True, slots=True, eq=False)
class NumericProfile:
    """Summary of a numeric column, or of a part of it. Summaries of parts merge into that of the whole.

    Attributes:
        edges: Shape ``(k,)``, float32, ascending, distinct, finite; bucket i holds the values in
            (edge i − 1, edge i], the first from −∞, the last to +∞.
        counts: Shape ``(k + 1,)``, int64: finite values per bucket.
        rows: Rows, missing ones included.
        infinite: Rows with an infinite value.
        unreadable: Rows with something that is not a number.
        mean: Of the finite values; 0 without any.
        squares: Sum of their squared distances to the mean.
        low: Smallest of them; ``inf`` without any.
        high: Largest of them; ``-inf`` without any.

    Raises:
        ValueError: When the shapes do not fit, or more values are counted than there are rows.
    """

    edges: NDArray[np.float32]
    counts: NDArray[np.int64]
    rows: int
    infinite: int = 0
    unreadable: int = 0
    mean: float = 0.0
    squares: float = 0.0
    low: float = float("inf")
    high: float = float("-inf")
    present: int = field(init=False)
    """Rows with a finite value."""

    def __post_init__(self) -> None:
        if self.counts.shape != (self.edges.size + 1,):
            raise ValueError(
                f"{self.edges.size} edges make {self.edges.size + 1} buckets, not {self.counts.shape}"
            )
        object.__setattr__(self, "present", int(self.counts.sum()))
        if self.present + self.infinite > self.rows or min(self.infinite, self.unreadable) < 0:
            raise ValueError("a column cannot have more values than rows, nor fewer than none")

    @classmethod
    def of(cls, values: NDArray[Any], counter: BucketCounter, unreadable: int = 0) -> NumericProfile:
        """Summarises values.

        Args:
            values: Shape ``(rows,)``, any real type, taken as float32; NaN where missing.
            counter: Counts them in the edges wanted.
            unreadable: How many of the NaNs stand for something that is not a number.
        """
        numbers = np.asarray(values, dtype=np.float32)
        finite = numbers[np.isfinite(numbers)]
        infinite = int(np.count_nonzero(np.isinf(numbers))) if finite.size < numbers.size else 0
        if finite.size == 0:
            return cls(counter.edges, counter(finite), numbers.size, infinite, unreadable)
        mean = float(finite.mean(dtype=np.float64))
        return cls(
            counter.edges,
            counter(finite),
            numbers.size,
            infinite,
            unreadable,
            mean,
            _squares(finite, mean),
            float(finite.min()),
            float(finite.max()),
        )

    def merge(self, other: NumericProfile) -> NumericProfile:
        """Gives the summary of both parts: associative and commutative, but for the rounding of moments.

        Raises:
            ValueError: When the edges differ.

        References:
            Chan, Golub and LeVeque (1979), Updating formulae and a pairwise algorithm for computing sample
            variances, Stanford STAN-CS-79-773.
        """
        if not np.array_equal(self.edges, other.edges):
            raise ValueError("profiles with different edges cannot be merged")
        total = self.present + other.present
        apart = other.mean - self.mean if self.present and other.present else 0.0
        share = other.present / total if total else 0.0
        return NumericProfile(
            self.edges,
            self.counts + other.counts,
            self.rows + other.rows,
            self.infinite + other.infinite,
            self.unreadable + other.unreadable,
            self.mean + apart * share if self.present else other.mean,
            self.squares + other.squares + apart * apart * share * self.present,
            min(self.low, other.low),
            max(self.high, other.high),
        )

    def to_dict(self) -> dict[str, object]:
        """Gives plain JSON values."""
        return {
            "edges": self.edges.tolist(),
            "counts": self.counts.tolist(),
            "rows": self.rows,
            "infinite": self.infinite,
            "unreadable": self.unreadable,
            "mean": self.mean,
            "squares": self.squares,
            "range": [self.low, self.high] if self.present else None,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> NumericProfile:
        """Reads what ``to_dict`` gave. Raises ``KeyError``, ``TypeError`` or ``ValueError`` otherwise."""
        low, high = document["range"] or (float("inf"), float("-inf"))
        return cls(
            np.array(document["edges"], dtype=np.float32),
            np.array(document["counts"], dtype=np.int64),
            int(document["rows"]),
            int(document["infinite"]),
            int(document["unreadable"]),
            float(document["mean"]),
            float(document["squares"]),
            float(low),
            float(high),
        )


def _squares(finite: NDArray[np.float32], mean: float) -> float:
    """Sums squared distances block by block, so that no float64 copy of a whole column is made."""
    blocks = (finite[start : start + (1 << 16)] for start in range(0, finite.size, 1 << 16))
    return reduce(
        lambda total, block: total + float(np.square(block.astype(np.float64) - mean).sum()), blocks, 0.0
    )
