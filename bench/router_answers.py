"""Whether all who were asked gave the same answers, and logged what they were asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.router_runs import LOGGING, Medians, Run, Subject

PROBABILITY_TOLERANCE = 1e-5
"""Largest difference of a probability, as in the training's own comparison."""


def disagreements(found: Mapping[Subject, Medians]) -> list[str]:
    """Compares the answers of all subjects about each row, in every round.

    Args:
        found: Subject → its runs, as many of each; the handler among them.

    Returns:
        What differs, in words. Empty when everybody answered about as many rows as there were, every label
        is the handler's, every probability lies within ``PROBABILITY_TOLERANCE`` of the handler's, and of
        those in ``LOGGING`` the table got a record of every call.
    """
    rounds = zip(*(medians.runs for medians in found.values()), strict=True)
    each_round = (dict(zip(found, runs, strict=True)) for runs in rounds)
    return list(dict.fromkeys(text for runs in each_round for text in _of_round(runs)))


def _of_round(runs: Mapping[Subject, Run]) -> list[str]:
    wrong, mine = [], _plain(Subject.HANDLER, runs[Subject.HANDLER].answers)
    for subject, run in runs.items():
        if len(run.answers) != run.rows:
            wrong.append(f"{subject} answered about {len(run.answers)} rows of {run.rows}")
        if subject in LOGGING and run.stored != run.calls:
            wrong.append(f"{subject} was called {run.calls} times, the table has {run.stored} more records")
        its = _plain(subject, run.answers)
        if its is None or mine is None:
            wrong.append(
                f"{subject if its is None else Subject.HANDLER} gives something else than predictions"
            )
            continue
        pairs = list(zip(mine, its, strict=False))  # some are asked about the first rows only
        labels = sum(ours[0] != theirs[0] for ours, theirs in pairs)
        apart = max(
            (abs(ours[1] - theirs[1]) for ours, theirs in pairs if theirs[1] is not None), default=0.0
        )
        if labels:
            wrong.append(f"{subject} gives another label for {labels} of {len(its)} rows")
        if not apart <= PROBABILITY_TOLERANCE:
            wrong.append(f"{subject} gives probabilities that are up to {apart:.2g} apart")
    return wrong


def _plain(subject: Subject, answers: Sequence[Any]) -> list[tuple[Any, Any]] | None:
    """Label, and the probability of class 1 where the subject tells it; ``None`` when it tells neither."""
    try:
        return [_label(subject, answer) for answer in answers]
    except (KeyError, IndexError, TypeError, ValueError):
        return None


def _label(subject: Subject, answer: Any) -> tuple[Any, Any]:
    if subject in (Subject.HANDLER, Subject.LOGGED, Subject.HTTP, Subject.COLD):
        return answer["prediction"], answer["probabilities"]["1"]
    if subject in (Subject.MODEL, Subject.COLD_MODEL):
        value, probabilities = answer
        return value, probabilities["1"]
    if subject is Subject.SKLEARN:
        return int(answer[0][1] > answer[0][0]), answer[0][1]
    if subject is Subject.SERVE:
        return answer["predictions"][0], None
    return (answer[0] if isinstance(answer, list) else answer), None
