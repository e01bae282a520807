import pytest

from contender.domain.drift.unseen_categories import unseen_categories


def test_given_only_known_categories_then_nothing_is_unseen():
    result = unseen_categories({"x": 50, "y": 50}, {"x": 100})

    assert result is not None
    assert (result.names, result.share, result.test.p_value) == ((), 0.0, 1.0)


def test_given_many_rows_in_a_new_category_then_it_is_found_and_named():
    result = unseen_categories({"x": 500, "y": 500}, {"x": 850, "b": 50, "a": 50, "c": 50})

    assert result is not None
    assert result.names == ("a", "b", "c")
    assert result.share == pytest.approx(0.15)
    assert result.test.difference == pytest.approx(0.15)
    assert result.test.p_value < 1e-20


def test_given_a_column_of_identifiers_then_new_ones_are_expected():
    reference = {f"id{i}": 1 for i in range(1_000)}
    current = {f"id{i}": 1 for i in range(5_000, 6_000)}

    result = unseen_categories(reference, current)

    assert result is not None
    assert (result.share, result.expected_share) == (1.0, 1.0)
    assert result.test.p_value == 1.0
    assert result.test.difference == 0.0


def test_given_a_much_larger_window_then_its_clumps_are_not_taken_for_independent_rows():
    # One category of 1 % is absent from 100 rows in every third reference; its 1,000 rows come together.
    result = unseen_categories({"x": 100}, {"x": 99_000, "y": 1_000})

    assert result is not None
    assert result.share == pytest.approx(0.01)
    assert result.test.p_value > 0.1


def test_given_an_empty_window_then_there_is_no_result():
    assert unseen_categories({}, {"x": 1}) is None
    assert unseen_categories({"x": 1}, {}) is None
