"""Metrics against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as peer

from contender.domain.experiment import Columns, Comparison
from contender.domain.experiment.comparison import compare_all
from contender.domain.experiment.metrics import LOG_LOSS_EPSILON
from tests.support.observations import PLAIN, table, without_outcome


def classified(
    classes: int, n: int = 300, seed: int = 1
) -> tuple[Columns, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(classes), n)
    y = np.array([rng.choice(classes, p=row) for row in p])
    is_b = rng.random(n) < 0.4
    rows = [
        PLAIN._replace(
            assigned_b=bool(is_b[i]),
            prediction=float(p[i].argmax()),
            probabilities={str(label): float(p[i, label]) for label in range(classes)},
            outcome=float(y[i]),
        )
        for i in range(n)
    ]
    return table(rows), p, y, is_b


def by_name(found: tuple[Comparison, ...]) -> dict[str, Comparison]:
    return {entry.metric.name: entry for entry in found}


def test_given_two_classes_then_all_metrics_are_scikit_learns() -> None:
    columns, p, y, is_b = classified(2)
    found = by_name(compare_all(columns, positive=1))
    assert list(found) == ["log_loss", "brier", "accuracy", "auc"]
    for arm, side in ((~is_b, "a"), (is_b, "b")):
        value = {name: getattr(entry, side).value for name, entry in found.items()}
        assert value["auc"] == pytest.approx(peer.roc_auc_score(y[arm], p[arm, 1]), abs=1e-12)
        assert value["log_loss"] == pytest.approx(peer.log_loss(y[arm], p[arm]), abs=1e-9)
        assert value["brier"] == pytest.approx(peer.brier_score_loss(y[arm], p[arm, 1]), abs=1e-12)
        assert value["accuracy"] == pytest.approx(peer.accuracy_score(y[arm], p[arm].argmax(1)), abs=1e-12)


def test_given_two_classes_then_the_choice_of_the_positive_one_changes_no_metric() -> None:
    columns, *_ = classified(2)
    first, second = compare_all(columns, positive=0), compare_all(columns, positive=1)
    for one, other in zip(first, second, strict=True):
        assert one.b.value == pytest.approx(other.b.value)
        assert one.a.standard_error == pytest.approx(other.a.standard_error)


def test_given_many_classes_then_all_metrics_are_scikit_learns() -> None:
    columns, p, y, is_b = classified(4)
    found = by_name(compare_all(columns, positive=0))
    b = found["auc"].b
    assert b.value == pytest.approx(peer.roc_auc_score(y[is_b], p[is_b], multi_class="ovr"), abs=1e-12)
    assert found["log_loss"].b.value == pytest.approx(peer.log_loss(y[is_b], p[is_b]), abs=1e-9)
    one_hot = np.eye(4)[y[is_b]]
    brier = np.square(p[is_b] - one_hot).sum(axis=1).mean()
    assert found["brier"].b.value == pytest.approx(brier, abs=1e-12)


def test_given_numbers_then_errors_are_scikit_learns() -> None:
    rng = np.random.default_rng(2)
    truth, guess = rng.normal(size=200), rng.normal(size=200)
    rows = [
        PLAIN._replace(assigned_b=i % 2 == 1, probabilities=None, prediction=guess[i], outcome=truth[i])
        for i in range(200)
    ]
    found = by_name(compare_all(table(rows), positive=0))
    a = slice(0, None, 2)
    mse = peer.mean_squared_error(truth[a], guess[a])
    assert found["absolute_error"].a.value == pytest.approx(peer.mean_absolute_error(truth[a], guess[a]))
    assert found["squared_error"].a.value == pytest.approx(mse)
    assert found["rmse"].a.value == pytest.approx(math.sqrt(mse))
    assert found["rmse"].a.lower == pytest.approx(math.sqrt(found["squared_error"].a.lower))
    assert found["rmse"].difference is None


def test_given_a_certain_and_wrong_prediction_then_the_log_loss_stays_finite() -> None:
    rows = [PLAIN._replace(probabilities={"0": 1.0, "1": 0.0}, prediction=0.0, outcome=1.0)] * 3
    found = by_name(compare_all(table(rows), positive=1))
    assert found["log_loss"].a.value == pytest.approx(-math.log(LOG_LOSS_EPSILON))


def test_given_no_outcomes_then_every_estimate_is_unknown() -> None:
    for entry in compare_all(table([without_outcome(PLAIN)] * 5), positive=1):
        assert math.isnan(entry.a.value)
        assert entry.a.outcomes == 0
        assert entry.difference is not None
        assert math.isnan(entry.difference.value)


def test_given_labels_without_probabilities_then_only_accuracy_is_computed() -> None:
    rows = [PLAIN._replace(probabilities=None, prediction=name, outcome="x") for name in ("x", "y")]
    found = compare_all(table(rows), positive=0)
    assert [entry.metric.name for entry in found] == ["accuracy"]
    assert found[0].a.value == 0.5
