"""The rules of many experiments at once: arrays of shape [runs, outcomes] in place of one experiment's
records.

The product's own functions do the statistics (:mod:`contender.domain.experiment`); only the sums over
outcomes are formed here for all runs together. A test shows that both give the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contender.domain.experiment.intervals import z_quantile
from contender.domain.experiment.sequence import multiplier, served_increments
from contender.domain.experiment.settings import ExperimentSettings

SETTINGS = ExperimentSettings()
LOOK_EVERY = 200
"""Outcomes between two looks: 1 % of 20,000."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class World(NamedTuple):
    """Outcomes of many experiments, in the order in which they come.

    Attributes:
        scores: Shape [runs, n], of the answer that was served.
        is_b: Shape [runs, n].
        probability_b: Shape [runs, n] or [1, n].
        lead: Shape [runs, n], score of B less score of A on the same request; ``None`` without shadows.
    """

    scores: Floats
    is_b: Flags
    probability_b: Floats
    lead: Floats | None = None


class Course(NamedTuple):
    """What each look of each experiment sees, all of shape [runs, looks].

    Attributes:
        value: Estimate of B - A.
        half: Half-width of its interval.
        ready: Whether there are enough outcomes to decide.
    """

    value: Floats
    half: Floats
    ready: Flags

    def claims(self) -> Flags:
        """Looks at which either variant is said to be better."""
        return self.ready & (np.abs(self.value) > self.half)

    def misses(self, truth: float) -> Flags:
        """Looks at which the interval does not hold the truth."""
        return self.ready & (np.abs(self.value - truth) > self.half)


def by_sequence(world: World) -> Course:
    """The A/B comparison with its confidence sequence."""
    x, w, _ = served_increments(world.scores, world.is_b, world.probability_b)
    return _sequence(x, w, SETTINGS.planned_information, _ready(world.is_b))


def by_pairs(world: World) -> Course:
    """The paired comparison with its confidence sequence."""
    assert world.lead is not None
    ready = at_looks(np.ones_like(world.lead)) >= SETTINGS.min_outcomes
    return _sequence(world.lead, np.ones_like(world.lead), SETTINGS.planned_pairs, ready)


def by_repeated_test(world: World) -> Course:
    """What is wrong with many dashboards: Welch's test over everything so far, again at each look."""
    sums = []
    for arm in (world.is_b, ~world.is_b):
        count, total = at_looks(arm.astype(np.float64)), at_looks(np.where(arm, world.scores, 0.0))
        squares = at_looks(np.where(arm, np.square(world.scores), 0.0))
        mean = total / np.maximum(count, 1)
        sums.append((mean, (squares / np.maximum(count, 1) - mean**2) / np.maximum(count - 1, 1)))
    (mean_b, variance_b), (mean_a, variance_a) = sums
    half = z_quantile(SETTINGS.level) * np.sqrt(variance_b + variance_a)
    return Course(mean_b - mean_a, half, _ready(world.is_b))


def _sequence(x: Floats, w: Floats, planned: float, ready: Flags) -> Course:
    total, information = at_looks(x), at_looks(w)
    value = np.divide(total, information, out=np.zeros_like(total), where=information > 0)
    squares = at_looks(np.square(x)) - 2 * value * at_looks(x * w) + value**2 * at_looks(np.square(w))
    error = np.sqrt(np.maximum(squares, 0.0)) / np.where(information > 0, information, np.inf)
    half = error * multiplier(np.maximum(information, 1e-9) / planned, SETTINGS.level)
    return Course(value, half, ready & (error > 0))


def _ready(is_b: Flags) -> Flags:
    of_b = at_looks(is_b.astype(np.float64))
    of_a = LOOK_EVERY * np.arange(1, of_b.shape[1] + 1) - of_b
    found: Flags = np.minimum(of_a, of_b) >= SETTINGS.min_outcomes
    return found


def at_looks(values: Floats) -> Floats:
    """Sums of everything before each look, shape [runs, looks]."""
    runs, n = values.shape
    found: Floats = values.reshape(runs, n // LOOK_EVERY, LOOK_EVERY).sum(axis=2).cumsum(axis=1)
    return found
