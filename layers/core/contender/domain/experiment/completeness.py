"""Missing and delayed outcomes: how many of each variant, and whether the difference depends on the delay."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contender.domain.experiment.columns import Columns
from contender.domain.experiment.difference import (
    Difference,
    cells,
    clustered_difference,
    stratified_difference,
)
from contender.domain.experiment.intervals import LEVEL, two_sided_p


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


def completeness(columns: Columns, scores: NDArray[np.float64], level: float = LEVEL) -> Completeness:
    """Compares what is missing and what is late.

    Args:
        columns: The records.
        scores: Shape [n], the primary metric of each; NaN where there is none.
        level: Coverage of the intervals.

    Returns:
        The comparison; differences are NaN where they cannot be formed.
    """
    everything = np.ones(len(columns), dtype=np.bool_)
    without = (~columns.usable & ~columns.unknown).astype(np.float64)
    delay = columns.outcome_at - columns.at
    known = np.isfinite(delay) & ~np.isnan(scores)
    middle = float(np.median(delay[known])) if known.any() else math.nan
    early = _difference(columns, scores, known & (delay <= middle), level)
    late = _difference(columns, scores, known & (delay > middle), level)
    error = math.hypot(early.standard_error, late.standard_error)
    apart = (late.value - early.value) / error if error > 0 else math.nan
    return Completeness(_difference(columns, without, everything, level), early, late, two_sided_p(apart))


def _difference(
    columns: Columns, values: NDArray[np.float64], keep: NDArray[np.bool_], level: float
) -> Difference:
    values, is_b, epochs = values[keep], columns.is_b[keep], columns.epoch[keep]
    if columns.units is None:
        return stratified_difference(cells(values, is_b, epochs), level)
    return clustered_difference(values, is_b, epochs, columns.units[keep], level)
