import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ks_2samp

from contender.domain.drift.kolmogorov_smirnov import kolmogorov_smirnov

finite = st.floats(-1e6, 1e6, allow_subnormal=False)
# Small integers make ties, of which real columns are full.
columns = st.one_of(
    arrays(np.float64, st.integers(1, 300), elements=finite),
    arrays(np.float64, st.integers(1, 300), elements=st.integers(-4, 4).map(float)),
)


@given(columns, columns)
def test_equals_scipy_for_any_two_samples(reference, current):
    assume(reference.size + current.size > 2)  # scipy gives NaN for one value against one

    ours = kolmogorov_smirnov(np.sort(reference), np.sort(current))
    theirs = ks_2samp(reference, current, method="asymp")

    assert ours is not None
    assert ours.d == theirs.statistic
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-9)


@pytest.mark.parametrize(("n", "m"), [(1, 1_000), (63, 64), (64, 65), (128, 20_000), (50_000, 50_001)])
@pytest.mark.parametrize("moved", [0.0, 0.02, 3.0])
def test_equals_scipy_at_sizes_around_and_far_above_a_block(n, m, moved):
    generator = np.random.default_rng(n + m)
    reference, current = generator.normal(size=n), generator.normal(moved, 1.1, size=m).round(2)

    ours = kolmogorov_smirnov(np.sort(reference), np.sort(current))
    theirs = ks_2samp(reference, current, method="asymp")

    assert ours is not None
    assert ours.d == theirs.statistic
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-9)


@given(columns, columns)
def test_is_symmetric_and_leaves_its_inputs_alone(reference, current):
    reference, current = np.sort(reference), np.sort(current)
    before = reference.copy(), current.copy()

    assert kolmogorov_smirnov(reference, current) == kolmogorov_smirnov(current, reference)
    assert np.array_equal(before[0], reference)
    assert np.array_equal(before[1], current)


@given(columns, columns, st.sampled_from([2.0**-10, 0.5, 4.0, 2.0**20]))
def test_does_not_depend_on_the_unit(reference, current, factor):
    reference, current = np.sort(reference), np.sort(current)

    assert kolmogorov_smirnov(reference * factor, current * factor) == kolmogorov_smirnov(reference, current)


def test_given_disjoint_samples_then_d_is_one_and_equal_samples_then_zero():
    low, high = np.arange(100.0), np.arange(100.0) + 1_000

    apart, same = kolmogorov_smirnov(low, high), kolmogorov_smirnov(low, low)

    assert apart is not None
    assert same is not None
    assert (apart.d, same.d, same.p_value) == (1.0, 0.0, 1.0)
    assert apart.p_value < 1e-40


def test_given_one_value_against_one_then_nothing_is_significant():
    result = kolmogorov_smirnov(np.array([0.0]), np.array([1.0]))

    assert result == (1.0, 1.0)


def test_given_an_empty_sample_then_there_is_no_result():
    assert kolmogorov_smirnov(np.array([]), np.array([1.0])) is None
    assert kolmogorov_smirnov(np.array([1.0]), np.array([])) is None
