"""AUC and DeLong's variance: against scikit-learn, the definition, and a bootstrap."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from contender.domain.experiment import Difference, Estimate
from contender.domain.experiment.auc import AucComparison, Curve
from contender.domain.experiment.intervals import UnitSums
from contender.domain.experiment.tally import Tally


def binary(seed: int, n: int, skill: float = 1.0) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.3
    # Rounded, so that there are ties.
    return np.round(rng.normal(size=n) + skill * positive, 1), positive


def many(seed: int, n: int, classes: int = 4) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    rng = np.random.default_rng(seed)
    outcome = rng.integers(0, classes, n)
    raw = rng.gamma(1, 1, (n, classes)) + 1.0 * (np.arange(classes) == outcome[:, None])
    return raw / raw.sum(axis=1, keepdims=True), outcome


def curve(scores: NDArray[np.float64], positive: NDArray[np.bool_], limit: int = 2**18) -> Curve:
    tally = Tally(limit)
    for hit in (True, False):
        tally.add(hit, scores[positive == hit])
    return Curve(tally.counts(True), tally.counts(False), rounded=tally.relative_error > 0)


def compared(
    p: NDArray[np.float64],
    outcome: NDArray[np.intp],
    positive: int,
    is_b: NDArray[np.bool_],
    epochs: NDArray[np.int64],
    units: NDArray[np.uint64] | None = None,
    limit: int | None = None,
    parts: int = 1,
) -> tuple[Estimate, Estimate, Difference, float]:
    """Both AUCs, their difference and the bound, from outcomes in parts; units in rising order."""
    auc, sums = AucComparison(p.shape[1], positive, limit), UnitSums()
    pieces = np.array_split(np.arange(outcome.size), parts)
    for i in pieces:
        auc.count(p[i], outcome[i], is_b[i], epochs[i])
    for i in pieces:
        for name, influence, keep in auc.influences(p[i], outcome[i], is_b[i], epochs[i]):
            sums.add(name, influence, None if units is None else units[i][keep])
    a, b = (auc.estimate(arm, sums.of(name)) for arm, name in ((False, "a"), (True, "b")))
    return a, b, auc.difference(sums.of("difference")), auc.bound


def estimate(
    p: NDArray[np.float64], outcome: NDArray[np.intp], units: NDArray[np.uint64] | None = None
) -> Estimate:
    nobody = np.zeros(outcome.size, bool)
    return compared(p, outcome, 1, nobody, np.ones(outcome.size, np.int64), units)[0]


def of_scores(scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> Estimate:
    return estimate(np.column_stack([-scores, scores]), positive.astype(np.intp))


def auc_difference(
    p: NDArray[np.float64],
    outcome: NDArray[np.intp],
    positive: int,
    is_b: NDArray[np.bool_],
    epochs: NDArray[np.int64],
) -> Difference:
    return compared(p, outcome, positive, is_b, epochs)[2]


@given(st.integers(0, 10**6), st.integers(10, 400))
def test_given_scores_with_ties_then_the_auc_is_scikit_learns(seed: int, n: int) -> None:
    scores, positive = binary(seed, n)
    if positive.all() or not positive.any():
        return
    assert curve(scores, positive).value == pytest.approx(roc_auc_score(positive, scores), abs=1e-12)


def test_given_scores_then_the_variance_is_delongs_by_definition() -> None:
    scores, positive = binary(1, 150)
    wins = np.sign(scores[positive][:, None] - scores[~positive][None, :]) / 2 + 0.5
    m, n = wins.shape
    by_definition = wins.mean(axis=1).var(ddof=1) / m + wins.mean(axis=0).var(ddof=1) / n
    found = of_scores(scores, positive)
    assert found.standard_error**2 == pytest.approx(by_definition, rel=1e-12)
    half = 1.959963984540054 * math.sqrt(by_definition)
    assert (found.lower, found.upper) == pytest.approx((found.value - half, found.value + half))


@pytest.mark.parametrize("classes", [2, 4])
def test_given_a_bootstrap_then_it_has_about_the_same_spread(classes: int) -> None:
    p, outcome = many(2, 400, classes)
    rng = np.random.default_rng(3)
    drawn = []
    for _ in range(600):
        pick = rng.integers(0, 400, 400)
        drawn.append(estimate(p[pick], outcome[pick]).value)
    # 600 draws know a standard deviation to 3 %; four of those, and some for the small sample.
    assert estimate(p, outcome).standard_error == pytest.approx(np.std(drawn), rel=0.15)


@given(st.integers(0, 10**6), st.integers(3, 6))
def test_given_many_classes_then_it_is_scikit_learns_macro_one_vs_rest(seed: int, classes: int) -> None:
    p, outcome = many(seed, 120, classes)
    if np.unique(outcome).size < classes:
        return
    peer = roc_auc_score(outcome, p, multi_class="ovr", average="macro")
    assert estimate(p, outcome).value == pytest.approx(peer, abs=1e-12)


def test_given_two_classes_then_macro_and_binary_agree_in_value_and_error() -> None:
    p, outcome = many(4, 200, 2)
    both = [curve(p[:, label], outcome == label) for label in (0, 1)]
    assert both[0].value == pytest.approx(both[1].value)
    influence = [found.influence(p[:, label], outcome == label) for label, found in enumerate(both)]
    macro = (influence[0] + influence[1]) / 2
    assert np.square(macro).sum() == pytest.approx(np.square(influence[1]).sum())
    assert estimate(p, outcome).value == pytest.approx(both[1].value)


def test_given_a_class_that_never_happens_then_it_is_left_out() -> None:
    p, outcome = many(5, 100, 3)
    keep = outcome != 2
    expected = np.mean([roc_auc_score(outcome[keep] == label, p[keep][:, label]) for label in (0, 1)])
    assert estimate(p[keep], outcome[keep]).value == pytest.approx(expected)


def test_given_one_class_only_then_there_is_no_auc() -> None:
    scores = np.array([0.1, 0.5, 0.7])
    for positive in (np.ones(3, bool), np.zeros(3, bool)):
        assert math.isnan(of_scores(scores, positive).value)


def test_given_perfect_separation_then_no_certainty_is_claimed() -> None:
    found = of_scores(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True]))
    assert found.value == 1.0
    assert math.isnan(found.lower)


def test_given_one_epoch_then_the_difference_is_that_of_two_independent_aucs() -> None:
    p, outcome = many(6, 500, 2)
    is_b = np.arange(500) % 3 == 0
    a, b = (estimate(p[arm], outcome[arm]) for arm in (~is_b, is_b))
    found = auc_difference(p, outcome, 1, is_b, np.ones(500, np.int64))
    assert found.value == pytest.approx(b.value - a.value)
    assert found.standard_error == pytest.approx(math.hypot(a.standard_error, b.standard_error))
    assert (found.epochs, found.outcomes) == (1, 500)


def test_given_an_epoch_with_too_few_of_a_class_then_it_is_left_out_and_counted() -> None:
    p, outcome = many(7, 420, 2)
    is_b = np.arange(420) % 2 == 0
    epochs = np.where(np.arange(420) < 400, 1, 2)
    outcome[400:] = 0
    found = auc_difference(p, outcome, 1, is_b, epochs)
    alone = auc_difference(p[:400], outcome[:400], 1, is_b[:400], epochs[:400])
    assert (found.value, found.standard_error) == pytest.approx((alone.value, alone.standard_error))
    assert (found.epochs_dropped, found.outcomes_dropped) == (1, 20)


def test_given_no_b_at_all_then_there_is_no_difference() -> None:
    p, outcome = many(8, 50, 2)
    found = auc_difference(p, outcome, 1, np.zeros(50, bool), np.ones(50, np.int64))
    assert math.isnan(found.value)
    assert found.outcomes_dropped == 50


def test_given_requests_repeated_in_their_units_then_no_precision_is_gained() -> None:
    p, outcome = many(9, 200, 2)
    units = np.arange(200, dtype=np.uint64)
    once = estimate(p, outcome, units)
    p2, outcome2, units2 = np.repeat(p, 2, axis=0), np.repeat(outcome, 2), np.repeat(units, 2)
    twice = estimate(p2, outcome2, units2)
    assert twice.value == pytest.approx(once.value)
    assert twice.standard_error == pytest.approx(once.standard_error, rel=0.02)


def test_given_equal_models_when_simulated_then_the_interval_covers_at_its_level() -> None:
    rng = np.random.default_rng(10)
    covered, rounds = 0, 400
    for _ in range(rounds):
        epochs = np.repeat([1, 2], [300, 300])
        is_b = rng.random(600) < np.where(epochs == 1, 0.2, 0.5)
        outcome = (rng.random(600) < np.where(epochs == 1, 0.2, 0.4)).astype(np.intp)
        score = 1 / (1 + np.exp(-(rng.normal(size=600) + outcome)))
        found = auc_difference(np.column_stack([1 - score, score]), outcome, 1, is_b, epochs)
        covered += found.lower <= 0 <= found.upper
    # 95 % ± 4 standard errors of the simulation, and half a point for the normal approximation.
    assert 0.90 < covered / rounds < 0.995


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([2, 3]), st.integers(2, 9))
def test_given_outcomes_in_parts_then_nothing_changes(seed: int, classes: int, parts: int) -> None:
    p, outcome = many(seed, 200, classes)
    rng = np.random.default_rng(seed)
    is_b, epochs = rng.random(200) < 0.5, rng.integers(1, 3, 200)
    units = np.sort(rng.integers(0, 90, 200)).astype(np.uint64)
    for limit in (None, 50):
        whole = compared(p, outcome, 1, is_b, epochs, units, limit)
        split = compared(p, outcome, 1, is_b, epochs, units, limit, parts)
        for one, other in zip(split, whole, strict=True):
            assert one == pytest.approx(other, nan_ok=True)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(30, 300))
def test_given_more_scores_than_are_kept_then_the_auc_is_within_the_bound(seed: int, limit: int) -> None:
    p, outcome = many(seed, 400, 2)
    is_b, epochs = np.arange(400) % 2 == 0, np.arange(400) // 200
    exact, rounded = (compared(p, outcome, 1, is_b, epochs, limit=most) for most in (None, limit))
    assert exact[3] == 0 < rounded[3] < 0.5
    for one, other in zip(exact[:3], rounded[:3], strict=True):
        assert abs(one.value - other.value) <= rounded[3] + 1e-12
