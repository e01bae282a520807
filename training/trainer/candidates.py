"""The algorithms that compete, and how columns are prepared for all of them.

Every one gives probabilities (or numbers) and converts to ONNX with the same answers; those that do not
(k nearest neighbours and Gaussian processes do not load; linear and quadratic discriminants give other
probabilities; histogram gradient boosting does not convert) are not worth the search's time. Each is given
outright instead of by PyCaret's id, so that linear models and networks get scaled inputs while trees see the
raw float32 values: scaling in float32 would move values across a tree's thresholds differently in ONNX than
in scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import BayesianRidge, ElasticNet, HuberRegressor, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from contender.domain.dataset import Kind, Task

MIN_CATEGORY_ROWS = 10
"""A category with fewer rows gets no column of its own: too few to learn from."""

MAX_CATEGORIES = 100
"""Most columns that one feature is spread over: an id of thousands of values must not fill the memory."""

LEAF_SHARE = 0.001
"""Smallest leaf of a forest, as a share of the rows. It bounds a tree to 1,000 leaves and so a forest's file
to some 10 MB whatever the number of rows: unlimited forests of 55,000 rows come to 100 MB and more."""


@dataclass(frozen=True)
class Candidate:
    """An algorithm that competes.

    Attributes:
        key: Short name, as in PyCaret's list of models where it has one.
        name: Name for people.
        estimator: Unfitted scikit-learn estimator.
    """

    key: str
    name: str
    estimator: Any

    def pipeline(self, features: pd.DataFrame, kinds: Sequence[Kind]) -> Pipeline:
        """Gives an unfitted pipeline from raw columns to predictions; see :func:`preparation`."""
        return Pipeline([("prepare", preparation(features, kinds)), ("model", clone(self.estimator))])


def preparation(features: pd.DataFrame, kinds: Sequence[Kind]) -> ColumnTransformer:
    """Prepares raw columns: median for missing numbers, one column per category.

    A missing text is the category ``""``. Rare categories and those never seen are none of the known: zeros
    throughout. Categories are listed here because scikit-learn's own grouping of rare ones converts to a
    graph that fails on a category never seen (skl2onnx 1.20).

    Args:
        features: Rows whose categories are counted; nothing else is learned from them here.
        kinds: Kind of each column, by position: names may hold anything.

    Returns:
        An unfitted transformer to a dense float32 matrix.
    """
    numeric = [position for position, kind in enumerate(kinds) if kind is Kind.NUMERIC]
    categorical = [position for position, kind in enumerate(kinds) if kind is Kind.CATEGORICAL]
    steps: list[tuple[str, Any, list[int]]] = []
    if numeric:
        steps.append(("numeric", SimpleImputer(strategy="median", keep_empty_features=True), numeric))
    if categorical:
        encoder = OneHotEncoder(
            categories=[_known_categories(features.iloc[:, position]) for position in categorical],
            handle_unknown="ignore",
            sparse_output=False,
            dtype=np.float32,
            feature_name_combiner=_column_name,
        )
        steps.append(("categorical", encoder, categorical))
    return ColumnTransformer(steps)


def with_threads(estimator: Any, threads: int) -> Any:
    """Gives an unfitted copy of an estimator, in which what would use several threads uses so many."""
    copied = clone(estimator)
    named = [name for name, value in copied.get_params().items() if value and name.endswith("n_jobs")]
    return copied.set_params(**dict.fromkeys(named, threads))


def _column_name(feature: str, category: str) -> str:
    """Names a category's column without its text: LightGBM refuses names with quotes, commas or brackets."""
    return f"{feature}_{category.encode().hex()}"


def _known_categories(column: pd.Series) -> list[str]:
    """The frequent ones in alphabetical order; always at least the most frequent."""
    counts = column.value_counts()
    frequent = counts[counts >= MIN_CATEGORY_ROWS].index[:MAX_CATEGORIES]
    return sorted(frequent if len(frequent) else counts.index[:1])


def candidates(task: Task, seed: int, jobs: int) -> list[Candidate]:
    """Lists the algorithms for a task, those that usually win first, in case time runs out.

    Args:
        task: Classification (two classes or more) or regression.
        seed: Seed of every algorithm that draws.
        jobs: Threads for those that can use several.

    Returns:
        At least ten.
    """
    if task is Task.REGRESSION:
        return _regressors(seed, jobs)
    return _classifiers(seed, jobs)


