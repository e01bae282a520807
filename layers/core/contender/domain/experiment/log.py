"""A log of predictions that is read in parts, because it may be larger than memory.

Statistics of a whole experiment read it as often as they need, each time in the order that they need, and
keep only sums: their memory does not grow with the number of records.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from contender.domain.dataset import Task
from contender.domain.experiment.columns import Columns, Order, joined


class Log(Protocol):
    """The records of one release. :class:`.columns.Columns` is one that is in memory, a single part."""

    @property
    def task(self) -> Task:
        """Classification or regression."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class labels of all parts; empty for regression."""

    @property
    def clustered(self) -> bool:
        """Whether a unit has several records."""

    @property
    def told(self) -> int:
        """Records with an outcome or a value."""

    def __len__(self) -> int: ...

    def batches(self, order: Order) -> Iterator[Columns]:
        """Gives all records in parts, at least one, all with the same classes; ``alone`` tells exactly
        whether a unit has no other record. Several threads may read at once."""


class Feed:
    """Takes a log's parts apart and puts them together at other places.

    Args:
        parts: In rising order of what :meth:`until` asks for.
    """

    def __init__(self, parts: Iterator[Columns]) -> None:
        self._parts = parts
        self._rest: Columns | None = None

    def take(self, count: int) -> Columns | None:
        """Gives the next records, ``count`` or as many as are left; ``None`` for none."""
        found: list[Columns] = []
        while count > 0 and (part := self._next()) is not None:
            found.append(self._cut(part, count))
            count -= len(found[-1])
        return joined(found) if found else None

    def until(self, at: float, most: int) -> Iterator[Columns]:
        """Gives the next records whose request came no later than ``at``, up to ``most`` at a time."""
        found: list[Columns] = []
        while (part := self._next()) is not None:
            size = int(np.searchsorted(part.at, at, side="right"))
            if not size:
                self._rest = part
                break
            found.append(self._cut(part, min(size, most - sum(map(len, found)))))
            if sum(map(len, found)) == most:
                yield joined(found)
                found = []
        if found:
            yield joined(found)

    def _next(self) -> Columns | None:
        part, self._rest = self._rest, None
        while part is None or not len(part):
            part = next(self._parts, None)
            if part is None:
                return None
        return part

    def _cut(self, part: Columns, count: int) -> Columns:
        if count >= len(part):
            return part
        self._rest = part.take(slice(count, None))
        return part.take(slice(count))
