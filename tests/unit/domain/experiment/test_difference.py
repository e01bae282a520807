"""The stratified difference: Welch within an epoch, unmoved by changes of the split."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
import tea_tasting
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from contender.domain.experiment import Difference, Moments
from contender.domain.experiment.difference import Cell, Influence, cells, stratified_difference
from contender.domain.experiment.intervals import UnitSums

Sample = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]


def sample(seed: int, counts: tuple[tuple[int, int], ...], effect: float = 0.4) -> Sample:
    """Values, arms, epochs; ``counts`` gives (A, B) per epoch; each has a level and a spread of its own."""
    rng = np.random.default_rng(seed)
    values, is_b, epochs = [], [], []
    for epoch, (a, b) in enumerate(counts, 1):
        arm = np.repeat([False, True], [a, b])
        values.append(rng.gamma(2, 1 + epoch, a + b) + 10 * epoch + effect * arm)
        is_b.append(arm)
        epochs.append(np.full(a + b, epoch))
    return np.concatenate(values), np.concatenate(is_b), np.concatenate(epochs)


def difference(data: Sample, level: float = 0.95) -> Difference:
    return stratified_difference(cells(*data), level)


def clustered_difference(
    values: NDArray[np.float64], is_b: NDArray[np.bool_], epochs: NDArray[np.int64], units: NDArray[np.uint64]
) -> Difference:
    strata, sums = cells(values, is_b, epochs), UnitSums()
    influence, keep = Influence(strata).of(values, is_b, epochs)
    order = np.argsort(units[keep], kind="stable")
    sums.add("difference", influence[order], units[keep][order])
    return stratified_difference(strata, clusters=sums.of("difference"))


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("counts", [(300, 80), (12, 500), (2, 2)])
def test_given_one_epoch_then_it_is_welch_as_three_peers_compute_it(
    counts: tuple[int, int], level: float
) -> None:
    values, is_b, epochs = sample(5, (counts,))
    found = difference((values, is_b, epochs), level)
    a, b = values[~is_b], values[is_b]

    statsmodels = CompareMeans(DescrStatsW(b), DescrStatsW(a)).tconfint_diff(1 - level, usevar="unequal")
    scipy = stats.ttest_ind(b, a, equal_var=False)
    table = pa.table({"variant": is_b.astype(int), "y": values})
    peer = tea_tasting.Mean("y", confidence_level=level, equal_var=False, use_t=True)
    tasted = tea_tasting.Experiment(y=peer).analyze(table)["y"]

    assert (found.lower, found.upper) == pytest.approx(statsmodels, abs=1e-9)
    assert (found.lower, found.upper) == pytest.approx(
        (tasted.effect_size_ci_lower, tasted.effect_size_ci_upper), abs=1e-9
    )
    assert found.value == pytest.approx(tasted.effect_size, abs=1e-9)
    assert found.p_value == pytest.approx(scipy.pvalue, abs=1e-9)
    assert found.p_value == pytest.approx(tasted.pvalue, abs=1e-9)


def test_given_epochs_then_value_and_error_follow_the_formula() -> None:
    values, is_b, epochs = sample(6, ((90, 10), (50, 50), (60, 25)))
    found = difference((values, is_b, epochs))
    value = variance = 0.0
    for epoch in (1, 2, 3):
        here = epochs == epoch
        a, b = values[here & ~is_b], values[here & is_b]
        weight = (a.size * b.size / here.sum()) / (90 * 10 / 100 + 50 * 50 / 100 + 60 * 25 / 85)
        value += weight * (b.mean() - a.mean())
        variance += weight**2 * (a.var(ddof=1) / a.size + b.var(ddof=1) / b.size)
    assert found.value == pytest.approx(value, rel=1e-12)
    assert found.standard_error == pytest.approx(math.sqrt(variance), rel=1e-12)
    assert (found.epochs, found.outcomes, found.epochs_dropped) == (3, 285, 0)


@settings(max_examples=30)
@given(st.lists(st.floats(-50, 50), min_size=3, max_size=3))
def test_given_a_world_that_moves_between_epochs_then_the_difference_does_not(shifts: list[float]) -> None:
    values, is_b, epochs = sample(7, ((80, 20), (30, 70), (50, 50)))
    moved = values + np.array([0.0, *shifts])[epochs]
    before, after = difference((values, is_b, epochs)), difference((moved, is_b, epochs))
    assert after[:6] == pytest.approx(before[:6], rel=1e-6, abs=1e-6)


def test_given_b_raised_when_times_get_harder_then_pooling_errs_and_strata_do_not() -> None:
    values, is_b, epochs = sample(8, ((2000, 200), (200, 2000)), effect=0.0)
    pooled = difference((values, is_b, np.ones_like(epochs)))
    stratified = difference((values, is_b, epochs))
    assert pooled.lower > 5
    assert stratified.lower < 0 < stratified.upper


@given(st.integers(0, 10_000))
def test_given_swapped_variants_then_the_difference_changes_its_sign(seed: int) -> None:
    values, is_b, epochs = sample(seed, ((9, 6), (5, 12)))
    found, swapped = difference((values, is_b, epochs)), difference((values, ~is_b, epochs))
    assert swapped.value == pytest.approx(-found.value)
    assert (swapped.lower, swapped.upper) == pytest.approx((-found.upper, -found.lower))
    assert swapped.p_value == pytest.approx(found.p_value)


def test_given_epochs_without_a_pair_then_they_are_left_out_and_counted() -> None:
    whole = sample(9, ((40, 30), (25, 0), (6, 1)))
    found = difference(whole)
    alone = difference(tuple(part[whole[2] == 1] for part in whole))  # type: ignore[arg-type]
    assert found[:6] == pytest.approx(alone[:6])
    assert (found.epochs, found.epochs_dropped, found.outcomes_dropped) == (1, 2, 32)


def test_given_no_comparable_epoch_then_nothing_is_claimed() -> None:
    for counts in (((5, 0),), ((1, 1),)):
        found = difference(sample(10, counts))
        assert math.isnan(found.value)
        assert math.isnan(found.lower)
        assert found.epochs_dropped == 1
    empty = stratified_difference([])
    assert math.isnan(empty.value)
    assert empty.outcomes == 0


def test_given_values_without_spread_then_there_is_no_interval() -> None:
    found = stratified_difference([Cell(1, Moments(5, 1.0, 0.0), Moments(5, 2.0, 0.0))])
    assert found.value == 1.0
    assert math.isnan(found.lower)
    assert math.isnan(found.p_value)


def test_given_an_experiment_in_two_halves_then_merged_moments_give_the_same_difference() -> None:
    values, is_b, epochs = sample(11, ((50, 40), (30, 60)))
    half = np.random.default_rng(0).random(values.size) < 0.5
    parts = [cells(values[part], is_b[part], epochs[part]) for part in (half, ~half)]
    merged = [Cell(x.epoch, x.a.merge(y.a), x.b.merge(y.b)) for x, y in zip(*parts, strict=True)]
    assert stratified_difference(merged) == pytest.approx(difference((values, is_b, epochs)))


def test_given_every_unit_once_then_the_clustered_error_is_nearly_the_plain_one() -> None:
    data = sample(12, ((400, 300), (200, 600)))
    units = np.arange(data[0].size, dtype=np.uint64)
    plain, clustered = difference(data), clustered_difference(*data, units)
    assert clustered.value == pytest.approx(plain.value, rel=1e-12)
    assert clustered.standard_error == pytest.approx(plain.standard_error, rel=5e-3)


def test_given_requests_repeated_in_their_units_then_the_clustered_error_stays() -> None:
    values, is_b, epochs = sample(13, ((60, 50), (70, 40)))
    units = np.arange(values.size, dtype=np.uint64)
    once = clustered_difference(values, is_b, epochs, units)
    threefold = clustered_difference(*(np.repeat(part, 3) for part in (values, is_b, epochs, units)))
    assert threefold.value == pytest.approx(once.value)
    assert threefold.standard_error == pytest.approx(once.standard_error)


def test_given_no_effect_when_simulated_then_the_interval_covers_at_its_level() -> None:
    rng = np.random.default_rng(14)
    covered, rounds = 0, 1500
    for _ in range(rounds):
        epochs = np.repeat([1, 2, 3], [150, 250, 200])
        is_b = rng.random(600) < np.array([0.1, 0.5, 0.3])[epochs - 1]
        values = rng.exponential(1.0, 600) * epochs + 0.2 * is_b
        found = difference((values, is_b, epochs))
        covered += found.lower <= 0.2 <= found.upper
    # 95 % ± 4 standard errors of the simulation, and one point for the skew of the values.
    assert 0.917 < covered / rounds < 0.973
