"""Observations for tests of the experiment's statistics."""

from __future__ import annotations

import math
from collections.abc import Iterable

from contender.domain.experiment import Columns, Observation, ObservationTable

PLAIN = Observation(
    at=1_372_636_800.0,
    unit=1,
    assigned_b=False,
    fallback=False,
    model_version="1",
    split=0.5,
    epoch=1,
    probability=0.5,
    prediction=1.0,
    probabilities={"0": 0.3, "1": 0.7},
    latency_ms=1.0,
    outcome=1.0,
    outcome_at=1_372_636_860.0,
    spilled=False,
)


def table(rows: Iterable[Observation]) -> Columns:
    """Columns of rows; rows that leave the unit as it is in PLAIN get one each."""
    collected = ObservationTable()
    for index, row in enumerate(rows):
        collected.add(row._replace(unit=1_000_000 + index) if row.unit == PLAIN.unit else row)
    return collected.columns()


def without_outcome(row: Observation) -> Observation:
    return row._replace(outcome=None, outcome_at=math.nan)
