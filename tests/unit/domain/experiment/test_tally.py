"""Counts of numbers: exact while they fit, rounded alike in whatever parts they came when they do not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contender.domain.experiment.tally import Tally

numbers = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=120)


def tallied(values: list[float], parts: int = 1, limit: int = 2**18) -> Tally:
    tally = Tally(limit)
    for part in np.array_split(np.array(values), parts):
        tally.add("all", part)
    return tally


@given(numbers, st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_given_few_numbers_then_quantiles_are_numpys(values: list[float], shares: list[float]) -> None:
    found = tallied(values).counts().quantiles(shares)
    np.testing.assert_allclose(found, np.quantile(values, shares), rtol=1e-9, atol=1e-6)


@given(numbers, st.integers(1, 9), st.integers(1, 20))
def test_given_any_parts_then_the_counts_are_those_of_the_whole(
    values: list[float], parts: int, limit: int
) -> None:
    whole, split = (tallied(values, count, limit) for count in (1, parts))
    shuffled = tallied([float(x) for x in np.random.default_rng(1).permutation(values)], parts, limit)
    for other in (split, shuffled):
        assert other.counts().values.tolist() == whole.counts().values.tolist()
        assert other.counts().counts.tolist() == whole.counts().counts.tolist()
    assert whole.counts().total == len(values)


@given(numbers, st.integers(1, 60))
def test_given_too_many_numbers_then_the_error_is_the_stated_one(values: list[float], limit: int) -> None:
    tally = tallied(values, limit=limit)
    data = np.array(values)
    rounded = tally.rounded(data)
    assert np.all(np.abs(rounded - data) <= tally.relative_error * np.abs(data) * 1.000001 + 1e-300)
    assert np.all(np.diff(rounded[np.argsort(data, kind="stable")]) >= 0)
    if np.unique(data).size <= limit:
        assert tally.relative_error == 0


def test_given_groups_then_each_has_its_own_counts_and_together_they_are_merged() -> None:
    tally = Tally()
    tally.add(True, np.array([1.0, 2.0, math.nan, math.inf]))
    tally.add(False, np.array([2.0, 0.0, -0.0]))
    assert tally.counts(True).values.tolist() == [1.0, 2.0]
    assert tally.counts().counts.tolist() == [2, 1, 2]
    assert tally.counts("nobody").total == 0
    assert math.isnan(tally.counts("nobody").quantiles([0.5])[0])
    assert Tally(limit=1).counts().quantiles([0.1]) == pytest.approx([math.nan], nan_ok=True)
