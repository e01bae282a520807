"""Moments of parts merge into those of the whole."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contender.domain.experiment import Moments

numbers = st.lists(st.floats(-1e6, 1e6), max_size=40)


@given(numbers, numbers, numbers)
def test_given_parts_when_merged_then_they_equal_the_whole_in_any_order(
    first: list[float], second: list[float], third: list[float]
) -> None:
    parts = [Moments.of(np.array(part, dtype=float)) for part in (first, second, third)]
    whole = Moments.of(np.array(first + second + third, dtype=float))
    left = parts[0].merge(parts[1]).merge(parts[2])
    right = parts[0].merge(parts[1].merge(parts[2]))
    for merged in (left, right):
        assert merged.count == whole.count
        assert merged.mean == pytest.approx(whole.mean, abs=1e-6)
        assert merged.m2 == pytest.approx(whole.m2, rel=1e-9, abs=1e-3)


def test_given_numbers_when_summarised_then_variance_equals_numpy() -> None:
    values = np.random.default_rng(1).normal(5, 3, 500)
    assert Moments.of(values).variance == pytest.approx(values.var(ddof=1), rel=1e-12)
    assert Moments.of(values).variance_of_mean == pytest.approx(values.var(ddof=1) / 500, rel=1e-12)


def test_given_fewer_than_two_numbers_then_there_is_no_variance() -> None:
    for moments in (Moments(), Moments.of(np.array([4.0]))):
        assert math.isnan(moments.variance)
        assert math.isnan(moments.variance_of_mean)
