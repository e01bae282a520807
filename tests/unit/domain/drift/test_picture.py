import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from contender.domain.drift import picture
from contender.domain.drift.ordered import SortedValues
from contender.domain.drift.picture import category_shares

columns = arrays(np.float64, st.integers(1, 200), elements=st.floats(-1e9, 1e9)).map(np.sort)
counted = st.dictionaries(st.integers(0, 60).map(str), st.integers(1, 500), min_size=1, max_size=40)


def histogram(reference, current, bins=30):
    return picture.histogram(SortedValues(reference), SortedValues(current), bins)


@given(columns, columns, st.integers(1, 40))
def test_histograms_hold_every_row_once(reference, current, bins):
    result = histogram(reference, current, bins)

    assert result is not None
    assert len(result.edges) == bins + 1
    assert len(result.reference) == len(result.current) == bins
    assert sum(result.reference) + sum(result.reference_outside) == pytest.approx(1)
    assert sum(result.current) + sum(result.current_outside) == pytest.approx(1)


@given(counted, counted, st.integers(1, 30))
def test_category_shares_hold_every_row_once(reference, current, listed):
    result = category_shares(reference, current, listed)

    assert result is not None
    assert len(result.categories) <= listed
    assert len(result.categories) + result.others == len({*reference, *current})
    assert sum(result.reference) + result.reference_others == pytest.approx(1)
    assert sum(result.current) + result.current_others == pytest.approx(1)


def test_counts_equal_numpys():
    generator = np.random.default_rng(2)
    reference, current = np.sort(generator.normal(size=500)), np.sort(generator.normal(size=700))

    result = histogram(reference, current, 12)

    assert result is not None
    counts, _ = np.histogram(current, bins=np.array(result.edges))
    assert np.array(result.current) * 700 == pytest.approx(counts)


def test_given_a_moved_window_then_both_are_in_the_picture():
    result = histogram(np.linspace(0, 1, 1_000), np.linspace(1.5, 1.9, 1_000))

    assert result is not None
    assert result.current_outside[1] < 0.01
    assert result.edges[0] < 0.02
    assert result.edges[-1] == pytest.approx(1.9, abs=0.02)


def test_given_a_wild_window_then_the_reference_is_still_spread_over_the_bins():
    result = histogram(np.linspace(0, 1, 1_000), np.full(10, 1e9))

    assert result is not None
    assert result.current_outside == (0.0, 1.0)
    assert sum(share > 0 for share in result.reference) >= 15


def test_given_constant_columns_then_there_is_still_a_picture():
    result = histogram(np.full(10, 5.0), np.full(10, 5.0), 4)

    assert result is not None
    assert sum(result.reference) == pytest.approx(1)


@pytest.mark.filterwarnings("error")
def test_given_nothing_drawable_then_there_is_no_picture():
    some, none = np.array([1.0]), np.array([])
    assert histogram(none, some) is None
    assert histogram(some, none) is None
    assert histogram(np.array([-1.7e308, 1.7e308]), some) is None
    assert category_shares({}, {"x": 1}) is None
    assert category_shares({"x": 1}, {}) is None
