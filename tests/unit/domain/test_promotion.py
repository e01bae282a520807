from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap
from sklearn.metrics import log_loss

from contender.domain.dataset import Task
from contender.domain.promotion import (
    PROBABILITY_FLOOR,
    GateSettings,
    GateVerdict,
    gate_metric,
    judge,
    log_loss_rows,
    squared_error_rows,
    without_champion,
)

RNG = np.random.default_rng(3)
BASE = RNG.exponential(size=500)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_given_a_clearly_worse_challenger_when_judged_then_it_is_rejected_with_figures() -> None:
    result = judge("log_loss", BASE + 0.1 + RNG.normal(0, 0.2, 500), BASE, rng())

    assert result.verdict is GateVerdict.REJECTED
    assert not result.may_serve
    assert result.low is not None
    assert result.low > 0
    assert result.difference == pytest.approx(result.challenger - (result.champion or 0))
    assert "clearly worse" in result.reason
    assert "500 rows" in result.reason


@pytest.mark.parametrize(("shift", "told"), [(-0.1, "clearly better"), (0.0, "not clearly worse")])
def test_given_a_challenger_that_is_not_clearly_worse_when_judged_then_it_may_challenge(
    shift: float, told: str
) -> None:
    noise = np.tile([0.2, -0.2], 250)

    result = judge("log_loss", BASE + shift + noise, BASE, rng())

    assert result.verdict is GateVerdict.PASSED
    assert told in result.reason


def test_given_too_few_rows_when_judged_then_nobody_is_turned_away() -> None:
    result = judge("log_loss", BASE[:29] + 1, BASE[:29], rng())

    assert result.may_serve
    assert "too few" in result.reason


@pytest.mark.parametrize("rows", [0, 1])
def test_given_hardly_any_row_when_judged_then_it_may_challenge(rows: int) -> None:
    result = judge("squared_error", BASE[:rows], BASE[:rows], rng())

    assert result.may_serve
    assert result.rows == rows
    assert result.to_dict()["challenger"] is None or rows


def test_given_the_same_model_when_judged_then_it_may_challenge() -> None:
    result = judge("log_loss", BASE, BASE, rng())

    assert result.verdict is GateVerdict.PASSED
    assert (result.difference, result.low, result.high) == (0.0, 0.0, 0.0)


def test_given_losses_of_different_rows_when_judged_then_it_is_an_error() -> None:
    with pytest.raises(ValueError, match="paired"):
        judge("log_loss", BASE, BASE[1:], rng())


def test_given_differences_when_judged_then_the_interval_is_scipys_percentile_bootstrap() -> None:
    challenger = BASE + RNG.normal(0.02, 0.5, 500)
    settings = GateSettings(confidence=0.9, resamples=20_000)

    result = judge("log_loss", challenger, BASE, rng(), settings)

    peer = bootstrap(
        (challenger - BASE,),
        np.mean,
        n_resamples=20_000,
        confidence_level=0.9,
        method="percentile",
        random_state=rng(),
    ).confidence_interval
    assert result.low == pytest.approx(peer.low, abs=1e-3)
    assert result.high == pytest.approx(peer.high, abs=1e-3)


def test_given_equally_good_models_when_judged_often_then_few_are_turned_away() -> None:
    draws = np.random.default_rng(5)
    settings = GateSettings(resamples=300)
    rejected = sum(
        not judge("log_loss", draws.normal(size=200), draws.normal(size=200), draws, settings).may_serve
        for _ in range(400)
    )

    assert rejected <= 20  # 2.5 % of 400 are 10, with a standard deviation of 3


def test_given_no_champion_when_there_is_nothing_to_compare_then_the_model_is_first() -> None:
    result = without_champion("log_loss", BASE, "there is no champion", GateVerdict.FIRST)

    assert result.may_serve
    assert result.champion is None
    assert result.challenger == pytest.approx(BASE.mean())


@given(st.integers(2, 5), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_given_probabilities_when_scored_then_the_mean_is_scikit_learns_log_loss(
    classes: int, rows: int, seed: int
) -> None:
    draws = np.random.default_rng(seed)
    probabilities = draws.dirichlet(np.ones(classes), rows)
    truth = draws.integers(0, classes, rows)

    losses = log_loss_rows(truth.tolist(), range(classes), probabilities, floor=1e-15)

    assert losses.mean() == pytest.approx(log_loss(truth, probabilities, labels=range(classes)))
    assert (losses >= 0).all()


def test_given_a_class_that_the_model_never_saw_when_scored_then_it_costs_the_floor() -> None:
    probabilities = np.array([[1.0, 0.0], [0.25, 0.75], [0.5, 0.5]])

    losses = log_loss_rows(["a", "a", "new"], ["a", "b"], probabilities)

    assert losses.tolist() == pytest.approx([0.0, math.log(4), -math.log(PROBABILITY_FLOOR)])
    assert log_loss_rows([1], ["1"], np.array([[1.0]])).tolist() == [0.0]


def test_given_probabilities_of_another_shape_when_scored_then_it_is_an_error() -> None:
    with pytest.raises(ValueError, match="shape"):
        log_loss_rows(["a"], ["a", "b"], np.array([[1.0]]))


def test_given_numbers_when_scored_then_errors_are_squared_in_double_precision() -> None:
    losses = squared_error_rows(np.array([1.0, 2.0]), np.array([1.5, 0.0], dtype=np.float32))

    assert losses.dtype == np.float64
    assert losses.tolist() == [0.25, 4.0]


def test_given_a_task_when_asked_then_the_metric_is_a_proper_score() -> None:
    assert [gate_metric(task) for task in (Task.CLASSIFICATION, Task.REGRESSION)] == [
        "log_loss",
        "squared_error",
    ]
