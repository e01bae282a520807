"""The search over algorithms, by PyCaret: cross-validation and ranking within a budget of time."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from contender.errors import TrainingFailed
from trainer.candidates import Candidate, with_threads
from trainer.contest import RANKED_BY, Arena, Contest, Trial
from trainer.data import TrainingData
from trainer.helpers import Helper, HelperLost, usable_cores
from trainer.holdout import Folds


@dataclass(frozen=True)
class Ranked:
    """A candidate with its cross-validated figures.

    Attributes:
        candidate: The algorithm.
        metrics: Metric → mean over folds; empty when it failed or there was no time.
        seconds: Mean time of a fold.
        failure: Why it has no rank; empty when it has one.
    """

    candidate: Candidate
    metrics: dict[str, float]
    seconds: float
    failure: str = ""


@dataclass(frozen=True)
class Leaderboard:
    """What the search found.

    Attributes:
        metric: The metric that ranks.
        ranked: Best first.
        unranked: Candidates that failed or were not reached.
    """

    metric: str
    ranked: tuple[Ranked, ...]
    unranked: tuple[Ranked, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row per candidate, best first, those without a rank last."""
        rows = [
            {
                "rank": None if entry.failure else place + 1,
                "candidate": entry.candidate.key,
                "name": entry.candidate.name,
                **entry.metrics,
                "fold_seconds": None if entry.failure else entry.seconds,
                "failure": entry.failure,
            }
            for place, entry in enumerate((*self.ranked, *self.unranked))
        ]
        return pd.DataFrame(rows).astype({"rank": "Int64"})


class _Queue:
    """Positions of candidates, handed out in order: the first in any case, the others in time.

    Args:
        count: How many there are.
        budget_s: How long after the first further ones are handed out, in seconds.
    """

    def __init__(self, count: int, budget_s: float) -> None:
        self._waiting = deque(range(count))
        self._again: deque[int] = deque()
        self._budget_s = budget_s
        self._ends = math.inf
        self._lock = Lock()

    def take(self) -> int | None:
        """Gives the next; ``None`` when there is none, or no time."""
        with self._lock:
            if self._again:
                return self._again.popleft()
            if not self._waiting or time.monotonic() >= self._ends:
                return None
            if self._ends == math.inf:
                self._ends = time.monotonic() + self._budget_s
            return self._waiting.popleft()

    def give_back(self, position: int) -> None:
        """Takes back what was begun in vain; it is handed out again in any case."""
        with self._lock:
            self._again.append(position)


def search(
    data: TrainingData,
    folds: Folds,
    contestants: Sequence[Candidate],
    budget_s: float,
    seed: int,
    helpers: Sequence[Helper] = (),
) -> Leaderboard:
    """Cross-validates every candidate and ranks them.

    Args:
        data: Rows to search on.
        folds: Positions to train and to test on.
        contestants: Candidates, those to try first first.
        budget_s: After this time no further candidate is begun, in seconds.
        seed: PyCaret's seed.
        helpers: Processes that do part of it; they are used up. Figures do not depend on them.

    Returns:
        The leaderboard, with at least one ranked candidate.

    Raises:
        TrainingFailed: When no candidate could be cross-validated.
    """
    contest = Contest.of(data, folds, seed)
    trials = _trials(contest, [candidate.estimator for candidate in contestants], budget_s, helpers)
    metric = RANKED_BY[contest.task]
    entries = [
        Ranked(candidate, trial.metrics, trial.seconds, trial.failure)
        for candidate, trial in zip(contestants, trials, strict=True)
    ]
    ranked = sorted((one for one in entries if not one.failure), key=lambda one: one.metrics[metric])
    if not ranked:
        raise TrainingFailed("no algorithm could be cross-validated on this window")
    return Leaderboard(metric, tuple(ranked), tuple(one for one in entries if one.failure))


def _trials(
    contest: Contest, estimators: Sequence[Any], budget_s: float, helpers: Sequence[Helper]
) -> list[Trial]:
    """Gives what came of each estimator, in their order."""
    trials = [Trial({}, 0.0, "not begun: the budget of time was spent")] * len(estimators)
    queue = _Queue(len(estimators), budget_s)
    # Processes share the cores evenly: more threads than cores would wait for each other.
    threads = max(1, usable_cores() // (1 + len(helpers)))

    def work(cross_validate: Callable[[Any], Trial]) -> None:
        while (position := queue.take()) is not None:
            try:
                trials[position] = cross_validate(with_threads(estimators[position], threads))
            except BaseException:
                queue.give_back(position)
                raise

    def use(helper: Helper) -> None:
        with suppress(HelperLost):  # whatever it died of, the rest is done without it
            helper.enter(contest, threads)
            work(helper.cross_validate)

    with ThreadPoolExecutor(max(1, len(helpers))) as pool, threadpool_limits(threads):
        try:
            used = [pool.submit(use, helper) for helper in helpers]
            arena = Arena(contest)
            work(arena.cross_validate)
            for one in used:
                one.result()
            work(arena.cross_validate)  # what was given back since
        except BaseException:
            for helper in helpers:
                helper.end()  # else the end of the pool would wait for what they are doing
            raise
    return trials
