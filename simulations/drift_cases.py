"""The cases: what is planted, how often, and which verdict is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from contender.domain.dataset import Kind
from contender.domain.drift import DriftSettings
from simulations.drift_windows import KINDS, Population, Window, draw_pair, lose, move, set_share, shift_by

NUMERIC = [name for name, kind in KINDS.items() if kind is Kind.NUMERIC]
CATEGORICAL = [name for name, kind in KINDS.items() if kind is Kind.CATEGORICAL]
COMPLETE = ["minute_of_day", "distance", "arrival_delay", *CATEGORICAL]
"""Columns without a missing value."""
NEAR = 0.9
"""How close to its threshold a shift comes that must not count as drift."""
SETTINGS = DriftSettings()

Plant = Callable[[Window, Window, Population, int, np.random.Generator], str | None]
"""Plants a drift into pair number so-and-so, in place; gives the drifted column."""


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the table.

    Attributes:
        name: What it is called.
        rows: Rows of each window.
        pairs: Pairs for Contender.
        seed_pairs: Pairs for the seed's rule.
        evidently_pairs: Pairs for Evidently.
        chunk: Pairs that one worker does at a time.
        goal: Largest rate of wrong verdicts that is tolerated, for its 99 % upper bound.
        plant: Plants the drift; ``None`` for none.
        drifts: Whether the right verdict is drift.
    """

    name: str
    rows: int
    pairs: int
    seed_pairs: int
    evidently_pairs: int
    chunk: int
    goal: float = 0.01
    plant: Plant | None = None
    drifts: bool = False

    def pair(
        self, population: Population, number: int, generator: np.random.Generator
    ) -> tuple[Window, Window, str | None]:
        """Draws a pair and plants the drift; gives the drifted column, if there is one."""
        reference, current = draw_pair(population, self.rows, generator)
        drifted = self.plant and self.plant(reference, current, population, number, generator)
        return reference, current, drifted


def _moved(
    reference: Window, current: Window, population: Population, number: int, generator: np.random.Generator
) -> str:
    column = NUMERIC[number % len(NUMERIC)]
    move(current, column, population, 0.5)
    return column


def _grown(
    reference: Window, current: Window, population: Population, number: int, generator: np.random.Generator
) -> str:
    column = CATEGORICAL[number % len(CATEGORICAL)]
    set_share(reference, column, population, 0.10, generator)
    set_share(current, column, population, 0.25, generator)
    return column


def _lost(
    reference: Window, current: Window, population: Population, number: int, generator: np.random.Generator
) -> str:
    column = COMPLETE[number % len(COMPLETE)]
    lose(current, column, 0.10, generator)
    return column


def _everything_below_threshold(
    reference: Window, current: Window, population: Population, number: int, generator: np.random.Generator
) -> None:
    for column, kind in KINDS.items():
        effect = SETTINGS.ks_effect if kind is Kind.NUMERIC else SETTINGS.tv_effect
        shift_by(current, column, population, NEAR * effect, generator)
        lose(current, column, NEAR * SETTINGS.missing_effect, generator)


MILLION = Case(
    name="every column moved and thinned by 90 % of the thresholds, 1,000,000 rows",
    rows=1_000_000,
    pairs=100,
    seed_pairs=6,
    evidently_pairs=2,
    chunk=2,
    goal=0.05,
    plant=_everything_below_threshold,
)

CASES = (
    Case("no drift, 200 rows", 200, 1_000, 1_000, 40, 100),
    Case("no drift, 2,000 rows", 2_000, 1_000, 1_000, 40, 100),
    Case("no drift, 20,000 rows", 20_000, 1_000, 200, 40, 20),
    Case("0.5 σ in one column of 15, 2,000 rows", 2_000, 1_000, 1_000, 44, 100, plant=_moved, drifts=True),
    Case("one category 10 % → 25 %, 2,000 rows", 2_000, 1_000, 1_000, 40, 100, plant=_grown, drifts=True),
    Case("missing 0 % → 10 %, 2,000 rows", 2_000, 1_000, 1_000, 42, 100, plant=_lost, drifts=True),
    MILLION,
)
"""A drift is planted into each suitable column in turn. 1,000 pairs bound a rate of 0 by 0.5 %; the case of a
million rows is costly, so it gets 100, which bound it by 4.5 %."""

QUICK = tuple(
    replace(
        case,
        name=case.name.replace("1,000,000", "100,000"),
        rows=min(case.rows, 100_000),
        pairs=22,
        seed_pairs=4,
        chunk=11,
        goal=0.2,
    )
    for case in CASES
)
"""The same, reduced, with wide bounds: shows that the program works, not the rates."""
