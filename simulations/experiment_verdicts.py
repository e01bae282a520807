"""The verdict as it is deployed, at every look of many experiments at once.

What :func:`contender.domain.experiment.judge.judge` says of the interval, for arrays: a test shows that both
say the same at every look. Alarms and guardrails are left out, for nothing is lost in these worlds; so is
``min_hours``, which only lets a verdict wait.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contender.domain.experiment.verdict import Reason
from simulations.experiment_rules import LOOK_EVERY, SETTINGS, Course, Flags, Floats, World, at_looks

DECISIONS = (Reason.WORSE, Reason.TOO_LITTLE, Reason.BETTER, Reason.BUDGET)
"""What decides, in the order in which it is asked for; only ``BETTER`` ships."""
UNDECIDED = len(DECISIONS)


class Firsts(NamedTuple):
    """The first decision of each experiment.

    Attributes:
        code: Shape [runs], index into :data:`DECISIONS`; :data:`UNDECIDED` without one.
        at: Shape [runs], outcomes then; infinite without one.
    """

    code: NDArray[np.intp]
    at: Floats


def codes(course: Course, world: World) -> NDArray[np.intp]:
    """Shape [runs, looks]: what each look says, were it the first; :data:`UNDECIDED` where it goes on."""
    low, high = course.value - course.half, course.value + course.half
    margin = SETTINGS.margin * np.abs(_mean_of_a(world))
    spent: Flags = LOOK_EVERY * np.arange(1, low.shape[1] + 1) >= SETTINGS.max_outcomes
    rules = [high < 0, high < margin, low > 0, np.broadcast_to(spent, low.shape)]
    said: NDArray[np.intp] = np.select([course.ready & rule for rule in rules], range(UNDECIDED), UNDECIDED)
    return said


def firsts(said: NDArray[np.intp]) -> Firsts:
    """The first decision of each row of :func:`codes`."""
    decided = said < UNDECIDED
    look = decided.argmax(axis=1)
    at = np.where(decided.any(axis=1), LOOK_EVERY * (look + 1.0), np.inf)
    return Firsts(np.take_along_axis(said, look[:, None], axis=1)[:, 0], at)


def _mean_of_a(world: World) -> Floats:
    of_a = at_looks((~world.is_b).astype(np.float64))
    total = at_looks(np.where(world.is_b, 0.0, world.scores))
    found: Floats = total / np.maximum(of_a, 1)
    return found
