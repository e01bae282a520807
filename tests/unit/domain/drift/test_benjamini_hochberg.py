import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from contender.domain.drift.benjamini_hochberg import benjamini_hochberg

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=60)


@given(p_values)
def test_equals_scipy(values):
    assert benjamini_hochberg(values) == pytest.approx(false_discovery_control(values), abs=1e-12)


@given(p_values, st.randoms(use_true_random=False))
def test_does_not_depend_on_order_and_never_lowers_a_p_value(values, random):
    adjusted = dict(zip(values, benjamini_hochberg(values), strict=True))
    shuffled = random.sample(values, len(values))

    assert benjamini_hochberg(shuffled) == tuple(adjusted[value] for value in shuffled)
    assert all(value <= adjusted[value] <= 1 for value in values)


def test_given_no_tests_then_there_is_nothing_to_adjust():
    assert benjamini_hochberg([]) == ()
