"""All columns together: level, power, drivers, and what it cannot see."""

import json

import numpy as np
import pytest
from scipy.stats import rankdata

from contender.domain.dataset import Kind
from contender.domain.drift import (
    CategoricalSample,
    ClassifierSettings,
    DriftSettings,
    NumericSample,
    SampledRows,
    Verdict,
    domain_classifier,
    judge_window,
    with_classifier,
)
from contender.errors import BadInput

NUMERIC = [f"n{i}" for i in range(6)]
FEATURES = {**dict.fromkeys(NUMERIC, Kind.NUMERIC), "c": Kind.CATEGORICAL, "d": Kind.CATEGORICAL}
QUICK = ClassifierSettings(alpha=0.05, relabellings=99)
LETTERS = np.array(["a", "b", "c", "d"], dtype=object)


def rows(seed, count=2_000, correlation=0.0, moved=0.0, missing=0.0, others=0.75):
    """Six numeric columns (the first two correlated, the last heavy-tailed) and two categorical ones."""
    generator = np.random.default_rng(seed)
    columns = {name: generator.normal(moved, size=count) for name in NUMERIC}
    columns["n1"] = correlation * columns["n0"] + np.sqrt(1 - correlation**2) * columns["n1"]
    columns["n5"] = np.exp(3 * columns["n5"])
    columns["n2"][generator.random(count) < missing] = np.nan
    rest = others / 3
    columns["c"] = generator.choice(LETTERS, size=count, p=[1 - others, rest, rest, rest])
    columns["d"] = generator.choice(LETTERS, size=count)
    return SampledRows(columns, count)


def classify(reference, current, settings=QUICK, seed=0, features=FEATURES):
    return domain_classifier(reference, current, features, settings, np.random.default_rng(seed))


def test_given_no_drift_then_the_windows_cannot_be_told_apart():
    result = classify(rows(1), rows(2), ClassifierSettings())

    assert result.verdict is Verdict.NO_DRIFT
    assert result.auc == pytest.approx(0.5, abs=0.04)
    assert result.drivers == result.left_out == ()
    assert (result.reference_rows, result.current_rows) == (2_000, 2_000)


def test_the_p_value_is_uniform_when_nothing_drifts():
    settings = ClassifierSettings(alpha=0.05, relabellings=19, min_rows=100)
    p_values = [classify(rows(2 * i, 150), rows(2 * i + 1, 220), settings).p_value for i in range(200)]

    assert sum(p <= 0.05 for p in p_values) <= 20  # P(more than 20 | 200, 0.05) < 0.001
    assert sum(p <= 0.5 for p in p_values) == pytest.approx(100, abs=25)


@pytest.mark.parametrize(
    ("drift", "driver"),
    [
        ({"correlation": 0.6}, {"n0", "n1"}),
        ({"missing": 0.4}, {"n2"}),
        ({"others": 0.35}, {"c"}),
    ],
)
def test_given_a_drift_then_it_is_found_and_its_columns_are_named(drift, driver):
    result = classify(rows(3), rows(4, **drift))

    assert result.verdict is Verdict.DRIFT
    assert result.p_value == 0.01
    assert {item.name for item in result.drivers} == driver
    assert all(item.auc_drop > 0.02 for item in result.drivers)
    assert all(name in result.reason for name in driver)


def test_given_changed_correlation_then_it_is_found_though_no_column_drifts():
    before, after = rows(5), rows(6, correlation=0.6)
    samples = [
        {
            name: NumericSample(values)
            if name in NUMERIC
            else CategoricalSample({c: int((values == c).sum()) for c in LETTERS})
            for name, values in window.columns.items()
        }
        for window in (before, after)
    ]
    report = judge_window(*samples, FEATURES, DriftSettings())
    assert report.verdict is Verdict.NO_DRIFT

    together = with_classifier(report, classify(before, after))

    assert together.verdict is Verdict.DRIFT
    assert together.drifted == ()
    assert together.reason.startswith("Rows of the two windows can be told apart (AUC = 0.")
    assert "Column by column: 0 of 8 columns drifted" in together.reason
    document = json.loads(json.dumps(together.to_dict(), allow_nan=False))
    assert document["multivariate"]["verdict"] == "drift"
    assert {driver["name"] for driver in document["multivariate"]["drivers"]} == {"n0", "n1"}


def test_a_quiet_classifier_leaves_the_verdict_of_the_columns():
    drifted = judge_window({}, {}, {"n0": Kind.NUMERIC}, DriftSettings())
    quiet = classify(rows(1), rows(2))

    assert with_classifier(drifted, quiet).verdict is drifted.verdict
    assert with_classifier(drifted, quiet).multivariate is quiet
    assert drifted.to_dict()["multivariate"] is None


def test_small_shifts_that_add_up_are_found():
    assert classify(rows(7), rows(8, moved=0.2)).verdict is Verdict.DRIFT


