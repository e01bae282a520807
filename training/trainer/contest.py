"""What every candidate of a search is given, and PyCaret that cross-validates one of them on it."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import check_cv

from contender.domain.dataset import Task
from trainer.candidates import preparation
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
class Contest:
    """What every candidate is given. It can be sent to another process.

    Attributes:
        task: Classification or regression.
        frame: Columns ``f0``, ``f1``, … and ``target``; classes are numbers from 0.
        preparation: Unfitted, see :func:`trainer.candidates.preparation`.
        folds: Positions to train and to test on.
        seed: PyCaret's seed.
    """

    task: Task
    frame: pd.DataFrame
    preparation: ColumnTransformer
    folds: Folds
    seed: int

    @classmethod
    def of(cls, data: TrainingData, folds: Folds, seed: int) -> Contest:
        """Makes the contest on these rows."""
        task = data.dataset.task
        kinds = list(data.dataset.features.values())
        frame = data.features.copy()
        frame.columns = [f"f{position}" for position in range(len(kinds))]  # names may hold anything
        if task is Task.CLASSIFICATION:
            _, frame[TARGET] = np.unique(data.target, return_inverse=True)
        else:
            frame[TARGET] = data.target
        return cls(task, frame, preparation(data.features, kinds), folds, seed)


@dataclass(frozen=True)
class Trial:
    """What cross-validation found about one candidate.

    Attributes:
        metrics: Metric → mean over folds; empty when it failed.
        seconds: Mean time of a fold; 0 when it failed.
        failure: Why it has no figures; empty when it has.
    """

    metrics: dict[str, float]
    seconds: float
    failure: str = ""


class Arena:
    """PyCaret, set up for a contest.

    Args:
        contest: What every candidate is given.
    """

    def __init__(self, contest: Contest) -> None:
        self._metric = RANKED_BY[contest.task]
        self._experiment = _experiment(contest.task)
        with _quiet():
            self._experiment.setup(
                data=contest.frame,
                target=TARGET,
                test_data=contest.frame.head(50),  # PyCaret wants one; with it, all of ``data`` is trained on
                index=False,
                preprocess=False,
                custom_pipeline=[("prepare", contest.preparation)],
                fold_strategy=check_cv(contest.folds),
                data_split_shuffle=False,
                session_id=contest.seed,
                # Candidates use the cores themselves: worker processes would each import everything again.
                n_jobs=1,
                memory=False,  # a cache on disk, for which every fit's rows would be hashed
                html=False,
                verbose=False,
                system_log=False,
                log_experiment=False,
                **({"data_split_stratify": False} if contest.task is Task.CLASSIFICATION else {}),
            )
            _add_metrics(self._experiment, contest.task, int(contest.frame[TARGET].nunique()))

    def cross_validate(self, estimator: Any) -> Trial:
        """Cross-validates an estimator, which stays unfitted."""
        with _quiet(), _nothing_old_collected():
            self._experiment.compare_models(
                include=[estimator],
                sort=self._metric,
                round=DECIMALS,
                n_select=0,  # the figures are wanted, not the winner fitted on all of these rows
                errors="ignore",
                verbose=False,
            )
            table = self._experiment.pull()
        if table.empty:
            return Trial({}, 0.0, "failed on every fold")
        row = table.iloc[0]
        if row[SCORED] < 1 or not np.isfinite(row[self._metric]):
            return Trial({}, 0.0, "failed on a fold")
        names = [name for name in table.columns if name not in ("Model", "TT (Sec)", SCORED)]
        return Trial({name: float(row[name]) for name in names}, float(row["TT (Sec)"]))


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of PyCaret's libraries about each other: a thousand lines, no news
        yield


@contextmanager
def _nothing_old_collected() -> Iterator[None]:
    """Exempts what is there already from garbage collection.

    PyCaret collects after each candidate, and each time visits the million objects of the imported modules:
    a fifth of a second that frees nothing.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


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
