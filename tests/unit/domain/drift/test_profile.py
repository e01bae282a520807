import json
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contender.domain.drift.buckets import BucketCounter, place_edges
from contender.domain.drift.profile import NumericProfile
from tests.support.columns import columns


def same(a, b):
    assert np.array_equal(a.edges, b.edges)
    assert np.array_equal(a.counts, b.counts)
    assert (a.rows, a.infinite, a.unreadable, a.low, a.high) == (
        b.rows,
        b.infinite,
        b.unreadable,
        b.low,
        b.high,
    )
    size = max(1.0, abs(a.low), abs(a.high)) if a.present else 1.0
    assert a.mean == pytest.approx(b.mean, rel=1e-9, abs=1e-9 * size)
    assert a.squares == pytest.approx(b.squares, rel=1e-6, abs=1e-9 * size * size * max(1, a.present))


@given(columns, st.lists(columns, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_profiles_of_parts_merge_into_that_of_the_whole_in_any_order_and_grouping(placed_by, parts, random):
    counter = BucketCounter(place_edges(placed_by, 64))
    profiles = [NumericProfile.of(part, counter, unreadable=0) for part in parts]
    whole = NumericProfile.of(np.concatenate(parts), counter)
    shuffled = random.sample(profiles, len(profiles))

    same(reduce(NumericProfile.merge, profiles), whole)
    same(reduce(NumericProfile.merge, shuffled), whole)
    same(reduce(lambda right, left: left.merge(right), reversed(profiles)), whole)


@given(columns)
def test_counts_and_moments_equal_numpys(values):
    profile = NumericProfile.of(values, BucketCounter(place_edges(values)), unreadable=0)
    finite = values[np.isfinite(values)].astype(np.float64)

    assert (profile.rows, profile.present) == (values.size, finite.size)
    assert profile.infinite == np.isinf(values).sum()
    if finite.size:
        assert (profile.low, profile.high) == (finite.min(), finite.max())
        assert profile.mean == pytest.approx(finite.mean(), rel=1e-9, abs=1e-9 * np.abs(finite).max())
        assert profile.squares / finite.size == pytest.approx(
            finite.var(), rel=1e-6, abs=1e-9 * np.abs(finite).max() ** 2
        )


@given(columns)
def test_stored_as_json_and_read_back_it_is_the_same(values):
    profile = NumericProfile.of(values, BucketCounter(place_edges(values, 64)))

    again = NumericProfile.from_dict(json.loads(json.dumps(profile.to_dict(), allow_nan=False)))

    same(again, profile)
    assert (again.mean, again.squares) == (profile.mean, profile.squares)


def test_profiles_with_different_edges_are_not_merged():
    one, two = (NumericProfile.of(np.ones(1), BucketCounter(place_edges(np.full(2, v)))) for v in (1.0, 2.0))

    with pytest.raises(ValueError, match="different edges"):
        one.merge(two)


@pytest.mark.parametrize("wrong", [{"counts": np.array([1])}, {"rows": 0}, {"infinite": -1}])
def test_counts_that_cannot_be_are_refused(wrong):
    given_ = {"edges": np.zeros(1, np.float32), "counts": np.array([1, 0]), "rows": 1, **wrong}

    with pytest.raises(ValueError, match=r"buckets|values than rows"):
        NumericProfile(**given_)