def _classifiers(seed: int, jobs: int) -> list[Candidate]:
    drawn = {"random_state": seed}
    return [
        Candidate("lightgbm", "LightGBM", LGBMClassifier(**_boosting(seed, jobs))),
        Candidate(
            "lr", "Logistic regression", make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        ),
        Candidate(
            "rf", "Random forest", RandomForestClassifier(min_samples_leaf=LEAF_SHARE, n_jobs=jobs, **drawn)
        ),
        Candidate(
            "et", "Extra trees", ExtraTreesClassifier(min_samples_leaf=LEAF_SHARE, n_jobs=jobs, **drawn)
        ),
        Candidate("gbc", "Gradient boosting", GradientBoostingClassifier(**_stochastic(seed))),
        Candidate("svm", "Linear SVM, calibrated", make_pipeline(StandardScaler(), _calibrated_svm(seed))),
        Candidate(
            "bag",
            "Bagged trees",
            BaggingClassifier(
                DecisionTreeClassifier(min_samples_leaf=5 * LEAF_SHARE), n_estimators=20, **drawn
            ),
        ),
        Candidate("ada", "AdaBoost", AdaBoostClassifier(algorithm="SAMME", **drawn)),
        Candidate("mlp", "Neural network", make_pipeline(StandardScaler(), MLPClassifier(**_network(seed)))),
        Candidate("dt", "Decision tree", DecisionTreeClassifier(min_samples_leaf=5 * LEAF_SHARE, **drawn)),
        Candidate("nb", "Naive Bayes", make_pipeline(StandardScaler(), GaussianNB())),
    ]


def _regressors(seed: int, jobs: int) -> list[Candidate]:
    drawn = {"random_state": seed}
    return [
        Candidate("lightgbm", "LightGBM", LGBMRegressor(**_boosting(seed, jobs))),
        Candidate("ridge", "Ridge regression", make_pipeline(StandardScaler(), Ridge())),
        Candidate(
            "rf", "Random forest", RandomForestRegressor(min_samples_leaf=LEAF_SHARE, n_jobs=jobs, **drawn)
        ),
        Candidate(
            "et", "Extra trees", ExtraTreesRegressor(min_samples_leaf=LEAF_SHARE, n_jobs=jobs, **drawn)
        ),
        Candidate("gbr", "Gradient boosting", GradientBoostingRegressor(**_stochastic(seed))),
        Candidate("br", "Bayesian ridge", make_pipeline(StandardScaler(), BayesianRidge())),
        Candidate("en", "Elastic net", make_pipeline(StandardScaler(), ElasticNet(alpha=0.1, **drawn))),
        Candidate("ada", "AdaBoost", AdaBoostRegressor(**drawn)),
        Candidate(
            "huber", "Huber regression", make_pipeline(StandardScaler(), HuberRegressor(max_iter=1000))
        ),
        Candidate("mlp", "Neural network", make_pipeline(StandardScaler(), MLPRegressor(**_network(seed)))),
        Candidate("dt", "Decision tree", DecisionTreeRegressor(min_samples_leaf=5 * LEAF_SHARE, **drawn)),
    ]


def _boosting(seed: int, jobs: int) -> dict[str, Any]:
    # Smaller trees and steps than LightGBM's defaults: less overfitted to one window, and the next differs.
    return {"learning_rate": 0.05, "num_leaves": 15, "n_jobs": jobs, "verbose": -1, "random_state": seed}


def _stochastic(seed: int) -> dict[str, Any]:
    # Half of the rows and few columns per split (Friedman 2002): as good, and twenty times as fast.
    return {"subsample": 0.5, "max_features": "sqrt", "random_state": seed}


def _calibrated_svm(seed: int) -> CalibratedClassifierCV:
    # A hinge loss gives no probabilities; Platt's logistic curve on three folds does (Platt 1999).
    return CalibratedClassifierCV(LinearSVC(dual=False, random_state=seed), method="sigmoid", cv=3)


def _network(seed: int) -> dict[str, Any]:
    return {"hidden_layer_sizes": (32,), "early_stopping": True, "random_state": seed}
