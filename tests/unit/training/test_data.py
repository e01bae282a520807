from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from contender.domain.dataset import Dataset, Kind, Task
from contender.errors import BadInput
from tests.support.fakes import MemoryObjects
from tests.support.training import parquet
from trainer.data import MAX_CLASSES, load_window, prepare

CLICKS = Dataset(
    task=Task.CLASSIFICATION,
    target="bought",
    features={"age": Kind.NUMERIC, "zip code": Kind.CATEGORICAL},
    timestamp="at",
)
PRICES = Dataset(task=Task.REGRESSION, target="price", features={"age": Kind.NUMERIC})
CSV = b"""age,zip code,bought,at,more
31,007,1,2024-01-02,x
,NA,0,2024-01-03T10:00:00Z,x
NaN,,1,2024-01-04,x
40,8000,,2024-01-05,x
41,8000,0,,x
"""


def test_given_csv_when_loaded_then_texts_stay_texts_and_blanks_are_missing() -> None:
    store = MemoryObjects("data")
    store.put("current/w/a.csv", CSV)
    store.put("current/w/b.csv.gz", gzip.compress(CSV))
    store.put("current/w/empty.csv", b"")

    data = load_window(store, "current/w/", CLICKS)

    assert len(data) == 6
    assert data.features["zip code"].tolist() == ["007", "NA", ""] * 2
    np.testing.assert_array_equal(data.features["age"].to_numpy(), np.array([31, np.nan, np.nan] * 2, "f4"))
    assert data.features["age"].dtype == np.float32
    assert data.target.dtype == np.int64
    assert data.target.tolist() == [1, 0, 1] * 2
    assert data.dropped == {"target is missing": 2, "timestamp is missing": 2}
    assert data.times is not None
    assert data.times[1] == np.datetime64("2024-01-03T10:00:00")


def test_given_parquet_with_missing_integers_when_loaded_then_a_category_does_not_turn_into_a_float() -> None:
    store = MemoryObjects("data")
    frame = pd.DataFrame(
        {
            "age": [1e300, -np.inf, 3.0],
            "zip code": pd.array([8000, None, 7], dtype="Int64"),
            "bought": [True, False, True],
            "at": pd.to_datetime(["2024-01-03", "2024-01-01", "2024-01-02"]),
        }
    )
    store.put("reference/a.parquet", parquet(frame))

    data = load_window(store, "reference/", CLICKS)

    assert data.features["zip code"].tolist() == ["8000", "", "7"]
    np.testing.assert_array_equal(data.features["age"].to_numpy(), np.array([np.nan, np.nan, 3.0], "f4"))
    assert data.target.tolist() == [1, 0, 1]


def test_given_files_that_write_them_otherwise_when_loaded_then_labels_and_units_are_the_same() -> None:
    dataset = Dataset(Task.CLASSIFICATION, "y", {"x": Kind.NUMERIC}, unit="u")
    store = MemoryObjects("data")
    whole = {"x": [1.0, 2.0], "u": [7, 8]}
    store.put("w/a.parquet", parquet(pd.DataFrame({**whole, "y": [True, False]})))
    store.put("w/b.parquet", parquet(pd.DataFrame({**whole, "u": [7.0, np.nan], "y": [1.0, 0.0]})))
    store.put("w/c.csv", b"x,u,y\n1,7,1\n2,8,0\n")

    data = load_window(store, "w/", dataset)

    assert data.target.tolist() == [1, 0] * 3
    assert data.units is not None
    assert data.units.tolist() == ["7", "8", "7", "", "7", "8"]


@pytest.mark.parametrize(
    ("texts", "labels"),
    [
        (["1", "0", "1.0"], [1, 0, 1]),
        (["true", "False", "TRUE"], [1, 0, 1]),
        (["true", "0", "1.0"], [1, 0, 1]),
        (["true", "2", "1"], ["true", "2", "1"]),
        (["01", "1", "2"], ["01", "1", "2"]),
        (["yes", "no", "yes"], ["yes", "no", "yes"]),
        (["99999999999999999999", "1", "1"], ["99999999999999999999", "1", "1"]),
    ],
)
def test_given_labels_when_prepared_then_only_plain_integers_become_numbers(
    texts: list[str], labels: list[object]
) -> None:
    dataset = Dataset(task=Task.CLASSIFICATION, target="y", features={"x": Kind.NUMERIC})

    assert prepare(pd.DataFrame({"x": [1, 2, 3], "y": texts}), dataset).target.tolist() == labels


def test_given_wrong_columns_when_prepared_then_every_one_is_named_with_its_fix() -> None:
    frame = pd.DataFrame({"age": ["old", "3"], "zip code": ["a", "b"], "bought": [1, 0], "at": ["soon", ""]})

    with pytest.raises(BadInput) as caught:
        prepare(frame, CLICKS)

    assert [problem.field for problem in caught.value.problems] == ["age", "at"]
    assert "'old'" in str(caught.value)
    assert "ISO 8601" in str(caught.value)


def test_given_missing_columns_when_loaded_then_each_is_named_with_the_file() -> None:
    store = MemoryObjects("data")
    store.put("reference/a.csv", b"age\n1\n")

    with pytest.raises(BadInput) as caught:
        load_window(store, "reference/", CLICKS)

    assert [problem.field for problem in caught.value.problems] == ["zip code", "bought", "at"]
    assert "s3://data/reference/a.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("key", "content"),
    [("reference/a.xlsx", b"x"), ("reference/a.parquet", b"no parquet"), ("other/a", b"x")],
)
def test_given_no_readable_file_when_loaded_then_it_is_named(key: str, content: bytes) -> None:
    store = MemoryObjects("data")
    store.put(key, content)

    with pytest.raises(BadInput, match="s3://data/reference/"):
        load_window(store, "reference/", CLICKS)


def test_given_a_target_of_many_values_when_classified_then_regression_is_proposed() -> None:
    dataset = Dataset(task=Task.CLASSIFICATION, target="y", features={"x": Kind.NUMERIC})
    values = range(MAX_CLASSES + 1)

    with pytest.raises(BadInput, match="regression"):
        prepare(pd.DataFrame({"x": values, "y": values}), dataset)


def test_given_a_regression_when_prepared_then_rows_without_a_finite_target_are_dropped() -> None:
    data = prepare(pd.DataFrame({"age": [1, 2, 3, 4], "price": ["1.5", "", "inf", "n/a"]}), PRICES)

    assert data.target.tolist() == [1.5]
    assert data.dropped == {"target is missing": 3}


def test_given_rare_classes_when_left_out_then_they_are_counted() -> None:
    dataset = Dataset(task=Task.CLASSIFICATION, target="y", features={"x": Kind.NUMERIC})
    data = prepare(pd.DataFrame({"x": range(7), "y": list("aaabbbc")}), dataset)

    kept = data.without_rare_classes(2)

    assert kept.target.tolist() == list("aaabbb")
    assert kept.dropped == {"class 'c' has fewer than 2 rows": 1}
    assert kept.without_rare_classes(2) is kept
