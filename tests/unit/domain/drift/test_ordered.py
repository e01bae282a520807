import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contender.domain.drift.buckets import BucketCounter, place_edges
from contender.domain.drift.ordered import ProfiledValues, SortedValues
from contender.domain.drift.profile import NumericProfile
from tests.support.columns import columns


def both(values, placed_by=None, buckets=2_048):
    counter = BucketCounter(place_edges(values if placed_by is None else placed_by, buckets))
    profile = NumericProfile.of(values, counter)
    return ProfiledValues(profile), SortedValues(np.sort(values[np.isfinite(values)])), profile


@given(columns, columns, st.sampled_from([1, 16, 2_048]), columns)
def test_counts_are_off_by_no_more_than_their_bucket(values, placed_by, buckets, points):
    counted, known, profile = both(values, placed_by, buckets)
    points = points[np.isfinite(points)].astype(np.float64)
    bucket = np.searchsorted(profile.edges, points, side="left")

    for name in ("up_to", "below"):
        error = np.abs(getattr(counted, name)(points) - getattr(known, name)(points))
        assert (error <= profile.counts[bucket] * (1 + 1e-9) + 1e-9).all()


@given(columns)
def test_at_edges_counts_are_exact(values):
    counted, known, profile = both(values)

    assert counted.up_to(profile.edges).tolist() == known.up_to(profile.edges).tolist()


@given(columns, columns, st.sampled_from([1, 16, 2_048]), st.integers(0, 10_000))
@example(np.array([np.finfo(np.float32).min, -1, 0], dtype=np.float32), np.array([0.1], np.float32), 1, 1)
def test_the_value_of_a_rank_lies_in_its_bucket(values, placed_by, buckets, rank):
    counted, known, profile = both(values, placed_by, buckets)
    assert counted.size == known.size
    if known.size == 0:
        return
    rank %= known.size

    found, exact = counted.at_rank(rank), known.at_rank(rank)

    bucket = int(np.searchsorted(profile.edges, np.float32(exact), side="left"))
    limits = np.concatenate([[profile.low], profile.edges, [profile.high]])
    assert min(limits[bucket], exact) <= found <= limits[bucket + 1]
    assert profile.low <= found <= profile.high


@given(columns)
def test_moments_are_exact(values):
    counted, known, profile = both(values)
    if known.size == 0:
        return
    size = max(abs(profile.low), abs(profile.high))

    assert counted.mean() == pytest.approx(known.mean(), rel=1e-9, abs=1e-9 * size)
    assert counted.deviation() == pytest.approx(known.deviation(), rel=1e-5, abs=1e-5 * size)
    assert (counted.deviation() == 0) == (known.deviation() == 0)


def test_given_few_different_values_then_every_rank_is_exact():
    counted, known, _ = both(np.repeat(np.array([0.0, 0.1, 7.0], np.float32), [5, 3, 4]))

    assert [counted.at_rank(i) for i in range(12)] == [known.at_rank(i) for i in range(12)]
