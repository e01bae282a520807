"""What is simulated of experiments, how often, and what is tolerated."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray

from contender.domain.experiment.power import outcomes_needed
from contender.domain.experiment.sequential_ratio import log_evidence
from contender.domain.experiment.verdict import Reason
from simulations import experiment_worlds as worlds
from simulations.experiment_rules import (
    LOOK_EVERY,
    SETTINGS,
    Course,
    Floats,
    World,
    by_pairs,
    by_repeated_test,
    by_sequence,
)
from simulations.experiment_verdicts import DECISIONS, UNDECIDED, codes, firsts

OUTCOMES = 20_000
EFFECTS = (0.01, 0.02, 0.05)
TRUTH = 0.03
"""Effect where it is asked whether the estimate is right."""
LOST = 0.1
"""Share of B's records that are lost where the sample ratio check should notice."""
POWER = 0.8
NOT_FOUND = 0.25
"""Tolerated where the power table promises that 80 % are found: it is an approximation for looks at every
outcome."""

MARGIN = SETTINGS.margin * worlds.ACCURACY
"""Improvement that a new model must bring, in the metric's units."""
VERDICTS = (
    ("no difference: ships", 0.0, (Reason.BETTER,)),
    ("2 points worse: ships", -0.02, (Reason.BETTER,)),
    ("half the margin better: said to be worse", MARGIN / 2, (Reason.WORSE,)),
    ("better by the margin: said to be less", MARGIN, (Reason.WORSE, Reason.TOO_LITTLE)),
    ("2 points better: said to be less than the margin", 0.02, (Reason.WORSE, Reason.TOO_LITTLE)),
)
"""Of the deployed rule: name, true effect, and what would be a false reason for the first decision."""
PAIRED_OUTCOMES = 40_000
"""By which practically every paired experiment is decided."""

NO_NUMBERS = np.empty(0)
NO_COUNTS = np.zeros(UNDECIDED + 1, dtype=np.int64)


