import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, fisher_exact

from contender.domain.drift.chi_squared import chi_squared

common = st.lists(st.tuples(st.integers(20, 2_000), st.integers(20, 2_000)), min_size=2, max_size=12)
counted = st.dictionaries(st.sampled_from("abcdefghij"), st.integers(1, 500), min_size=1)


@given(common)
def test_equals_scipy_where_nothing_is_rare(pairs):
    reference = {str(i): pair[0] for i, pair in enumerate(pairs)}
    current = {str(i): pair[1] for i, pair in enumerate(pairs)}

    ours = chi_squared(reference, current, min_expected=0)
    theirs = chi2_contingency(np.array(pairs).T, correction=False)

    assert ours is not None
    assert ours.statistic == pytest.approx(theirs.statistic, rel=1e-9, abs=1e-9)
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-9)
    assert ours.degrees == theirs.dof
    shares = np.array(pairs).T / np.array(pairs).T.sum(axis=1, keepdims=True)
    assert ours.total_variation == pytest.approx(np.abs(shares[0] - shares[1]).sum() / 2, abs=1e-12)


@given(counted, counted)
def test_is_symmetric_bounded_and_independent_of_order(reference, current):
    forth, back = chi_squared(reference, current), chi_squared(current, reference)
    shuffled = chi_squared(dict(reversed(reference.items())), dict(reversed(current.items())))

    assert forth == shuffled
    assert (forth is None) == (back is None)
    if forth is not None and back is not None:
        assert forth.statistic == pytest.approx(back.statistic, rel=1e-9, abs=1e-9)
        assert forth.total_variation == pytest.approx(back.total_variation, abs=1e-12)
        assert 0 <= forth.total_variation <= 1
        assert 0 <= forth.p_value <= 1


def test_given_rare_categories_then_they_share_a_cell():
    reference = {"x": 500, "y": 480, **{f"rare{i}": 2 for i in range(10)}}
    current = {"x": 490, "y": 490, **{f"new{i}": 2 for i in range(10)}}

    ours = chi_squared(reference, current)
    theirs = chi2_contingency([[20, 480, 500], [20, 490, 490]], correction=False)

    assert ours is not None
    assert ours.pooled == 20
    assert ours.degrees == 2
    assert ours.statistic == pytest.approx(theirs.statistic, abs=1e-9)


def test_given_too_few_rare_rows_for_a_cell_then_the_smaller_of_two_p_values_counts_twice():
    result = chi_squared({"x": 500, "y": 100, "z": 30, "rare": 3}, {"x": 490, "y": 110, "z": 30})

    joined = chi2_contingency([[500, 100, 33], [490, 110, 30]], correction=False)
    rare = fisher_exact([[3, 630], [0, 630]])[1]
    assert result is not None
    assert (result.pooled, result.degrees, result.exact) == (1, 2, True)
    assert result.statistic == pytest.approx(joined.statistic, abs=1e-9)
    assert result.p_value == pytest.approx(2 * min(joined.pvalue, rare), abs=1e-9)


@pytest.mark.parametrize("others", [{"x": 1.0}, {"x": 0.8, "y": 0.2}])
def test_given_a_category_that_was_next_to_nothing_then_its_growth_cannot_hide(others):
    reference = {"rare": 10, **{name: round(99_990 * share) for name, share in others.items()}}
    # It grows at the expense of the category that it would share a cell with.
    current = {"rare": 200, **{name: round(2_000 * share) for name, share in others.items()}}
    current[min(others, key=lambda name: others[name])] -= 200

    result = chi_squared(reference, current)

    assert result is not None
    assert result.total_variation == pytest.approx(0.1, abs=1e-3)
    assert result.p_value < 1e-100


def test_given_a_new_common_category_then_it_counts():
    result = chi_squared({"x": 1_000}, {"x": 800, "new": 200})

    assert result is not None
    assert result.total_variation == pytest.approx(0.2)
    assert result.p_value < 1e-40


def test_given_one_and_the_same_category_then_nothing_differs():
    assert chi_squared({"x": 10}, {"x": 1_000}) == (0.0, 0, 1.0, 0.0, 0, False)


def test_given_nothing_comparable_then_there_is_no_result():
    assert chi_squared({}, {"x": 1}) is None
    assert chi_squared({"x": 1}, {}) is None
    assert chi_squared({f"r{i}": 1 for i in range(100)}, {f"c{i}": 1 for i in range(100)}) is None
