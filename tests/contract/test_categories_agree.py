"""A value is the same category in the drift check, in training, and in what traffic sends to the router."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contender.adapters.windows_duckdb import DuckDbWindows
from contender.domain.dataset import Dataset, Kind, Task
from contender.domain.drift import CategoricalSample
from scripts.traffic_rows import rows_from_file
from tests.support.fakes import MemoryObjects
from trainer.data import load_window

DATASET = Dataset(Task.CLASSIFICATION, "label", {"k": Kind.CATEGORICAL})

_TYPES: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.int8(), st.integers(-128, 127)),
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.uint64(), st.integers(0, 2**64 - 1)),
    (pa.float64(), st.one_of(st.floats(allow_nan=True), st.integers(-(2**70), 2**70).map(float))),
    (pa.float32(), st.floats(width=32)),
    (pa.decimal128(20, 4), st.decimals(-10_000, 10_000, places=4)),
    (pa.decimal128(20, 0), st.integers(-(10**9), 10**9).map(Decimal)),
    (pa.bool_(), st.booleans()),
    (pa.string(), st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=5)),
    (pa.null(), st.none()),
]


def columns() -> st.SearchStrategy[pa.Array]:
    """Columns of every type that can be categorical, with missing values."""
    return st.one_of(
        st.lists(st.one_of(st.none(), values), min_size=1, max_size=8).map(
            lambda drawn, type_=type_: pa.array(drawn, type_)
        )
        for type_, values in _TYPES
    )


def put(store: MemoryObjects, key: str, column: pa.Array) -> None:
    """Uploads a file with that column."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"k": column, "label": pa.array([1] * len(column))}), sink)
    store.put(key, sink.getvalue().to_pybytes())


def counted(store: MemoryObjects) -> dict[str, int]:
    """What the drift check counts."""
    with DuckDbWindows(store, threads=1).open(store.list("w/"), DATASET) as window:
        sample = window["k"]
    assert isinstance(sample, CategoricalSample)
    return {**sample.present, "": sample.rows - sum(sample.present.values())}


def drawn(store: MemoryObjects) -> list[str]:
    """What the test of all columns together is given."""
    return DuckDbWindows(store, threads=1).sample(store.list("w/"), DATASET, 100, 1).texts("k") or []


@settings(max_examples=30, deadline=None)
@given(st.lists(columns(), min_size=1, max_size=3))
def test_check_and_training_name_the_same_categories_whatever_types_files_have(files: list[pa.Array]) -> None:
    store = MemoryObjects("data")
    for number, column in enumerate(files):
        put(store, f"w/{number}.parquet", column)

    trained = load_window(store, "w/", DATASET).features["k"].tolist()

    assert sorted(drawn(store)) == sorted(trained)
    assert counted(store) == {"": 0, **{name: trained.count(name) for name in trained}}


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (pa.array([3, None, -7]), ["3", "", "-7"]),
        (
            pa.array([3.0, float("nan"), None, -0.0, 0.5, 1e17]),
            ["3", "", "", "0", "0.5", "100000000000000000"],
        ),
        (pa.array([float("nan")] * 3), ["", "", ""]),
        (pa.array([0.0, float("nan"), -float("nan"), -1.0]), ["0", "", "", "-1"]),
        (pa.array([0.1, 0.3, 1e20, 2.0], pa.float32()), ["0.1", "0.3", "1e+20", "2"]),
        (pa.array([Decimal("3.00"), Decimal("3.50"), Decimal("100.00")]), ["3", "3.5", "100"]),
        (pa.array([True, False]), ["true", "false"]),
        (pa.array(["3.0", "007"]), ["3.0", "007"]),
    ],
)
def test_whole_numbers_have_one_text_and_texts_stay_as_they_are(
    column: pa.Array, texts: list[str], tmp_path: Any
) -> None:
    store = MemoryObjects("data")
    put(store, "w/a.parquet", column)
    (tmp_path / "a.parquet").write_bytes(store.get("w/a.parquet"))

    assert load_window(store, "w/", DATASET).features["k"].tolist() == texts
    assert sorted(drawn(store)) == sorted(texts)
    assert counted(store) == {"": 0, **{name: texts.count(name) for name in texts}}
    sent = [row.features["k"] for row in rows_from_file(tmp_path / "a.parquet", DATASET)]
    assert sent == [text or None for text in texts]
    assert json.loads(json.dumps(sent)) == sent


def test_a_dictionary_of_numbers_is_numbers() -> None:
    store = MemoryObjects("data")
    frame = pd.DataFrame({"k": pd.Categorical([1.0, 2.5, None]), "label": [0, 1, 1]})
    sink = pa.BufferOutputStream()
    frame.to_parquet(sink, index=False)
    store.put("w/a.parquet", sink.getvalue().to_pybytes())

    assert load_window(store, "w/", DATASET).features["k"].tolist() == ["1", "2.5", ""]
    assert counted(store) == {"1": 1, "2.5": 1, "": 1}
