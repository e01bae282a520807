"""Windows and columns of which little or nothing can be said: the verdict is one with a reason."""

import json

import numpy as np
import pytest

from contender.domain.dataset import Kind
from contender.domain.drift import (
    CategoricalSample,
    DriftSettings,
    NumericSample,
    UnusableSample,
    Verdict,
    judge_window,
)
from tests.support.judging import ROWS, SETTINGS, judge, normal, only, samples

NOTHING = np.full(ROWS, np.nan)


@pytest.mark.parametrize(
    ("reference", "current", "verdict", "word"),
    [
        (NOTHING, NOTHING, Verdict.NO_DRIFT, "All values are missing in both windows"),
        (normal(1), NOTHING, Verdict.DRIFT, "from 0 % to 100 %"),
        (NOTHING, normal(1), Verdict.DRIFT, "from 100 % to 0 %"),
        ({"": ROWS}, {"": ROWS}, Verdict.NO_DRIFT, "All values are missing in both windows"),
        ({"a": ROWS}, {"": ROWS}, Verdict.DRIFT, "from 0 % to 100 %"),
    ],
)
def test_given_all_missing_columns(reference, current, verdict, word):
    column = only(judge({"x": reference}, {"x": current}))

    assert column.verdict is verdict
    assert word in column.reason


@pytest.mark.parametrize(
    ("reference", "current", "verdict"),
    [
        (np.full(ROWS, 7.1), np.full(ROWS, 7.1), Verdict.NO_DRIFT),
        (np.full(ROWS, 7.1), np.full(ROWS, 7.2), Verdict.DRIFT),
        (np.full(ROWS, 0.0), normal(1), Verdict.DRIFT),
        ({"a": ROWS}, {"a": ROWS}, Verdict.NO_DRIFT),
        ({"a": ROWS}, {"b": ROWS}, Verdict.DRIFT),
    ],
)
def test_given_constant_columns(reference, current, verdict):
    report = judge({"x": reference}, {"x": current})

    assert report.verdict is verdict
    json.dumps(report.to_dict(), allow_nan=False)


@pytest.mark.parametrize("empty", ["reference", "current"])
def test_given_an_empty_window_then_insufficient_data(empty):
    full, none = {"x": normal(1), "c": {"a": ROWS}}, {"x": np.array([]), "c": {}}

    report = judge(none, full) if empty == "reference" else judge(full, none)

    assert report.verdict is Verdict.INSUFFICIENT_DATA
    assert report.reason.endswith("has no rows.")
    assert empty in report.reason
    assert {column.verdict for column in report.columns} == {Verdict.INSUFFICIENT_DATA}


@pytest.mark.parametrize("strange", ["reference", "current"])
@pytest.mark.parametrize(
    ("names", "told"), [(["x;c"], "has 'x;c'."), (list("XCDEF"), "has 'X', 'C', 'D' and 2 more.")]
)
def test_given_a_window_of_other_columns_then_it_is_not_called_empty(strange, names, told):
    ours, theirs = {"x": normal(1), "c": {"a": ROWS}}, {name: {"1;a": ROWS} for name in names}
    windows = (theirs, ours) if strange == "reference" else (ours, theirs)

    features = {"x": Kind.NUMERIC, "c": Kind.CATEGORICAL}
    report = judge_window(*map(samples, windows), features, SETTINGS)

    assert report.verdict is Verdict.INSUFFICIENT_DATA
    assert "has none of the declared columns" in report.reason
    assert strange in report.reason
    assert told in report.reason


def test_given_no_window_at_all_then_insufficient_data():
    report = judge_window({}, {}, {"x": Kind.NUMERIC}, SETTINGS)

    assert report.verdict is Verdict.INSUFFICIENT_DATA
    assert judge_window({}, {}, {}, SETTINGS).reason == "No columns are declared, so nothing was compared."


def test_given_a_column_that_the_current_window_lacks_then_drift_and_the_window_is_broken():
    report = judge({"x": normal(1), "y": normal(2)}, {"x": normal(3)})

    assert report.verdict is Verdict.DRIFT
    assert report.broken == ("y",)
    assert report.columns[0].reason == "The column is absent in the current window."
    assert "y (is absent)" in report.reason


def test_given_a_column_that_the_reference_lacks_then_it_cannot_be_judged_and_the_others_can():
    report = judge({"x": normal(1)}, {"x": normal(2), "y": normal(3)})

    assert report.verdict is Verdict.NO_DRIFT
    assert report.columns[0].name == "y"
    assert report.columns[0].verdict is Verdict.INSUFFICIENT_DATA
    assert report.columns[0].reason == "The column is absent in the reference."
    assert "1 could not be judged: y" in report.reason


