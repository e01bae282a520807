"""What a reader hands over: one column of one window, and the lazy collection of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contender.domain.dataset import MISSING_CATEGORY
from contender.domain.drift.profile import NumericProfile


@dataclass(frozen=True, slots=True, eq=False)
class NumericSample:
    """A numeric column of one window.

    Attributes:
        values: Shape ``(rows,)``, any real or boolean type; NaN where a value is missing. Infinite
            values are allowed: they are counted as missing and reported. Both windows should carry
            the same precision, because 0.1 as float32 and 0.1 as float64 are different numbers.
            Never changed.
        unreadable: How many of the NaNs stand for something that was there but was not a number
            (a text among numbers), in [0, rows].
    """

    values: NDArray[Any]
    unreadable: int = 0

    @property
    def rows(self) -> int:
        """Rows of the column, missing ones included."""
        return int(self.values.size)


@dataclass(frozen=True, slots=True, eq=False)
class CategoricalSample:
    """A categorical column of one window, already counted.

    Attributes:
        counts: Category → rows that hold it, each ≥ 0. The empty text is a missing value (so it is
            in training and serving), whether it comes here or in ``missing``.
        missing: Rows without a value, ≥ 0.

    Raises:
        ValueError: For a negative count.
    """

    counts: Mapping[str, int]
    missing: int = 0
    rows: int = field(init=False)

    def __post_init__(self) -> None:
        if self.missing < 0 or any(count < 0 for count in self.counts.values()):
            raise ValueError("counts of a categorical column cannot be negative")
        object.__setattr__(self, "rows", self.missing + sum(self.counts.values()))

    @property
    def present(self) -> dict[str, int]:
        """Category → rows, without missing values and without categories of no row."""
        return {name: n for name, n in self.counts.items() if n > 0 and name != MISSING_CATEGORY}


@dataclass(frozen=True, slots=True)
class UnusableSample:
    """A column that cannot be compared at all.

    Attributes:
        problem: Why, as a clause that continues "the column …": ``"is absent"``,
            ``"holds lists, not numbers"``.
        rows: Rows of the window, ≥ 0.
    """

    problem: str
    rows: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class ProfiledSample:
    """A numeric column of one window, counted instead of kept, because it is large.

    Attributes:
        profile: The counts. Those of both windows need the same edges.
        within: Reads the values that lie in given intervals (a, b], ascending and apart, as float32 in any
            order. Asked for at most once, and only when the counts leave the verdict open.
        ahead: Is told what ``within`` will be asked for: of all columns concerned before the first is, so
            that a reader can look at each file once for all of them. ``None`` where that saves nothing.
    """

    profile: NumericProfile
    within: Callable[[Sequence[tuple[float, float]]], NDArray[np.float32]]
    ahead: Callable[[Sequence[tuple[float, float]]], None] | None = None

    @property
    def rows(self) -> int:
        """Rows of the column, missing ones included."""
        return self.profile.rows


ABSENT = UnusableSample("is absent")
"""Stands for a column that a window does not have."""

ColumnSample = NumericSample | ProfiledSample | CategoricalSample | UnusableSample
"""One column of one window."""


class LazyColumns(Mapping[str, ColumnSample]):
    """A window whose columns are read one at a time, when asked for, and not kept.

    ``judge_window`` asks once for each declared column, so no more than one column of each window
    is in memory at a time.
    """

    def __init__(self, names: Iterable[str], load: Callable[[str], ColumnSample]) -> None:
        """Wires the window.

        Args:
            names: Columns that the window has.
            load: Reads one of them.
        """
        self._names = tuple(dict.fromkeys(names))
        self._load = load

    def __getitem__(self, name: str) -> ColumnSample:
        if name not in self._names:
            raise KeyError(name)
        return self._load(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def finite_sorted(values: NDArray[Any]) -> NDArray[Any]:
    """Gives the finite values in ascending order, as a new float32 array if they are that, else float64."""
    # Half the bytes sort in half the time.
    numbers = values if values.dtype == np.float32 else np.asarray(values, dtype=np.float64)
    finite: NDArray[Any] = numbers[np.isfinite(numbers)]
    finite.sort()
    return finite
