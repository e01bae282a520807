from __future__ import annotations

from dataclasses import replace

import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from contender.domain.dataset import Task
from contender.errors import TrainingFailed
from tests.support.training import sklearn_data
from trainer.candidates import Candidate, candidates
from trainer.holdout import folds
from trainer.search import search


class Broken(ClassifierMixin, BaseEstimator):
    def fit(self, rows: object, labels: object) -> Broken:
        raise ValueError("cannot")


LOGISTIC = Candidate("lr", "Logistic regression", LogisticRegression(max_iter=200))
TREE = Candidate("dt", "Decision tree", DecisionTreeClassifier(random_state=1))
BROKEN = Candidate("broken", "Broken", Broken())


@pytest.mark.parametrize("name", ["breast_cancer", "wine"])
def test_given_classes_when_searched_then_pycaret_ranks_by_log_loss_and_names_what_failed(name: str) -> None:
    data = sklearn_data(name)
    made, _ = folds(data, 2, 1)

    board = search(data, made, [TREE, BROKEN, LOGISTIC, Candidate("nb", "Naive Bayes", GaussianNB())], 60, 1)

    losses = [entry.metrics["Log loss"] for entry in board.ranked]
    assert losses == sorted(losses)
    assert {entry.candidate.key for entry in board.ranked} == {"lr", "dt", "nb"}
    assert all(0.5 < entry.metrics["AUC"] <= 1 for entry in board.ranked)
    assert [entry.candidate.key for entry in board.unranked] == ["broken"]
    table = board.to_frame()
    assert table["rank"].tolist()[:3] == [1, 2, 3]
    assert table["failure"].tolist()[3]


def test_given_numbers_when_searched_then_rmse_ranks() -> None:
    data = sklearn_data("diabetes")
    made, _ = folds(data, 2, 1)
    tree = Candidate("dt", "Decision tree", DecisionTreeRegressor(random_state=1))

    board = search(data, made, [tree, Candidate("ridge", "Ridge", Ridge())], 60, 1)

    assert [entry.candidate.key for entry in board.ranked] == ["ridge", "dt"]
    assert board.metric == "RMSE"


def test_given_no_time_when_searched_then_the_first_still_counts() -> None:
    data = sklearn_data("wine")
    made, _ = folds(data, 2, 1)

    board = search(data, made, [LOGISTIC, TREE, TREE], 0.001, 1)

    assert [entry.candidate.key for entry in board.ranked] == ["lr"]
    assert "budget" in board.unranked[0].failure


def test_given_categories_with_quotes_when_searched_then_boosting_takes_part() -> None:
    data = sklearn_data("breast_cancer")
    words = data.features["size class"].map(
        {"small": 'say "hi"', "middle": "New York, NY", "large": "[a]: {b}"}
    )
    odd = replace(data, features=data.features.assign(**{"size class": words.fillna("")}))
    made, _ = folds(odd, 2, 1)
    (boosting,) = [c for c in candidates(Task.CLASSIFICATION, 1, 1) if c.key == "lightgbm"]

    board = search(odd, made, [LOGISTIC, boosting, BROKEN], 60, 1)

    assert {entry.candidate.key for entry in board.ranked} == {"lr", "lightgbm"}
    assert board.unranked[0].failure == "failed on every fold"


def test_given_only_failures_when_searched_then_it_says_so() -> None:
    data = sklearn_data("wine")
    made, _ = folds(data, 2, 1)

    with pytest.raises(TrainingFailed):
        search(data, made, [BROKEN], 60, 1)
