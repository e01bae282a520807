import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contender.domain.drift.buckets import BucketCounter, holds_one_value, place_edges
from tests.support.columns import columns

sizes = st.sampled_from([1, 2, 16, 256, 2_048])


@given(columns, columns, sizes)
def test_counts_equal_those_of_a_search_for_every_value(placed_by, counted, buckets):
    edges = place_edges(placed_by, buckets)
    finite = counted[np.isfinite(counted)]

    counts = BucketCounter(edges)(finite)

    searched = np.searchsorted(edges, finite, side="left")
    assert counts.tolist() == np.bincount(searched, minlength=edges.size + 1).tolist()


@given(columns, sizes)
def test_edges_are_ascending_distinct_and_finite(values, buckets):
    edges = place_edges(values, buckets)

    assert edges.dtype == np.float32
    assert np.isfinite(edges).all()
    assert (edges[1:] > edges[:-1]).all()
    assert (edges.size == 0) == (not np.isfinite(values).any())


@given(columns, sizes)
def test_no_bucket_of_several_values_holds_more_than_two_shares_of_the_sample(values, buckets):
    edges = place_edges(values, buckets)
    finite = values[np.isfinite(values)]
    counts = BucketCounter(edges)(finite)

    assert counts[~holds_one_value(edges)].max(initial=0) <= 2 * finite.size / buckets + 1


def test_given_few_different_values_then_each_has_a_bucket_of_its_own():
    edges = place_edges(np.repeat([1.0, 2.0, 5.0], 100))
    counts = BucketCounter(edges)(np.array([1, 2, 2, 5, 3, 0, 9], dtype=np.float32))

    assert np.count_nonzero(counts == 2) == 1
    assert counts.sum() == 7
    assert {1.0, 2.0, 5.0} <= set(edges.tolist())


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30])
def test_lookup_is_right_for_any_unit(scale):
    generator = np.random.default_rng(3)
    values = (generator.normal(size=200_000) * scale).astype(np.float32)
    edges = place_edges(values)

    counts = BucketCounter(edges)(values)

    assert counts.tolist() == np.bincount(np.searchsorted(edges, values), minlength=edges.size + 1).tolist()
