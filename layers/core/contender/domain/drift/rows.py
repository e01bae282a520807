"""Whole rows of a window: what a test of columns together needs, and columns read one by one cannot give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contender.domain.dataset import MISSING_CATEGORY


@dataclass(frozen=True, slots=True, eq=False)
class SampledRows:
    """A random sample of the rows of one window, column by column in one order of rows.

    Attributes:
        columns: Column → array of shape ``(rows,)``: numbers (NaN where missing; infinite counts as
            missing) or texts (``""`` or ``None`` where missing). Columns that cannot be used are left out.
            Never changed.
        rows: How many.

    Raises:
        ValueError: When the columns are of different lengths or not of rank 1.
    """

    columns: Mapping[str, NDArray[Any]]
    rows: int

    def __post_init__(self) -> None:
        for name, values in self.columns.items():
            if values.shape != (self.rows,):
                raise ValueError(f"column {name!r} has the shape {values.shape}, not ({self.rows},)")

    def numbers(self, name: str) -> NDArray[np.float64] | None:
        """Gives a numeric column as float64 with NaN for missing; ``None`` if it is none."""
        values = self.columns.get(name)
        if values is None or values.dtype.kind not in "fiub":
            return None
        numbers = np.array(values, dtype=np.float64)
        numbers[~np.isfinite(numbers)] = np.nan
        return numbers

    def texts(self, name: str) -> list[str] | None:
        """Gives a categorical column with ``""`` for missing; ``None`` if it is none."""
        values = self.columns.get(name)
        if values is None or values.dtype.kind not in "OUT":
            return None
        return [MISSING_CATEGORY if value is None else str(value) for value in values]

    def at_most(self, rows: int, generator: np.random.Generator) -> SampledRows:
        """Draws at most so many of the rows, at random and without replacement."""
        if self.rows <= rows:
            return self
        chosen = generator.choice(self.rows, size=rows, replace=False)
        return SampledRows({name: values[chosen] for name, values in self.columns.items()}, rows)