@dataclass(frozen=True)
class Tally:
    """What some runs of a case gave.

    Attributes:
        runs: How many.
        hits: Runs in which the case's event happened.
        peer: Runs in which it happened to the peer's rule.
        stops: Outcomes at the first claim of each run, infinite without one; empty where not asked.
        errors: Estimate less truth of each run; empty where not asked.
        peer_errors: The same of the peer.
        decided: Outcomes at the deployed rule's first decision in each run, infinite without one; empty
            where not asked.
        decisions: Runs by what that was, in the order of ``DECISIONS``, undecided ones last.
    """

    runs: int = 0
    hits: int = 0
    peer: int = 0
    stops: Floats = field(default_factory=lambda: NO_NUMBERS)
    errors: Floats = field(default_factory=lambda: NO_NUMBERS)
    peer_errors: Floats = field(default_factory=lambda: NO_NUMBERS)
    decided: Floats = field(default_factory=lambda: NO_NUMBERS)
    decisions: NDArray[np.int64] = field(default_factory=lambda: NO_COUNTS)

    def plus(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(
            self.runs + other.runs,
            self.hits + other.hits,
            self.peer + other.peer,
            np.concatenate([self.stops, other.stops]),
            np.concatenate([self.errors, other.errors]),
            np.concatenate([self.peer_errors, other.peer_errors]),
            np.concatenate([self.decided, other.decided]),
            self.decisions + other.decisions,
        )


Play = Callable[[np.random.Generator, int, int], Tally]
"""(generator, runs, outcomes) → what they gave."""


@dataclass(frozen=True)
class Case:
    """One line of the table.

    Attributes:
        name: What happens and how often it should not.
        play: Plays some runs.
        outcomes: Of each run.
        runs: How many.
        goal: The most that is tolerated of the event's rate (of the bias, where errors are asked for).
        peer: What the other rule is.
    """

    name: str
    play: Play
    outcomes: int
    runs: int
    goal: float
    peer: str = ""


def claims(make: Callable[..., World], rng: np.random.Generator, runs: int, n: int) -> Tally:
    """Event: the sequence says at some look that a variant is better; the peer is a test repeated at each
    look."""
    world = make(rng, runs, n)
    return Tally(runs, _ever(by_sequence(world)), _ever(by_repeated_test(world)))


def paired_claims(rng: np.random.Generator, runs: int, n: int) -> Tally:
    """The same of the paired sequence; the peer is the A/B comparison's sequence."""
    world = worlds.shadowed(rng, runs, n)
    return Tally(runs, _ever(by_pairs(world)), _ever(by_sequence(world)))


def undecided(effect: float, planned: int, rng: np.random.Generator, runs: int, n: int) -> Tally:
    """Event: a true effect is not found by the planned outcomes; the peer is one test then."""
    world = worlds.labels(rng, runs, n, effect)
    stops = _stops(by_sequence(world))
    then = by_repeated_test(world).claims()[:, planned // LOOK_EVERY - 1]
    return Tally(runs, int((stops > planned).sum()), int((~then).sum()), stops)


def paired_undecided(effect: float, rng: np.random.Generator, runs: int, n: int) -> Tally:
    """The same with shadows; the peer is the A/B comparison's sequence."""
    world = worlds.shadowed_labels(rng, runs, n, effect)
    stops = _stops(by_pairs(world))
    return Tally(runs, int(np.isinf(stops).sum()), int(np.isinf(_stops(by_sequence(world))).sum()), stops)


def uncovered(make: Callable[..., World], rng: np.random.Generator, runs: int, n: int) -> Tally:
    """Event: the sequence leaves out the true effect at some look; the peer is the repeated test's
    interval."""
    world = make(rng, runs, n, TRUTH)
    course, peer = by_sequence(world), by_repeated_test(world)
    return Tally(
        runs,
        int(course.misses(TRUTH).any(axis=1).sum()),
        int(peer.misses(TRUTH).any(axis=1).sum()),
        errors=course.value[:, -1] - TRUTH,
        peer_errors=peer.value[:, -1] - TRUTH,
    )


def alarms(moved: bool, lost: float, rng: np.random.Generator, runs: int, n: int) -> Tally:
    """Event: the sample ratio check alarms at some look (with losses: at none); the peer is one test at the
    end."""
    looks = n // LOOK_EVERY
    shares = np.array(worlds.SPLITS if moved else (0.5,))
    at = np.arange(looks) * shares.size // looks
    drawn_b = rng.binomial(LOOK_EVERY, shares[at], (runs, looks))
    kept_b = rng.binomial(drawn_b, 1 - lost)
    units = LOOK_EVERY - drawn_b + kept_b
    counts = np.cumsum(units[:, :, None] * (at[:, None] == np.arange(shares.size)), axis=1)
    of_b = kept_b.cumsum(axis=1)
    alarmed = (log_evidence(of_b, counts, shares) > -math.log(SETTINGS.alarm_below)).any(axis=1)
    z = (of_b[:, -1] - counts[:, -1] @ shares) / np.sqrt(counts[:, -1] @ (shares * (1 - shares)))
    once = np.abs(z) > 3.2905  # two-sided p < 0.001
    if lost:
        alarmed, once = ~alarmed, ~once
    return Tally(runs, int(alarmed.sum()), int(once.sum()))


def misjudged(
    effect: float, false: tuple[Reason, ...], paired: bool, rng: np.random.Generator, runs: int, n: int
) -> Tally:
    """Event: the deployed rule's first decision is for a reason that is false; the peer is a test repeated
    at each look in place of the sequence (paired: the A/B comparison's sequence), under the same rule."""
    make = worlds.shadowed_labels if paired else worlds.labels
    world = make(rng, runs, n, effect)
    course, other = by_sequence(world), by_repeated_test(world)
    if paired:
        course, other = by_pairs(world), course
    wrong = [DECISIONS.index(reason) for reason in false]
    found, peer = firsts(codes(course, world)), firsts(codes(other, world))
    return Tally(
        runs,
        int(np.isin(found.code, wrong).sum()),
        int(np.isin(peer.code, wrong).sum()),
        decided=found.at,
        decisions=np.bincount(found.code, minlength=UNDECIDED + 1),
    )


def cases(scale: float = 1.0, slack: float = 0.0) -> tuple[Case, ...]:
    """Gives all cases.

    Args:
        scale: Factor of the number of runs.
        slack: Added to the goals: with few runs, bounds are wide.
    """

    def case(name: str, play: Play, runs: int, goal: float, peer: str, outcomes: int = OUTCOMES) -> Case:
        return Case(name, play, outcomes, max(20, round(runs * scale)), goal + slack, peer)

    repeated = "test repeated at each look"
    found = [
        case("A/A, even split: a winner is claimed", partial(claims, worlds.still), 10_000, 0.05, repeated),
        case(
            "A/A, split 0.1 → 0.5 → 0.3 while the base rate moves: a winner is claimed",
            partial(claims, worlds.moving),
            10_000,
            0.05,
            repeated,
        ),
        case("A/A, accuracy: a winner is claimed", partial(claims, worlds.labels), 10_000, 0.05, repeated),
        case("A/A, paired: a winner is claimed", paired_claims, 10_000, 0.05, "A/B comparison"),
        case(
            "true effect left out, split and base rate moved",
            partial(uncovered, worlds.moving_labels),
            10_000,
            0.05,
            repeated,
        ),
        case(
            "true effect left out, split moved by what is seen",
            partial(uncovered, worlds.steered_labels),
            10_000,
            0.05,
            repeated,
        ),
        case(
            "sample ratio, even split: false alarm", partial(alarms, False, 0.0), 100_000, 0.001, "one test"
        ),
        case(
            "sample ratio, split 0.1 → 0.5 → 0.3: false alarm",
            partial(alarms, True, 0.0),
            100_000,
            0.001,
            "one test",
        ),
        case(
            "sample ratio, 10 % of B's records lost: missed",
            partial(alarms, False, LOST),
            10_000,
            0.01,
            "one test",
        ),
    ]
    for effect in EFFECTS:
        needed = outcomes_needed(effect, math.sqrt(worlds.ACCURACY * (1 - worlds.ACCURACY)), power=POWER)
        planned = math.ceil(needed.sequential / LOOK_EVERY) * LOOK_EVERY
        name = f"{_points(effect)} better: not found by {planned:,}"
        play, outcomes = partial(undecided, effect, planned), max(planned, OUTCOMES)
        found.append(case(name, play, 2_000, NOT_FOUND, "one test then", outcomes))
    for effect in EFFECTS[:2]:
        name = f"{_points(effect)} better, paired: not found by {OUTCOMES:,}"
        found.append(case(name, partial(paired_undecided, effect), 2_000, NOT_FOUND, "A/B comparison"))
    for paired, kind, other, outcomes in (
        (False, "verdict", repeated, SETTINGS.max_outcomes),
        (True, "verdict, paired", "A/B comparison", PAIRED_OUTCOMES),
    ):
        for name, effect, false in VERDICTS:
            play = partial(misjudged, effect, false, paired)
            found.append(case(f"{kind}, {name}", play, 2_000, 0.05, other, outcomes))
    return tuple(found)


def _points(effect: float) -> str:
    return f"{100 * effect:g} point{'s' if effect > 0.01 else ''}"


def _ever(course: Course) -> int:
    return int(course.claims().any(axis=1).sum())


def _stops(course: Course) -> Floats:
    found = course.claims()
    first = LOOK_EVERY * (found.argmax(axis=1) + 1.0)
    return np.where(found.any(axis=1), first, math.inf)
