"""Missing and delayed outcomes: how many of each variant, and whether the difference depends on the delay."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contender.domain.experiment.columns import Columns, Order
from contender.domain.experiment.difference import (
    Cell,
    Difference,
    Influence,
    cells,
    merged_cells,
    stratified_difference,
)
from contender.domain.experiment.intervals import LEVEL, UnitSums, two_sided_p
from contender.domain.experiment.log import Log
from contender.domain.experiment.metrics import Metric, score_of
from contender.domain.experiment.tally import Tally

_PARTS = ("missing", "early", "late")


class Completeness(NamedTuple):
    """What missing and late outcomes may do to the comparison; each for one look.

    Attributes:
        missing: Share of requests without outcome, B - A within epochs.
        early: The primary metric's difference among outcomes that came within the median delay.
        late: The same among the others.
        delay_p_value: That early and late outcomes show the same difference; NaN without both.
    """

    missing: Difference
    early: Difference
    late: Difference
    delay_p_value: float


def completeness(log: Log, metric: Metric, level: float = LEVEL) -> Completeness:
    """Compares what is missing and what is late.

    Args:
        log: The records.
        metric: The primary one.
        level: Coverage of the intervals.

    Returns:
        The comparison; differences are NaN where they cannot be formed. Early and late are parted at the
        median delay; beyond :data:`.tally.LIMIT` different ones that is as exact as the tally.
    """
    delays = Tally()
    for part in log.batches(Order.ANY):
        delays.add(None, _delay(part, metric))
    middle = delays.counts().quantiles([0.5])[0]
    found: dict[str, list[Cell]] = {name: [] for name in _PARTS}
    for part in log.batches(Order.ANY):
        for name, values, keep in _parts(part, metric, middle):
            cut = cells(values[keep], part.is_b[keep], part.epoch[keep])
            found[name] = merged_cells([found[name], cut])
    sums = UnitSums()
    if log.clustered:
        influence = {name: Influence(strata) for name, strata in found.items()}
        for part in log.batches(Order.UNIT):
            for name, values, keep in _parts(part, metric, middle):
                told, kept = influence[name].of(values[keep], part.is_b[keep], part.epoch[keep])
                sums.add(name, told, part.unit[keep][kept])
    missing, early, late = (
        stratified_difference(found[name], level, sums.of(name) if log.clustered else None) for name in _PARTS
    )
    error = math.hypot(early.standard_error, late.standard_error)
    apart = (late.value - early.value) / error if error > 0 else math.nan
    return Completeness(missing, early, late, two_sided_p(apart))


def _delay(columns: Columns, metric: Metric) -> NDArray[np.float64]:
    """From the answer to the outcome; NaN where either time or the metric is unknown."""
    scores = score_of(columns, metric)
    return np.where(np.isnan(scores), math.nan, columns.outcome_at - columns.at)


def _parts(
    columns: Columns, metric: Metric, middle: float
) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.bool_]]]:
    """What is compared: its name, each record's value, and the records that count."""
    without = (~columns.usable & ~columns.unknown).astype(np.float64)
    scores, delay = score_of(columns, metric), _delay(columns, metric)
    everything = np.ones(len(columns), dtype=np.bool_)
    yield from zip(
        _PARTS, (without, scores, scores), (everything, delay <= middle, delay > middle), strict=True
    )
