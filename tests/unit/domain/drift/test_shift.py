import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from contender.domain.drift.ordered import SortedValues
from contender.domain.drift.shift import shift as shift_of

columns = arrays(np.float64, st.integers(1, 100), elements=st.floats(-1e6, 1e6)).map(np.sort)


def shift(reference, current):
    return shift_of(SortedValues(reference), SortedValues(current))


@given(columns, columns)
def test_equals_numpy(reference, current):
    result = shift(reference, current)

    assert result is not None
    assert result.reference_median == pytest.approx(np.median(reference))
    assert result.current_median == pytest.approx(np.median(current))
    assert result.reference_mean == pytest.approx(reference.mean())
    assert result.mean_difference == pytest.approx(current.mean() - reference.mean())


def test_is_in_standard_deviations_of_the_reference():
    reference = np.array([0.0, 2.0] * 50)
    result = shift(np.sort(reference), np.sort(reference + 3))

    assert result is not None
    assert result.standardised == pytest.approx(3.0)
    assert result.median_difference == 3.0


def test_given_constant_columns_then_the_standardised_shift_is_zero_or_unknown():
    seven = np.full(5, 7.1)

    same, moved = shift(seven, seven), shift(seven, seven + 1)

    assert same is not None
    assert moved is not None
    assert same.standardised == 0.0
    assert moved.standardised is None
    assert moved.median_difference == pytest.approx(1.0)


@pytest.mark.filterwarnings("error")
def test_given_numbers_at_the_end_of_float64_then_what_overflows_is_unknown():
    huge = np.array([-1.7e308, 1.7e308, 1.7e308])

    result = shift(huge, np.sort(-huge))

    assert result is not None
    assert result.reference_median == 1.7e308
    assert result.median_difference is None
    assert result.standardised is None


def test_given_an_empty_window_then_there_is_no_shift():
    assert shift(np.array([]), np.array([1.0])) is None
    assert shift(np.array([1.0]), np.array([])) is None
