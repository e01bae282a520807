"""The whole check, from samples to the report."""

import json

import numpy as np
import pytest

from contender.domain.dataset import Kind
from contender.domain.drift import (
    DriftSettings,
    LazyColumns,
    NumericSample,
    Test,
    Verdict,
    WindowRule,
    judge_window,
)
from tests.support.judging import SETTINGS, finding, judge, normal, only


def test_given_nothing_changed_then_no_drift_and_the_report_says_how_close_it_was():
    report = judge(
        {"x": normal(1), "c": {"a": 2_000, "b": 2_000}}, {"x": normal(2), "c": {"a": 2_010, "b": 1_990}}
    )

    assert report.verdict is Verdict.NO_DRIFT
    assert report.drifted == report.broken == ()
    assert report.reason.startswith("0 of 2 columns drifted; the largest effect is in x (D = 0.0")
    assert report.tests == 5  # two distributions, two missing shares, one unseen
    assert [column.verdict for column in report.columns] == [Verdict.NO_DRIFT] * 2


def test_given_a_moved_column_then_drift_names_it_first_and_tells_where_it_went():
    report = judge({"x": normal(1), "y": normal(2)}, {"x": normal(3), "y": normal(4, mean=1.0)})

    assert report.verdict is Verdict.DRIFT
    assert report.drifted == ("y",)
    assert report.reason.startswith("1 of 2 columns drifted: y (D = 0.")
    worst = report.columns[0]
    assert worst.name == "y"
    assert "median" in worst.reason
    assert worst.evidence.shift is not None
    assert worst.evidence.shift.standardised == pytest.approx(1.0, abs=0.1)
    assert worst.evidence.psi is not None
    assert worst.evidence.psi > 0.25
    assert worst.leading is not None
    assert worst.leading.adjusted_p >= worst.leading.p_value


def test_given_many_drifted_columns_then_they_are_sorted_by_effect_and_the_sentence_stays_short():
    reference = {f"x{i}": normal(i) for i in range(5)}
    current = {f"x{i}": normal(10 + i, mean=0.5 + i) for i in range(5)}

    report = judge(reference, current)

    assert report.drifted == ("x4", "x3", "x2", "x1", "x0")
    assert "5 of 5 columns drifted: x4 (" in report.reason
    assert report.reason.endswith("and 2 more.")


def test_given_a_change_that_is_certain_but_small_then_no_drift():
    report = judge({"x": normal(1, rows=100_000)}, {"x": normal(2, mean=0.1, rows=100_000)})

    column = only(report)
    assert column.leading is not None
    assert column.leading.adjusted_p < 1e-50
    assert report.verdict is Verdict.NO_DRIFT
    assert "stays below the threshold 0.1" in column.reason


def test_given_a_category_that_grew_then_drift_by_total_variation():
    report = judge({"c": {"a": 400, "b": 1_800, "d": 1_800}}, {"c": {"a": 1_000, "b": 1_500, "d": 1_500}})

    column = only(report)
    assert report.verdict is Verdict.DRIFT
    assert column.leading is not None
    assert column.leading.effect == pytest.approx(0.15)
    assert "'a' 10 % → 25 %" in column.reason


@pytest.mark.parametrize("kind", ["numeric", "categorical"])
def test_given_values_that_went_missing_then_drift_by_the_missing_share(kind):
    if kind == "numeric":
        gone = normal(2)
        gone[:400] = np.nan
        report = judge({"x": normal(1)}, {"x": gone})
    else:
        report = judge({"x": {"a": 2_000, "b": 2_000}}, {"x": {"a": 1_800, "b": 1_800, "": 400}})

    column = only(report)
    assert report.verdict is Verdict.DRIFT
    assert column.leading is not None
    assert column.leading.test is Test.MISSING_SHARE
    assert column.evidence.current.missing_share == pytest.approx(0.1)
    assert "missing values went from 0 % to 10 %" in column.reason.lower()
    assert not finding(column, Test.CHI_SQUARED if kind == "categorical" else Test.KOLMOGOROV_SMIRNOV).drifted


def test_given_rows_in_many_unseen_categories_then_drift_lists_the_most_frequent():
    current = {"a": 3_700, **{f"new{i:02}": 10 for i in range(30)}}

    report = judge({"c": {"a": 4_000}}, {"c": current}, DriftSettings(listed_categories=5, tv_effect=0.2))

    column = only(report)
    assert report.verdict is Verdict.DRIFT
    assert column.evidence.unseen is not None
    assert column.evidence.unseen.count == 30
    assert column.evidence.unseen.categories == ("new00", "new01", "new02", "new03", "new04")
    assert "categories that the reference never had (30: 'new00', 'new01', 'new02')" in column.reason


