"""Intervals of one sample, against SciPy and statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from contender.domain.experiment.intervals import (
    clustered_variance,
    mean_estimate,
    proportion_estimate,
    two_sided_p,
    wilson,
)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
def test_given_a_sample_when_its_mean_is_estimated_then_the_interval_is_scipys(level: float) -> None:
    values = np.random.default_rng(2).gamma(2, 3, 57)
    found = mean_estimate(values, level=level)
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
    empty = mean_estimate(np.array([]))
    assert math.isnan(empty.value)
    assert empty.outcomes == 0
    single = mean_estimate(np.array([3.0]))
    assert single.value == 3.0
    assert math.isnan(single.lower)
    assert all(math.isnan(bound) for bound in wilson(0, 0))
    assert math.isnan(proportion_estimate(np.array([])).value)


def test_given_every_unit_once_then_clustering_changes_nothing() -> None:
    values = np.random.default_rng(3).normal(size=40)
    units = np.arange(40, dtype=np.uint64)
    assert mean_estimate(values, units) == pytest.approx(mean_estimate(values))
    hits = (values > 0).astype(float)
    plain, clustered = proportion_estimate(hits), proportion_estimate(hits, units)
    # The cluster variance divides by n - 1, the binomial one by n: the effective sample is one smaller.
    assert (clustered.lower, clustered.upper) == pytest.approx(wilson(39 * plain.value, 39))


@given(st.integers(2, 6))
def test_given_each_request_repeated_in_its_unit_then_no_precision_is_gained(times: int) -> None:
    values = np.random.default_rng(4).normal(size=30)
    once = mean_estimate(values)
    repeated = mean_estimate(np.repeat(values, times), np.repeat(np.arange(30, dtype=np.uint64), times))
    assert repeated.standard_error == pytest.approx(once.standard_error, rel=1e-9)
    assert mean_estimate(np.repeat(values, times)).standard_error < once.standard_error


def test_given_one_unit_then_its_variance_is_unknown() -> None:
    variance, groups = clustered_variance(np.array([0.1, -0.1]), np.array([7, 7], dtype=np.uint64))
    assert math.isnan(variance)
    assert groups == 1


def test_given_a_statistic_then_the_p_value_is_scipys() -> None:
    assert two_sided_p(-2.3) == pytest.approx(2 * stats.norm.sf(2.3), abs=1e-14)
    assert two_sided_p(2.3, 11) == pytest.approx(2 * stats.t.sf(2.3, 11), abs=1e-14)
    assert math.isnan(two_sided_p(math.nan))
