import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from contender.domain.drift import population_stability
from contender.domain.drift.ordered import SortedValues
from contender.domain.drift.population_stability import FLOOR, categorical_psi

columns = arrays(np.float64, st.integers(1, 200), elements=st.floats(-1e6, 1e6)).map(np.sort)
counted = st.dictionaries(st.sampled_from("abcde"), st.integers(1, 500), min_size=1)


def numeric_psi(reference, current):
    return population_stability.numeric_psi(SortedValues(reference), SortedValues(current))


@given(columns, columns)
def test_numeric_index_is_not_negative_and_zero_against_itself(reference, current):
    index, itself = numeric_psi(reference, current), numeric_psi(reference, reference)

    assert index is not None
    assert index >= 0
    assert itself == 0


@given(counted, counted)
def test_categorical_index_is_symmetric(reference, current):
    assert categorical_psi(reference, current) == pytest.approx(categorical_psi(current, reference))


def test_follows_the_formula():
    index = categorical_psi({"x": 60, "y": 40}, {"x": 30, "y": 70})

    assert index == pytest.approx((0.3 - 0.6) * math.log(0.3 / 0.6) + (0.7 - 0.4) * math.log(0.7 / 0.4))


def test_bins_are_deciles_of_the_reference():
    reference = np.arange(1_000.0)
    current = np.sort(np.concatenate([np.zeros(500), np.full(500, 999.0)]))

    index = numeric_psi(reference, current)

    half, empty = 0.4 * math.log(0.5 / 0.1), (FLOOR - 0.1) * math.log(FLOOR / 0.1)
    assert index == pytest.approx(2 * half + 8 * empty, rel=0.02)


def test_given_constant_columns_then_a_moved_constant_is_seen():
    seven = np.full(50, 7.0)

    moved = numeric_psi(seven, seven + 1)

    assert numeric_psi(seven, seven) == 0
    assert moved is not None
    assert moved > 1


def test_given_an_empty_window_then_there_is_no_index():
    some, none = np.array([1.0]), np.array([])
    assert numeric_psi(none, some) is None
    assert numeric_psi(some, none) is None
    assert categorical_psi({}, {"x": 1}) is None
    assert categorical_psi({"x": 1}, {}) is None
