"""Confidence sequences: the formula, its sums, and that changing splits and chunks change nothing."""

from __future__ import annotations

import json
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from contender.domain.experiment.difference import cells, stratified_difference
from contender.domain.experiment.sequence import (
    GROUPS,
    RunningEstimate,
    multiplier,
    served_increments,
)


def estimate(
    scores: np.ndarray, is_b: np.ndarray, p: np.ndarray, cuts: list[int] | None = None
) -> RunningEstimate:
    """The A/B comparison, taken in in parts."""
    found, forecast = RunningEstimate(), None
    edges = [0, *(cuts or []), scores.size]
    for start, end in pairwise(edges):
        part = slice(start, end)
        x, w, forecast = served_increments(scores[part], is_b[part], p[part], forecast)
        found = found.add(x, w, np.arange(start, end, dtype=np.uint64), np.ones(end - start, dtype=bool))
    return found


def sample(seed: int, n: int = 3000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = np.repeat([0.1, 0.5, 0.3], n // 3)
    is_b = rng.random(p.size) < p
    return rng.gamma(2.0, 1.0, p.size) + np.linspace(0, 3, p.size) + 0.3 * is_b, is_b, p


@pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
def test_given_the_planned_information_then_the_multiplier_is_least_there(level: float) -> None:
    found = optimize.minimize_scalar(
        lambda log: float(multiplier(math.exp(log), level)), bounds=(-5, 5), method="bounded"
    )
    assert found.x == pytest.approx(0.0, abs=1e-3)
    assert float(multiplier(1.0, level)) > stats.norm.isf((1 - level) / 2)


def test_given_95_percent_then_the_multiplier_is_3_04_and_at_most_a_fifth_more_over_a_wide_range() -> None:
    least = float(multiplier(1.0, 0.95))
    assert least == pytest.approx(3.035, abs=1e-3)
    wide = multiplier(np.geomspace(0.13, 30, 50), 0.95)
    assert wide.max() < 1.2 * least


def test_given_the_mixture_then_the_multiplier_is_where_it_reaches_one_over_alpha() -> None:
    # Robbins: ∫ exp(λS - λ²V/2) dN(λ; 0, ρ²) = exp(ρ²S² / (2(1 + ρ²V))) / √(1 + ρ²V), and q = ρ²V.
    alpha = 0.05
    tuning = float(multiplier(1.0, 1 - alpha)) ** 2 - 1
    for progress in (0.01, 0.5, 7.0):
        q = tuning * progress
        s = float(multiplier(progress, 1 - alpha))  # in units of √V
        assert math.exp(q * s * s / (2 * (1 + q))) / math.sqrt(1 + q) == pytest.approx(1 / alpha)


def test_given_sums_then_estimate_and_error_are_those_of_the_increments() -> None:
    scores, is_b, p = sample(1)
    x, w, _ = served_increments(scores, is_b, p)
    found = estimate(scores, is_b, p)
    value = x.sum() / w.sum()
    assert found.value == pytest.approx(value, rel=1e-12)
    assert found.standard_error == pytest.approx(math.sqrt(((x - value * w) ** 2).sum()) / w.sum(), rel=1e-9)


def test_given_scores_then_each_is_forecast_from_earlier_ones_alone() -> None:
    scores, is_b, p = sample(2)
    x, _, _ = served_increments(scores, is_b, p)
    changed = scores.copy()
    changed[2000:] += 100
    again = served_increments(changed, is_b, p)[0]
    assert again[:2000] == pytest.approx(x[:2000], rel=1e-12)
    weights = 0.999 ** np.arange(500)[::-1]
    forecast = (weights * scores[:500]).sum() / weights.sum()
    assert x[500] == pytest.approx((is_b[500] - p[500]) * (scores[500] - forecast), rel=1e-9)


@given(st.lists(st.integers(0, 3000), max_size=4).map(sorted))
@settings(max_examples=20, deadline=None)
def test_given_any_parts_then_the_result_is_that_of_the_whole(cuts: list[int]) -> None:
    data = sample(3)
    whole, parts = estimate(*data), estimate(*data, cuts=cuts)
    assert (parts.count, parts.value) == (whole.count, pytest.approx(whole.value, rel=1e-9))
    assert parts.standard_error == pytest.approx(whole.standard_error, rel=1e-9)


def test_given_moved_splits_and_world_then_it_agrees_with_the_comparison_within_epochs() -> None:
    scores, is_b, p = sample(4, 30_000)
    found = estimate(scores, is_b, p).interval(2500, 0.95)
    epochs = np.repeat([1, 2, 3], 10_000)
    # The world moves within epochs too, which the forecast follows and the means of an epoch do not.
    strata = stratified_difference(cells(scores, is_b, epochs))
    assert found.value == pytest.approx(strata.value, abs=0.5 * strata.standard_error)
    assert found.standard_error == pytest.approx(strata.standard_error, rel=0.2)
    assert found.lower < found.fixed_lower < 0.3 < found.fixed_upper < found.upper


@given(st.floats(-100, 100))
@settings(deadline=None)
def test_given_scores_moved_by_a_constant_then_the_difference_stays(shift: float) -> None:
    scores, is_b, p = sample(5, 300)
    before, after = estimate(scores, is_b, p), estimate(scores + shift, is_b, p)
    assert after.value == pytest.approx(before.value, abs=1e-6)


def test_given_splits_of_0_and_1_then_those_outcomes_weigh_nothing() -> None:
    scores = sample(6, 300)[0]
    x, w, _ = served_increments(scores, np.repeat([True, False], 150), np.repeat([1.0, 0.0], 150))
    assert np.all(x == 0)
    assert np.all(w == 0)
    empty = RunningEstimate().interval(2500, 0.95)
    assert math.isnan(empty.value)
    assert math.isnan(empty.lower)


def test_given_equal_scores_then_there_is_no_interval() -> None:
    _, is_b, p = sample(7, 300)
    found = estimate(np.full(300, 2.5), is_b, p)
    assert math.isnan(found.standard_error)


def test_given_requests_repeated_within_units_then_the_error_is_that_of_the_units() -> None:
    rng = np.random.default_rng(8)
    units, times = 20_000, 4
    is_b = np.repeat(rng.random(units) < 0.5, times)
    p = np.full(is_b.size, 0.5)
    scores = np.repeat(rng.normal(size=units), times)
    unit = np.repeat(rng.integers(0, 2**63, units, dtype=np.uint64), times)
    x, w, _ = served_increments(scores, is_b, p)
    together = RunningEstimate().add(x, w, unit, np.zeros(x.size, dtype=bool))
    apart = RunningEstimate().add(x, w, unit, np.ones(x.size, dtype=bool))
    assert together.value == apart.value
    # 1024 random groups know a variance to 4 %, so an error to 2 %; four times that is allowed here.
    assert together.standard_error == pytest.approx(2 * apart.standard_error, rel=0.1)
    assert together.groups is not None
    assert together.groups.shape == (2, GROUPS)


def test_given_a_document_then_it_comes_back_as_it_was() -> None:
    scores, is_b, p = sample(9, 300)
    x, w, _ = served_increments(scores, is_b, p)
    found = RunningEstimate().add(x, w, np.arange(300, dtype=np.uint64), np.arange(300) % 2 == 0)
    back = RunningEstimate.from_dict(json.loads(json.dumps(found.to_dict())))
    assert back.to_dict() == found.to_dict()
    assert back.standard_error == found.standard_error
