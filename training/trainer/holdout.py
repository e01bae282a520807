"""Which rows are kept aside, which the search sees, and how it folds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit

from contender.domain.dataset import Task
from contender.errors import TrainingFailed
from trainer.data import TrainingData

MIN_ROWS = 40
"""Fewest rows to train on and to hold out together: with less every figure is noise."""

Rows = NDArray[np.intp]
Folds = list[tuple[Rows, Rows]]


@dataclass(frozen=True)
class Parts:
    """A window in two.

    Attributes:
        train: What models are fitted on, ordered in time where there is one.
        holdout: What nothing is fitted on.
        how: How they were told apart, for people.
    """

    train: TrainingData
    holdout: TrainingData
    how: str


def split(data: TrainingData, share: float, seed: int) -> Parts:
    """Keeps part of a window aside: its newest part where there is a timestamp.

    Rows of one time are never torn apart, so the share is met as nearly as ties allow. Without a timestamp
    whole units are drawn where a unit is declared, else rows, the same share of each class.

    Args:
        data: The window.
        share: Share to hold out, in (0, 1).
        seed: Seed of the draw.

    Returns:
        Both parts, neither empty.

    Raises:
        TrainingFailed: When there are too few rows, times, units or classes to do it.
    """
    if len(data) < MIN_ROWS:
        raise TrainingFailed(
            f"the window has {len(data)} usable rows (left out: {dict(data.dropped) or 'none'}), "
            f"at least {MIN_ROWS} are needed"
        )
    rng = np.random.default_rng(seed)
    if data.times is not None:
        held, how = _newest(data.times, share)
    elif data.units is not None:
        held, how = _whole_units(data.units, share, rng)
    else:
        classified = data.dataset.task is Task.CLASSIFICATION
        held = _stratified(data.target if classified else np.zeros(len(data)), share, rng)
        how = "random rows, the same share of each class" if classified else "random rows"
    order = np.arange(len(data)) if data.times is None else np.argsort(data.times, kind="stable")
    inside = held[order]
    train, holdout = data.take(order[~inside]), data.take(order[inside])
    if not len(train) or not len(holdout):
        raise TrainingFailed(f"the window cannot be split into training and holdout rows by {how}")
    return Parts(train, holdout, how)


def cap_rows(data: TrainingData, most: int, seed: int) -> TrainingData:
    """Draws rows for the search, the same share of each class, in the order that they had.

    Args:
        data: Training rows.
        most: Most rows to keep; a class keeps at least as many as there are or 50, so that rare ones
            survive, which may exceed this by a little.
        seed: Seed of the draw.

    Returns:
        ``data`` itself when it is small enough.
    """
    if len(data) <= most:
        return data
    rng = np.random.default_rng(seed)
    share = most / len(data)
    if data.dataset.task is not Task.CLASSIFICATION:
        return data.take(np.sort(rng.choice(len(data), most, replace=False)))
    return data.take(np.flatnonzero(_stratified(data.target, share, rng, fewest=50)))


def folds(data: TrainingData, count: int, seed: int) -> tuple[Folds, str]:
    """Folds rows for cross-validation.

    Ordered in time, each fold is tested by a model that saw only what came before it: shuffled folds would
    let a model read the weather of the same hour from its neighbours. When a class is missing from the first
    stretch, and without a timestamp, folds are random: whole units, or rows, stratified by class.

    Args:
        data: The rows, ordered in time where there is one.
        count: Number of folds, at least 2.
        seed: Seed of the shuffle.

    Returns:
        Positions to train and to test on, and how they were made.
    """
    classified = data.dataset.task is Task.CLASSIFICATION
    placeholder = np.zeros((len(data), 1))
    if data.times is not None:
        ordered: Folds = list(TimeSeriesSplit(count).split(placeholder))
        every = len(np.unique(data.target)) if classified else 0
        if all(len(np.unique(data.target[train])) >= every for train, _ in ordered):
            return ordered, f"{count} folds ordered in time"
    if data.units is not None and len(np.unique(data.units)) >= count:
        return (
            list(GroupKFold(count).split(placeholder, groups=data.units)),
            f"{count} folds of whole units",
        )
    if classified:
        shuffled = StratifiedKFold(count, shuffle=True, random_state=seed)
        return list(shuffled.split(placeholder, data.target)), f"{count} stratified folds"
    return list(KFold(count, shuffle=True, random_state=seed).split(placeholder)), f"{count} random folds"


def _newest(times: NDArray[Any], share: float) -> tuple[NDArray[np.bool_], str]:
    ordered = np.sort(times)
    cut = ordered[min(len(ordered) - 1, round(len(ordered) * (1 - share)))]
    candidates = [held for held in (times >= cut, times > cut) if 0 < held.sum() < len(times)]
    if not candidates:
        raise TrainingFailed(
            "all rows bear the same time: nothing newer can be held out; correct the timestamp"
        )
    held = min(candidates, key=lambda rows: abs(rows.mean() - share))
    oldest = times[held].min()
    if isinstance(oldest, np.datetime64):
        oldest = oldest.astype("datetime64[s]")
    return held, f"the newest rows, from {oldest} on"


def _whole_units(
    units: NDArray[Any], share: float, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], str]:
    names, inverse, counts = np.unique(units, return_inverse=True, return_counts=True)
    if len(names) < 2:
        raise TrainingFailed("all rows belong to one unit: none can be held out; correct the unit")
    order = rng.permutation(len(names))
    taken = np.cumsum(counts[order]) <= share * len(units)
    taken[0], taken[-1] = True, False
    return np.isin(inverse, order[taken]), "random units, each whole"


def _stratified(
    strata: NDArray[Any], share: float, rng: np.random.Generator, fewest: int = 0
) -> NDArray[np.bool_]:
    chosen = np.zeros(len(strata), dtype=bool)
    for label in np.unique(strata):
        rows = np.flatnonzero(strata == label)
        count = min(len(rows), max(fewest, round(share * len(rows))))
        chosen[rng.permutation(rows)[:count]] = True
    return chosen
