"""The sample ratio check, against SciPy, brute force and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from contender.domain.experiment import SampleRatio
from contender.domain.experiment.sequential_ratio import RatioMonitor
from contender.domain.experiment.srm import ALARM_BELOW


def check(is_b: list[bool], p: list[float], units: list[int] | None = None) -> SampleRatio:
    count = len(is_b)
    monitor = RatioMonitor().add(
        np.array(is_b, dtype=bool),
        np.array(p, dtype=float),
        np.array(range(count) if units is None else units, dtype=np.uint64),
        np.full(count, units is None),
    )
    return monitor.result(ALARM_BELOW)


@pytest.mark.parametrize(("n", "b", "p"), [(200, 80, 0.3), (50, 1, 0.02), (3000, 1460, 0.5)])
def test_given_one_split_then_it_is_the_binomial_test_by_its_smaller_tail(n: int, b: int, p: float) -> None:
    found = check([True] * b + [False] * (n - b), [p] * n)
    tails = stats.binom.cdf(b, n, p), stats.binom.sf(b - 1, n, p)
    assert found.exact
    assert found.p_value == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-9)
    assert found.z == pytest.approx((b - n * p) / math.sqrt(n * p * (1 - p)))
    assert found.chi_squared == pytest.approx(found.z**2)


@given(st.lists(st.sampled_from([0.1, 0.3, 0.5, 0.95]), min_size=1, max_size=14), st.randoms())
def test_given_changing_splits_then_it_is_the_poisson_binomial(p: list[float], random: object) -> None:
    is_b = [random.random() < share for share in p]  # type: ignore[attr-defined]
    mass = np.ones(1)
    for share in p:
        mass = np.convolve(mass, [1 - share, share])
    observed = sum(is_b)
    expected = min(1.0, 2 * min(mass[: observed + 1].sum(), mass[observed:].sum()))
    assert check(is_b, p).p_value == pytest.approx(expected, rel=1e-9)


def test_given_many_requests_then_the_normal_tail_is_taken_and_agrees_with_the_binomial() -> None:
    n, b = 20_000, 9_800
    found = check([True] * b + [False] * (n - b), [0.5] * n)
    assert not found.exact
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(found.z)))
    assert found.p_value == pytest.approx(stats.binomtest(b, n, 0.5).pvalue, rel=0.05)


def test_given_requests_without_a_choice_then_they_do_not_count() -> None:
    found = check([False, False, True, True, False], [0.0, 0.0, 1.0, 0.5, 0.5])
    assert (found.units, found.observed_b, found.expected_b) == (2, 1, 1.0)
    nothing = check([False] * 4, [0.0] * 4)
    assert nothing.units == 0
    assert nothing.p_value == 1.0
    assert not nothing.alarm


def test_given_units_with_many_requests_then_each_counts_once_by_its_first() -> None:
    # Unit 1 came first under 0.2 and is B ever after; unit 2 is A.
    found = check([True, True, True, False, False], [0.2, 0.5, 0.5, 0.5, 0.5], [1, 1, 1, 2, 2])
    assert (found.units, found.observed_b) == (2, 1)
    assert found.expected_b == pytest.approx(0.7)


def test_given_clean_splits_when_simulated_then_it_rarely_alarms() -> None:
    rng = np.random.default_rng(1)
    rounds = 3000
    alarms = 0
    for _ in range(rounds):
        p = np.repeat([0.02, 0.5, 0.3], [300, 200, 300])
        is_b = rng.random(800) < p
        alarms += check(is_b.tolist(), p.tolist()).alarm
    # At most 0.1 % are meant; 11 of 3,000 would come by chance once in 3,000 such tests.
    assert alarms <= stats.binom.isf(3e-4, rounds, ALARM_BELOW)


def test_given_a_tenth_of_b_lost_when_simulated_then_it_alarms() -> None:
    rng = np.random.default_rng(2)
    caught = 0
    for _ in range(50):
        p = np.repeat([0.1, 0.5, 0.3], [5000, 10_000, 5000])
        is_b = rng.random(20_000) < p
        kept = ~is_b | (rng.random(20_000) < 0.9)
        caught += check(is_b[kept].tolist(), p[kept].tolist()).p_value < ALARM_BELOW
    assert caught == 50
