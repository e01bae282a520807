"""The search over algorithms, by PyCaret: cross-validation and ranking within a budget of time."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import check_cv

from contender.domain.dataset import Task
from contender.errors import TrainingFailed
from trainer.candidates import Candidate, preparation
from trainer.data import TrainingData
from trainer.holdout import Folds

RANKED_BY = {Task.CLASSIFICATION: "Log loss", Task.REGRESSION: "RMSE"}
"""The metric that ranks, lower is better. Log loss is what the gate compares, works for any number of
classes, and values the probabilities that the router hands out; AUC, which sees only their order, is listed
beside it."""

SCORED = "Scored"
"""A metric that is 1 on a fold that was fitted and scored. PyCaret writes 0 for every metric of a fold that
failed, which would be the best of all losses: a mean below 1 unmasks it."""

DECIMALS = 6
"""Decimals of PyCaret's figures: its 4 would tie what differs."""

TARGET = "target"


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


def search(
    data: TrainingData,
    folds: Folds,
    contestants: Sequence[Candidate],
    budget_s: float,
    seed: int,
) -> Leaderboard:
    """Cross-validates every candidate and ranks them.

    Args:
        data: Rows to search on.
        folds: Positions to train and to test on.
        contestants: Candidates, those to try first first.
        budget_s: After this time no further candidate is begun, in seconds.
        seed: PyCaret's seed.

    Returns:
        The leaderboard, with at least one ranked candidate.

    Raises:
        TrainingFailed: When no candidate could be cross-validated.
    """
    task = data.dataset.task
    kinds = list(data.dataset.features.values())
    frame = data.features.copy()
    frame.columns = [f"f{position}" for position in range(len(kinds))]  # names may hold anything
    if task is Task.CLASSIFICATION:
        _, frame[TARGET] = np.unique(data.target, return_inverse=True)
    else:
        frame[TARGET] = data.target
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyCaret's libraries about each other: a thousand lines, no news
        experiment = _experiment(task)
        experiment.setup(
            data=frame,
            target=TARGET,
            test_data=frame.head(50),  # PyCaret wants one; with it, all of ``data`` is trained on
            index=False,
            preprocess=False,
            custom_pipeline=[("prepare", preparation(data.features, kinds))],
            fold_strategy=check_cv(folds),
            data_split_shuffle=False,
            session_id=seed,
            # Candidates use the cores themselves: worker processes would each import everything again.
            n_jobs=1,
            html=False,
            verbose=False,
            system_log=False,
            log_experiment=False,
            **({"data_split_stratify": False} if task is Task.CLASSIFICATION else {}),
        )
        _add_metrics(experiment, task, int(frame[TARGET].nunique()))
        started = time.monotonic()
        experiment.compare_models(
            include=[candidate.estimator for candidate in contestants],
            sort=RANKED_BY[task],
            budget_time=budget_s / 60,  # PyCaret counts in minutes
            round=DECIMALS,
            n_select=1,
            errors="ignore",
            verbose=False,
        )
        spent = time.monotonic() - started >= budget_s
        table = experiment.pull()
    return _leaderboard(table, contestants, RANKED_BY[task], spent)


def _experiment(task: Task) -> Any:
    # Imported here: it takes seconds, which nothing else in this module needs.
    if task is Task.CLASSIFICATION:
        from pycaret.classification import ClassificationExperiment

        return ClassificationExperiment()
    from pycaret.regression import RegressionExperiment

    return RegressionExperiment()


def _add_metrics(experiment: Any, task: Task, classes: int) -> None:
    if task is Task.REGRESSION:
        experiment.add_metric("scored", SCORED, _scored, greater_is_better=True)
        return

    def loss(truth: Any, probabilities: Any, **_: Any) -> float:
        return float(log_loss(truth, probabilities, labels=range(classes)))

    def auc(truth: Any, probabilities: Any, **_: Any) -> float:
        given = np.asarray(probabilities, dtype=np.float64)
        if given.ndim == 2 and given.shape[1] == 2:
            given = given[:, 1]
        if len(np.unique(truth)) < classes:
            return float("nan")
        return float(roc_auc_score(truth, given, multi_class="ovr", average="weighted"))

    # PyCaret's own is 0 for three classes or more wherever a model has a decision function.
    experiment.remove_metric("auc")
    experiment.add_metric("auc", "AUC", auc, target="pred_proba", greater_is_better=True)
    experiment.add_metric("scored", SCORED, _scored, target="pred_proba", greater_is_better=True)
    experiment.add_metric("log_loss", RANKED_BY[task], loss, target="pred_proba", greater_is_better=False)


def _scored(truth: Any, answers: Any, **_: Any) -> float:
    return 1.0


def _leaderboard(
    table: pd.DataFrame, contestants: Sequence[Candidate], metric: str, budget_spent: bool
) -> Leaderboard:
    ranked: list[Ranked] = []
    unranked: list[Ranked] = []
    names = [name for name in table.columns if name not in ("Model", "TT (Sec)", SCORED)]
    for position, row in table.iterrows():
        candidate = contestants[int(str(position))]
        if row[SCORED] < 1 or not np.isfinite(row[metric]):
            unranked.append(Ranked(candidate, {}, 0.0, "failed on a fold"))
            continue
        metrics = {name: float(row[name]) for name in names}
        ranked.append(Ranked(candidate, metrics, float(row["TT (Sec)"])))
    seen = {entry.candidate.key for entry in (*ranked, *unranked)}
    last = max((i for i, candidate in enumerate(contestants) if candidate.key in seen), default=-1)
    for position, candidate in enumerate(contestants):
        if candidate.key not in seen:
            # They are begun in this order: one that others came after was begun, and failed.
            never_begun = budget_spent and position > last
            why = "not begun: the budget of time was spent" if never_begun else "failed on every fold"
            unranked.append(Ranked(candidate, {}, 0.0, why))
    if not ranked:
        raise TrainingFailed("no algorithm could be cross-validated on this window")
    return Leaderboard(metric, tuple(ranked), tuple(unranked))
