import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contender.domain.drift.bounded_smirnov import bounded_d, exact_d, intervals, within
from contender.domain.drift.buckets import BucketCounter, holds_one_value, place_edges
from contender.domain.drift.kolmogorov_smirnov import kolmogorov_smirnov
from contender.domain.drift.profile import NumericProfile
from tests.support.columns import columns

sizes = st.sampled_from([1, 2, 16, 256, 2_048])


def measured(reference, current, buckets):
    """Profiles of both, the bounds, and D by sorting everything."""
    counter = BucketCounter(place_edges(reference, buckets))
    old, new = NumericProfile.of(reference, counter), NumericProfile.of(current, counter)
    finite = (np.sort(values[np.isfinite(values)]) for values in (reference, current))
    ks = kolmogorov_smirnov(*finite)
    return old, new, bounded_d(old, new), None if ks is None else ks.d


@given(columns, columns, sizes)
def test_d_lies_between_its_bounds_and_they_are_no_further_apart_than_promised(reference, current, buckets):
    old, new, bounds, d = measured(reference, current, buckets)

    if d is None:
        assert bounds is None
        return
    assert bounds.low - 1e-12 <= d <= bounds.high + 1e-12
    masses = np.minimum(old.counts / old.present, new.counts / new.present)[~holds_one_value(old.edges)]
    assert bounds.high - bounds.low <= masses.max() + 1e-12
    assert bounds.high - bounds.low <= 2 / buckets + 1 / old.present + 1e-12


@given(columns, columns, sizes)
def test_values_of_the_open_buckets_give_d_itself(reference, current, buckets):
    old, new, bounds, d = measured(reference, current, buckets)

    if bounds is None:
        return
    wanted = intervals(bounds, old.edges)
    found = exact_d(bounds, old, new, within(reference, wanted), within(current, wanted))
    assert found == pytest.approx(d, abs=1e-12)


def test_given_ties_then_nothing_is_lost():
    generator = np.random.default_rng(1)
    reference, current = generator.poisson(4, size=5_000), generator.poisson(5, size=4_000)

    _, _, bounds, d = measured(reference.astype(np.float32), current.astype(np.float32), 2_048)

    assert bounds.low == bounds.high == pytest.approx(d, abs=1e-12)


def test_given_a_current_window_that_is_one_atom_in_a_bucket_then_the_reference_bounds_the_error():
    reference = np.random.default_rng(1).normal(size=100_000).astype(np.float32)

    _, _, bounds, d = measured(reference, np.full(50_000, 0.12345, np.float32), 2_048)

    assert 0 < d - bounds.low < 1 / 1_500
    assert bounds.high - bounds.low < 1 / 1_500


def test_values_that_are_not_those_of_the_open_buckets_are_refused():
    generator = np.random.default_rng(1)
    reference, current = (generator.normal(m, size=500).astype(np.float32) for m in (0, 0.1))
    old, new, bounds, _ = measured(reference, current, 16)

    with pytest.raises(ValueError, match="open buckets"):
        exact_d(bounds, old, new, reference, current)


def test_profiles_with_different_edges_are_not_compared():
    one, two = (NumericProfile.of(np.ones(1), BucketCounter(place_edges(np.full(2, v)))) for v in (1.0, 2.0))

    with pytest.raises(ValueError, match="different edges"):
        bounded_d(one, two)


def test_intervals_are_open_on_the_left_and_closed_on_the_right():
    values = np.array([-5, 0, 1, 2, 3, np.nan, np.inf], dtype=np.float32)

    assert within(values, [(-np.inf, 0.0), (1.0, 2.0)]).tolist() == [-5, 0, 2]
    assert within(values, []).tolist() == []
