from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contender.adapters.local_objects import LocalObjects
from contender.domain.dataset import Dataset, Kind, Task, row_from_mapping, row_from_sequence
from contender.errors import BadInput, NotFound
from contender.usecases.declaration import read_dataset
from scripts.datasets.layout import write_dataset, write_table
from scripts.traffic_rows import (
    Row,
    body,
    json_value,
    outcome_value,
    rows_from_file,
    rows_of,
    sample_rows,
)

DATASET = Dataset(
    Task.CLASSIFICATION, "y", {"x": Kind.NUMERIC, "c": Kind.CATEGORICAL}, timestamp=None, unit="who", name="t"
)
FLOAT32 = st.floats(width=32, allow_nan=True, allow_infinity=True)


@given(
    numbers=st.lists(st.none() | FLOAT32, min_size=1, max_size=20),
    words=st.lists(st.none() | st.text(max_size=20), min_size=20, max_size=20),
)
def test_given_any_table_then_every_row_is_valid_json_that_the_contract_accepts(
    numbers: list[float | None], words: list[str | None]
) -> None:
    words = words[: len(numbers)]
    table = pd.DataFrame({"c": pd.Series(words, dtype=object), "x": pd.Series(numbers, dtype=float), "y": 1})
    for row, number, word in zip(rows_of(table, DATASET), numbers, words, strict=True):
        named = json.loads(json.dumps(body(row, positional=False), allow_nan=False))
        placed = json.loads(json.dumps(body(row, positional=True), allow_nan=False))
        checked = row_from_mapping(DATASET, named["features"])
        assert repr(checked) == repr(row_from_sequence(DATASET, placed["data"]))
        assert checked["c"] == (word or "")
        finite = number is not None and np.isfinite(number)
        assert checked["x"] == number if finite else np.isnan(checked["x"])


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (np.int64(3), Kind.NUMERIC, 3),
        (np.float32(0.5), Kind.NUMERIC, 0.5),
        (True, Kind.NUMERIC, 1),
        (np.bool_(False), Kind.NUMERIC, 0),
        ("2.5", Kind.NUMERIC, 2.5),
        ("much", Kind.NUMERIC, None),
        (float("inf"), Kind.NUMERIC, None),
        (float("nan"), Kind.NUMERIC, None),
        (pd.NA, Kind.NUMERIC, None),
        (None, Kind.CATEGORICAL, None),
        (float("nan"), Kind.CATEGORICAL, None),
        (7, Kind.CATEGORICAL, "7"),
        (np.bool_(True), Kind.CATEGORICAL, "true"),
        ("NA", Kind.CATEGORICAL, "NA"),
        ("", Kind.CATEGORICAL, ""),
    ],
)
def test_given_a_value_then_json_value_is_what_the_router_reads(
    value: object, kind: Kind, expected: float | str | None
) -> None:
    result = json_value(value, kind)
    assert result == expected and type(result) is type(expected)


@pytest.mark.parametrize(
    ("value", "task", "expected"),
    [
        (np.int64(1), Task.CLASSIFICATION, 1),
        (1.0, Task.CLASSIFICATION, 1),
        (True, Task.CLASSIFICATION, 1),
        ("yes", Task.CLASSIFICATION, "yes"),
        (pd.NA, Task.CLASSIFICATION, None),
        (np.int64(-4), Task.REGRESSION, -4.0),
        (float("inf"), Task.REGRESSION, None),
        (None, Task.REGRESSION, None),
    ],
)
def test_given_a_target_then_the_outcome_has_its_type(value: object, task: Task, expected: object) -> None:
    result = outcome_value(value, task)
    assert result == expected and type(result) is type(expected)


def test_given_a_declared_unit_then_it_is_sent_and_left_out_where_missing() -> None:
    table = pd.DataFrame({"x": [1.0, 2.0], "c": ["a", "b"], "y": [0, 1], "who": ["ann", None]})
    first, second = rows_of(table, DATASET)
    assert body(first, positional=False) == {"features": {"x": 1.0, "c": "a"}, "unit_id": "ann"}
    assert body(second, positional=True) == {"data": [2.0, "b"]}
    assert (first.outcome, second.outcome) == (0, 1)


def test_given_a_table_without_target_then_rows_have_no_outcome_but_missing_features_are_named() -> None:
    assert list(rows_of(pd.DataFrame({"x": [1], "c": ["a"]}), DATASET)) == [Row({"x": 1, "c": "a"})]
    with pytest.raises(BadInput, match="x, c"):
        list(rows_of(pd.DataFrame({"y": [1]}), DATASET))


def test_given_a_file_and_n_then_rows_are_evenly_spread_in_its_order(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": range(11), "c": "a", "y": 0, "who": "w"})
    path = write_table(table, tmp_path / "t.csv", DATASET)
    assert [row.features["x"] for row in rows_from_file(path, DATASET, 3)] == [0, 5, 10]
    assert [row.features["x"] for row in rows_from_file(path, DATASET)] == list(range(11))
    assert len(rows_from_file(path, DATASET, 99)) == 11
    with pytest.raises(NotFound, match="nowhere"):
        rows_from_file(tmp_path / "nowhere.csv", DATASET)
    with pytest.raises(BadInput, match="at least 1"):
        rows_from_file(path, DATASET, 0)


def data_folder(root: Path) -> LocalObjects:
    write_dataset(root, DATASET)
    for index, name in enumerate(["reference/a.csv", "reference/b.parquet", "current/w/c.csv.gz"]):
        table = pd.DataFrame({"x": range(index * 10, index * 10 + 10), "c": "a", "y": index, "who": None})
        write_table(table, root / name, DATASET)
    return LocalObjects(root)


def test_given_windows_then_rows_are_drawn_from_all_of_them_reproducibly(tmp_path: Path) -> None:
    store = data_folder(tmp_path)
    dataset = read_dataset(store)
    assert dataset == DATASET
    rows = sample_rows(store, dataset, 500, np.random.default_rng(1))
    assert {row.features["x"] for row in rows} == set(range(30))
    assert all(row.outcome == int(row.features["x"]) // 10 for row in rows)  # type: ignore[arg-type]
    assert rows == sample_rows(store, dataset, 500, np.random.default_rng(1))
    assert rows != sample_rows(store, dataset, 500, np.random.default_rng(2))


def test_given_a_file_without_a_feature_or_a_spoilt_one_then_it_is_named(tmp_path: Path) -> None:
    store = data_folder(tmp_path)
    (tmp_path / "current/w/d.csv").write_text("x,y\n1,0\n" * 1)
    with pytest.raises(BadInput, match=r"c: is not in .*current/w/d\.csv"):
        sample_rows(store, DATASET, 500, np.random.default_rng(1))
    (tmp_path / "current/w/d.csv").unlink()
    (tmp_path / "current/w/e.parquet").write_text("no Parquet")
    with pytest.raises(BadInput, match=rf"^{tmp_path}/current/w/e\.parquet: cannot be read"):
        sample_rows(store, DATASET, 5, np.random.default_rng(1))


def test_given_no_data_then_the_error_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="upload"):
        sample_rows(LocalObjects(tmp_path), DATASET, 1, np.random.default_rng(1))