def test_interactions_of_a_category_are_not_seen_as_documented():
    def window(seed, sign):
        generator = np.random.default_rng(seed)
        values = np.abs(generator.normal(size=2_000))
        letters = generator.choice(np.array(["a", "b"], dtype=object), size=2_000)
        flipped = np.where(letters == "a", values, -values) * sign
        return SampledRows({"x": flipped, "c": letters}, 2_000)

    kinds = {"x": Kind.NUMERIC, "c": Kind.CATEGORICAL}

    assert classify(window(1, 1), window(2, -1), features=kinds).verdict is Verdict.NO_DRIFT


def test_the_cross_fitted_auc_agrees_with_a_direct_computation():
    settings = ClassifierSettings(alpha=0.5, relabellings=1, folds=2, ridge=0.5, min_rows=100)
    generator = np.random.default_rng(9)
    x = generator.normal(size=600)
    x[300:] += 0.4
    seed = 5
    result = domain_classifier(
        SampledRows({"x": x[:300]}, 300),
        SampledRows({"x": x[300:]}, 300),
        {"x": Kind.NUMERIC},
        settings,
        np.random.default_rng(seed),
    )

    from scipy.special import ndtri

    score = ndtri((rankdata(x) - 0.5) / 600)
    matrix = np.column_stack([score, score**2])
    matrix = (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)
    label = np.repeat([-0.5, 0.5], 300)
    aucs = []
    halves = np.array_split(np.random.default_rng(seed).permutation(600), 2)
    for test, train in (halves, halves[::-1]):
        gram = matrix[train].T @ matrix[train] + 0.5 * 600 * np.eye(2)
        predicted = matrix[test] @ np.linalg.solve(gram, matrix[train].T @ label[train])
        old, new = predicted[label[test] < 0], predicted[label[test] > 0]
        aucs.append(np.mean((new[:, None] > old) + 0.5 * (new[:, None] == old)))
    assert result.auc == pytest.approx(np.mean(aucs), abs=1e-9)


def test_the_same_seed_gives_the_same_result_and_inputs_stay_as_they_are():
    before, after = rows(1), rows(2, correlation=0.5)
    copies = {name: values.copy() for name, values in after.columns.items()}

    assert classify(before, after, seed=4) == classify(before, after, seed=4)
    for name, values in copies.items():
        np.testing.assert_array_equal(values, after.columns[name])


def test_rows_are_capped_and_few_rows_say_nothing():
    capped = classify(rows(1, 900), rows(2, 2_000), ClassifierSettings(alpha=0.05, relabellings=99, rows=600))
    few = classify(rows(1, 499), rows(2))

    assert (capped.reference_rows, capped.current_rows) == (600, 600)
    assert few.verdict is Verdict.INSUFFICIENT_DATA
    assert few.auc is few.p_value is None
    assert few.reason == "The columns together need at least 500 rows of each window."


def test_columns_that_cannot_be_used_are_left_out():
    before, after = rows(1), rows(2)
    broken = {**after.columns, "n3": np.array(["text"] * 2_000, dtype=object)}
    del broken["d"]

    result = classify(before, SampledRows(broken, 2_000))

    assert result.left_out == ("n3", "d")
    assert result.verdict is Verdict.NO_DRIFT


def test_infinite_all_missing_constant_and_none_values_are_no_error():
    odd = {
        "n0": np.full(600, np.nan),
        "n1": np.full(600, 7.0),
        "n2": np.where(np.arange(600) % 2, np.inf, 1.0),
        "c": np.array([None, "x"] * 300, dtype=object),
    }
    kinds = {name: FEATURES[name] for name in odd}
    window = SampledRows(odd, 600)

    assert classify(window, window, features=kinds).verdict is Verdict.NO_DRIFT
    constant = SampledRows({"n1": odd["n1"]}, 600)
    nothing = classify(constant, constant, features={"n1": Kind.NUMERIC})
    assert nothing.verdict is Verdict.NO_DRIFT
    assert nothing.reason == "No column varies, so there is nothing to tell the windows apart by."


def test_with_more_numeric_columns_than_pairs_allow_some_are_paired():
    settings = ClassifierSettings(alpha=0.05, relabellings=99, pair_columns=2)

    found = [classify(rows(3), rows(4, correlation=0.9), settings, seed).verdict for seed in range(12)]

    assert Verdict.NO_DRIFT in found  # the correlated pair is drawn once in 15


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("alpha", 0),
        ("auc_threshold", 0.5),
        ("ridge", 0.0),
        ("rows", 99),
        ("min_rows", 1.5),
        ("folds", 1),
        ("relabellings", 998),
        ("pair_columns", -1),
        ("categories", True),
        ("drivers", 0),
    ],
)
def test_bad_settings_are_named(field, value):
    with pytest.raises(BadInput) as caught:
        ClassifierSettings(**{field: value})
    assert [problem.field for problem in caught.value.problems] == [f"drift.classifier.{field}"]


def test_rows_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="'x' has the shape"):
        SampledRows({"x": np.zeros(3)}, 4)
