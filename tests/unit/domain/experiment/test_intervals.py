"""Intervals of one sample, against SciPy and statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from contender.domain.experiment import Moments
from contender.domain.experiment.intervals import (
    Clusters,
    UnitSums,
    mean_estimate,
    proportion_estimate,
    two_sided_p,
    wilson,
)


def clusters(values: NDArray[np.float64], units: NDArray[np.uint64], parts: int = 1) -> Clusters:
    """Of a mean."""
    sums = UnitSums()
    influence = (values - values.mean()) / values.size
    for here in np.array_split(np.argsort(units, kind="stable"), parts):
        sums.add("mean", influence[here], units[here])
    return sums.of("mean")


@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_given_a_sample_when_its_mean_is_estimated_then_the_interval_is_scipys(level: float) -> None:
    values = np.random.default_rng(2).gamma(2, 3, 57)
    found = mean_estimate(Moments.of(values), level=level)
    low, high = stats.t.interval(level, 56, loc=values.mean(), scale=stats.sem(values))
    assert found.value == pytest.approx(values.mean(), abs=1e-12)
    assert (found.lower, found.upper) == pytest.approx((low, high), abs=1e-9)


@given(st.integers(1, 3000), st.floats(0, 1), st.floats(0.5, 0.999))
def test_given_a_proportion_then_the_interval_is_statsmodels_wilson(
    n: int, share: float, level: float
) -> None:
    hits = round(n * share)
    low, high = proportion_confint(hits, n, alpha=1 - level, method="wilson")
    assert wilson(hits, n, level) == pytest.approx((low, high), abs=1e-9)


@given(st.integers(1, 10_000), st.floats(0.5, 0.999))
def test_given_none_or_all_then_the_interval_still_holds_the_share(n: int, level: float) -> None:
    assert wilson(0, n, level)[0] == 0.0
    assert wilson(n, n, level)[1] == 1.0


def test_given_no_data_or_one_number_then_nothing_is_claimed() -> None:
    empty = mean_estimate(Moments())
    assert math.isnan(empty.value)
    assert empty.outcomes == 0
    single = mean_estimate(Moments.of(np.array([3.0])))
    assert single.value == 3.0
    assert math.isnan(single.lower)
    assert all(math.isnan(bound) for bound in wilson(0, 0))
    assert math.isnan(proportion_estimate(Moments()).value)


def test_given_every_unit_once_then_clustering_changes_nothing() -> None:
    values = np.random.default_rng(3).normal(size=40)
    units = np.arange(40, dtype=np.uint64)
    moments = Moments.of(values)
    assert mean_estimate(moments, clusters(values, units)) == pytest.approx(mean_estimate(moments))
    hits = (values > 0).astype(float)
    moments = Moments.of(hits)
    plain, clustered = proportion_estimate(moments), proportion_estimate(moments, clusters(hits, units))
    # The cluster variance divides by n - 1, the binomial one by n: the effective sample is one smaller.
    assert (clustered.lower, clustered.upper) == pytest.approx(wilson(39 * plain.value, 39))


@given(st.integers(2, 6))
def test_given_each_request_repeated_in_its_unit_then_no_precision_is_gained(times: int) -> None:
    values = np.random.default_rng(4).normal(size=30)
    once = mean_estimate(Moments.of(values))
    again, units = np.repeat(values, times), np.repeat(np.arange(30, dtype=np.uint64), times)
    repeated = mean_estimate(Moments.of(again), clusters(again, units))
    assert repeated.standard_error == pytest.approx(once.standard_error, rel=1e-9)
    assert mean_estimate(Moments.of(again)).standard_error < once.standard_error


def test_given_one_unit_then_its_variance_is_unknown() -> None:
    found = clusters(np.array([0.1, -0.1]), np.array([7, 7], dtype=np.uint64))
    assert math.isnan(found.variance)
    assert found.units == 1


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(1, 12))
def test_given_units_in_any_parts_then_their_variance_is_that_of_the_whole(
    unit: list[int], parts: int
) -> None:
    units = np.array(unit, dtype=np.uint64)
    values = np.random.default_rng(5).normal(size=units.size)
    groups = np.unique(units).size
    sums = np.bincount(np.unique(units, return_inverse=True)[1], (values - values.mean()) / values.size)
    found = clusters(values, units, parts)
    assert found.units == groups
    if groups > 1:
        assert found.variance == pytest.approx(np.square(sums).sum() * groups / (groups - 1), abs=1e-15)


def test_given_a_statistic_then_the_p_value_is_scipys() -> None:
    assert two_sided_p(-2.3) == pytest.approx(2 * stats.norm.sf(2.3), abs=1e-14)
    assert two_sided_p(2.3, 11) == pytest.approx(2 * stats.t.sf(2.3, 11), abs=1e-14)
    assert math.isnan(two_sided_p(math.nan))