def test_given_a_column_that_both_lack_then_it_is_insufficient_and_broken():
    report = judge_window(
        {"x": NumericSample(normal(1))},
        {"x": NumericSample(normal(2))},
        {"x": Kind.NUMERIC, "y": Kind.NUMERIC},
        SETTINGS,
    )

    assert report.columns[0].reason == "The column is absent in both windows."
    assert report.verdict is Verdict.NO_DRIFT
    assert report.broken == ("y",)


def test_given_a_new_undeclared_column_then_it_is_reported_and_decides_nothing():
    report = judge_window(
        {"x": NumericSample(normal(1)), "label": NumericSample(normal(1))},
        {
            "x": NumericSample(normal(2)),
            "label": NumericSample(normal(1)),
            "extra": CategoricalSample({"a": 1}),
        },
        {"x": Kind.NUMERIC},
        SETTINGS,
    )

    assert report.verdict is Verdict.NO_DRIFT
    assert [column.name for column in report.columns] == ["extra", "x"]
    assert report.columns[0].verdict is Verdict.INSUFFICIENT_DATA
    assert "new" in report.columns[0].reason
    assert report.broken == ()
    assert report.reason.startswith("0 of 1 columns drifted")


@pytest.mark.parametrize(
    ("kind", "sample", "word"),
    [
        (Kind.CATEGORICAL, NumericSample(normal(1)), "holds numbers, but is declared categorical"),
        (Kind.NUMERIC, CategoricalSample({"a": ROWS}), "holds texts, but is declared numeric"),
        (
            Kind.NUMERIC,
            NumericSample(np.array(["1"] * ROWS, dtype=object)),
            "holds object values, not numbers",
        ),
        (Kind.NUMERIC, NumericSample(np.zeros((ROWS, 1))), "not numbers"),
        (Kind.NUMERIC, UnusableSample("holds lists, not numbers", ROWS), "holds lists, not numbers"),
    ],
)
def test_given_a_changed_type_then_drift_with_the_reason(kind, sample, word):
    good = NumericSample(normal(2)) if kind is Kind.NUMERIC else CategoricalSample({"a": ROWS})

    report = judge_window({"x": good}, {"x": sample}, {"x": kind}, SETTINGS)

    assert report.verdict is Verdict.DRIFT
    assert word in only(report).reason
    assert report.broken == ("x",)
    json.dumps(report.to_dict(), allow_nan=False)


def test_given_a_handful_of_rows_then_insufficient_data_however_far_they_moved():
    report = judge({"x": normal(1)}, {"x": normal(2, mean=50.0, rows=10)})

    assert report.verdict is Verdict.INSUFFICIENT_DATA
    assert only(report).verdict is Verdict.INSUFFICIENT_DATA
    assert report.rows_needed is not None
    assert (
        f"{report.rows_needed:,} current rows are needed to see an effect of 0.1 with 80 % power"
        in report.reason
    )


def test_given_few_rows_then_quiet_is_insufficient_but_the_obvious_is_drift():
    quiet = judge({"x": normal(1)}, {"x": normal(2, rows=200)})
    obvious = judge({"x": normal(1)}, {"x": normal(2, mean=2.0, rows=200)})
    strict = DriftSettings(evident_effect=SETTINGS.ks_effect)

    assert quiet.verdict is Verdict.INSUFFICIENT_DATA
    assert obvious.verdict is Verdict.DRIFT
    assert (
        judge({"x": normal(1)}, {"x": normal(2, mean=2.0, rows=200)}, strict).verdict
        is Verdict.INSUFFICIENT_DATA
    )


def test_given_a_tiny_reference_then_no_window_is_large_enough():
    report = judge({"x": normal(1, rows=150)}, {"x": normal(2, rows=100_000)})

    assert report.verdict is Verdict.INSUFFICIENT_DATA
    assert report.rows_needed is None
    assert "the reference is too small" in report.reason


def test_given_a_column_with_few_values_then_only_that_column_is_insufficient():
    sparse = normal(2)
    sparse[50:] = np.nan

    report = judge({"x": normal(1), "s": sparse}, {"x": normal(3), "s": sparse})

    assert report.verdict is Verdict.NO_DRIFT
    assert report.columns[0].name == "s"
    assert "Only 50 reference and 50 current values are present" in report.columns[0].reason


def test_given_only_rare_categories_then_they_cannot_be_compared_and_new_ones_are_expected():
    report = judge({"c": {f"a{i}": 1 for i in range(ROWS)}}, {"c": {f"b{i}": 1 for i in range(ROWS)}})

    assert report.verdict is Verdict.INSUFFICIENT_DATA
    assert only(report).reason == "Every category is too rare to be compared."
    assert report.reason.startswith("No column could be judged: c")