def test_given_infinite_values_then_they_count_as_missing_and_are_mentioned():
    current = normal(2)
    current[:3] = [np.inf, -np.inf, np.nan]

    column = only(judge({"x": normal(1)}, {"x": current}))

    assert column.verdict is Verdict.NO_DRIFT
    assert (column.evidence.current.missing, column.evidence.current.infinite) == (3, 2)
    assert "2 infinite values count as missing in the current window." in column.reason


def test_given_many_infinite_values_then_drift():
    current = normal(2)
    current[:400] = np.inf

    report = judge({"x": normal(1)}, {"x": current})

    assert report.verdict is Verdict.DRIFT
    told = "Infinite values count as missing in the current window: x (400)."
    assert report.reason.endswith(told)


def test_given_a_few_infinite_values_then_the_verdict_names_them_unless_the_reference_has_as_many():
    some = normal(2)
    some[:50] = np.inf

    quiet = judge({"x": normal(1), "y": normal(3)}, {"x": some, "y": normal(4)})
    same = judge({"x": some}, {"x": some})

    assert quiet.verdict is Verdict.NO_DRIFT
    assert quiet.reason.endswith("Infinite values count as missing in the current window: x (50).")
    assert "nfinite" not in same.reason


def test_given_mixed_types_then_the_unreadable_values_are_mentioned_and_many_of_them_are_drift():
    few, many = normal(2), normal(3)
    few[:1], many[:2_000] = np.nan, np.nan

    quiet = only(judge({"x": normal(1)}, {"x": NumericSample(few, unreadable=1)}))
    loud = only(judge({"x": normal(1)}, {"x": NumericSample(many, unreadable=2_000)}))

    assert (quiet.verdict, loud.verdict) == (Verdict.NO_DRIFT, Verdict.DRIFT)
    assert "1 unreadable value counts as missing in the current window." in quiet.reason
    assert "2,000 unreadable values count as missing" in loud.reason


def test_given_the_share_rule_then_one_column_of_ten_is_not_yet_drift():
    reference = {f"x{i}": normal(i) for i in range(10)}
    current = {f"x{i}": normal(20 + i, mean=float(i < 1)) for i in range(10)}
    some = DriftSettings(window_rule=WindowRule.SHARE, window_share=0.1)
    most = DriftSettings(window_rule=WindowRule.SHARE, window_share=0.3)

    below = judge(reference, current, most)

    assert judge(reference, current).verdict is Verdict.DRIFT
    assert judge(reference, current, some).verdict is Verdict.DRIFT
    assert below.verdict is Verdict.NO_DRIFT
    assert below.drifted == ("x0",)
    assert "below the share of 30%" in below.reason


def test_the_report_is_plain_json_with_everything_that_a_page_needs():
    reference = {"x": normal(1), "c": {"a": 2_000, "b": 2_000}}
    current = {"x": normal(2, mean=1), "c": {"a": 1_000, "b": 2_500, "new": 500}}

    document = json.loads(json.dumps(judge(reference, current).to_dict(), allow_nan=False))

    assert document["verdict"] == "drift"
    assert document["settings"] == SETTINGS.to_dict()
    by_name = {column["name"]: column for column in document["columns"]}
    assert by_name["x"]["statistic_name"] == by_name["x"]["effect_name"] == "D"
    assert set(by_name["x"]["picture"]) >= {"edges", "reference", "current"}
    assert by_name["x"]["missing_share"] == {"reference": 0.0, "current": 0.0}
    assert by_name["c"]["unseen"]["categories"] == ["new"]
    assert by_name["c"]["picture"]["categories"] == ["b", "a", "new"]
    assert [test["test"] for test in by_name["c"]["tests"]] == [
        "chi_squared",
        "unseen_categories",
        "missing_share",
    ]


def test_numbers_that_json_cannot_hold_become_null():
    huge = np.where(normal(1) > 0, 1.7e308, -1.7e308)

    report = judge({"x": huge}, {"x": -huge})

    assert (
        json.loads(json.dumps(report.to_dict(), allow_nan=False))["columns"][0]["shift"]["standardised"]
        is None
    )


def test_does_not_depend_on_row_order_and_leaves_inputs_alone():
    reference, current = normal(1), normal(2, mean=0.3)
    current[::7] = np.nan
    before = current.copy()
    shuffled = np.random.default_rng(9).permutation(current)

    one, other = judge({"x": reference}, {"x": current}), judge({"x": reference}, {"x": shuffled})

    assert one.to_dict() == other.to_dict()
    assert np.array_equal(current, before, equal_nan=True)


def test_each_column_is_read_once_and_in_pairs():
    read = []

    def window(label, seed):
        def load(name):
            read.append((label, name))
            return NumericSample(normal(seed))

        return LazyColumns(["x", "y", "unused"], load)

    judge_window(window("reference", 1), window("current", 2), dict.fromkeys("xy", Kind.NUMERIC), SETTINGS)

    assert read == [("reference", "x"), ("current", "x"), ("reference", "y"), ("current", "y")]
