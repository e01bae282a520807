"""Files of a window: many, mixed, broken; and what they need around them."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contender.adapters.windows_duckdb import DuckDbWindows
from contender.domain.dataset import Dataset, Kind, Task
from contender.domain.drift import CategoricalSample, DriftSettings, UnusableSample, judge_window
from contender.errors import BadInput, NotFound
from contender.ports import ObjectInfo
from tests.support.windows import DATASET, Bucket, counts, numbers

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    return Bucket(tmp_path)


def test_many_files_are_one_window_whatever_their_format_and_order_of_columns(bucket: Bucket) -> None:
    bucket.put("a.csv", "size,colour\n1,red\n").put("b.csv.gz", gzip.compress(b"colour,size\nblue,2\n"))
    bucket.put("c.tsv", "size\tcolour\n3\tred\n").put("deep/d.csv", "size,colour\n4,\n")
    bucket.parquet("e.parquet", pd.DataFrame({"colour": ["red"], "size": [5.5]}))
    window = bucket.read()
    assert sorted(numbers(window["size"])) == [1, 2, 3, 4, 5.5]  # type: ignore[type-var]
    assert counts(window["colour"]) == {"red": 3, "blue": 1, "": 1}


def test_a_column_that_some_files_lack_is_unusable_and_they_are_named(bucket: Bucket) -> None:
    bucket.put("a.csv", "size,colour\n1,red\n").put("b.csv", "colour\nred\n").put("c.csv", "size\n2\n")
    window = bucket.read()
    assert window["colour"] == UnusableSample("is absent from current/w/c.csv", 3)
    assert window["size"] == UnusableSample("is absent from current/w/b.csv", 3)


def test_a_window_with_another_delimiter_is_not_called_empty(bucket: Bucket) -> None:
    bucket.put("a.csv", "size;colour\n" + "1;red\n" * 500)
    kinds = dict.fromkeys(DATASET.features, Kind.NUMERIC)
    report = judge_window(bucket.read(), bucket.read(), kinds, DriftSettings())
    assert "has none of the declared columns; it has 'size;colour'." in report.reason


def test_of_many_files_without_a_column_the_first_are_named(bucket: Bucket) -> None:
    bucket.put("a.csv", "size,colour\n1,red\n")
    for name in "bcdef":
        bucket.put(f"{name}.csv", "size\n2\n")
    sample = bucket.read()["colour"]
    assert isinstance(sample, UnusableSample)
    assert (
        sample.problem
        == "is absent from " + ", ".join(f"current/w/{name}.csv" for name in "bcd") + " and 2 more files"
    )


def test_a_window_of_which_one_file_lacks_a_column_is_told_to_be_broken(bucket: Bucket) -> None:
    bucket.put("a.csv", "size,colour\n" + "1,red\n" * 500).put("b.csv", "size\n" + "1\n" * 500)
    bucket.store.put("reference/a.csv", ("size,colour\n" + "1,red\n" * 1000).encode())
    objects = bucket.store.list("reference/"), bucket.store.list("current/w/")
    dataset = Dataset(Task.CLASSIFICATION, "y", {"size": Kind.NUMERIC, "colour": Kind.CATEGORICAL})
    with DuckDbWindows(bucket.store).compare(*objects, dataset) as windows:
        report = judge_window(*windows, dataset.features, DriftSettings())
    assert report.broken == ("colour",)
    assert report.reason == "1 of 2 columns drifted: colour (is absent from current/w/b.csv)."


def test_truth_values_in_one_format_and_numbers_in_another_fit_together(bucket: Bucket) -> None:
    bucket.parquet("a.parquet", pd.DataFrame({"size": [True, False]})).put("b.csv", "size\n1\n0\n")
    sample = bucket.read()["size"]
    assert numbers(sample) == [1, 0, 1, 0]


def test_columns_that_are_not_declared_are_there_but_unusable(bucket: Bucket) -> None:
    sample = bucket.put("a.csv", "size,weight\n1,2\n3,4\n").read()["weight"]
    assert isinstance(sample, UnusableSample)
    assert (sample.problem, sample.rows) == ("is not declared in dataset.json", 2)


def test_the_many_values_of_a_column_of_ids_are_capped(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contender.adapters.column_queries.MAX_CATEGORIES", 2)
    sample = bucket.put("a.csv", "colour\na\na\na\nb\nb\nc\nd\n").read()["colour"]
    assert isinstance(sample, CategoricalSample)
    assert dict(sample.counts) == {"a": 3, "b": 2, "(further categories)": 2}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.parquet", b"PAR1 this is not Parquet"),
        ("a.parquet", b"size\n1\n"),
        ("a.csv.gz", b"size\n1\n"),
        ("a.csv.gz", gzip.compress(b"size\n" + os.urandom(2_000).hex().encode())[:-200]),
        ("a.csv", b"size,colour\n1,red\n" + b"1,red\n" * 50_000 + b"1,red,more\n"),
        ("a.csv", b"size\n\xff\xfe\xfa\n"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(bucket: Bucket, name: str, content: bytes) -> None:
    bucket.put("0.csv", "size,colour\n1,red\n").put(name, content)
    with pytest.raises(BadInput, match=rf"s3://data/current/w/{name}: cannot be read"):
        bucket.read()


def test_a_parquet_file_that_is_spoilt_inside_is_bad_data_not_drift(bucket: Bucket) -> None:
    bucket.parquet("a.parquet", pd.DataFrame({"size": np.random.default_rng(2).normal(size=5_000)}))
    content = bytearray(bucket.store.content["current/w/a.parquet"])
    content[4:100] = b"\xff" * 96  # the header of its first page
    bucket.put("a.parquet", bytes(content))
    with pytest.raises(BadInput, match=r"s3://data/current/w/.*cannot be read"):
        bucket.read()


@pytest.mark.parametrize("name", ["a.json", "a", "a.csv.bak", "README.md", "a.xlsx", "a.csv.zip"])
def test_a_file_of_no_known_format_is_named(bucket: Bucket, name: str) -> None:
    bucket.put(name, b"x")
    with pytest.raises(BadInput, match=rf"s3://data/current/w/{name}: is of no known format"):
        bucket.read()


def test_a_file_that_vanished_is_not_found(bucket: Bucket) -> None:
    objects = [ObjectInfo("current/w/gone.csv", "x", 1, 0.0)]
    with pytest.raises(NotFound), DuckDbWindows(bucket.store).open(objects, DATASET):
        pass


def test_nothing_is_left_behind(bucket: Bucket) -> None:
    bucket.put("a.csv", "size\n1\n").read()
    bucket.put("b.parquet", b"x")
    with pytest.raises(BadInput):
        bucket.read()
    assert list(bucket.path.iterdir()) == []


AS_IN_A_LAMBDA = """
import json, sys
from contender.adapters.windows_duckdb import DuckDbWindows
from contender.domain.dataset import parse_dataset
from contender.ports import ObjectInfo
class Store:
    def uri(self, key): return key
    def download(self, key, path):
        import shutil; shutil.copy(key, path)
dataset = parse_dataset({"task": "regression", "target": "y", "features": {"size": "numeric"}})
objects = [ObjectInfo(name, "x", 1, 0.0) for name in sys.argv[1:]]
with DuckDbWindows(Store()).open(objects, dataset) as window:
    print(json.dumps(window["size"].values.tolist()))
"""


@pytest.mark.parametrize("home", [{"HOME": "/nonexistent"}, {"HOME": "/proc"}, {}])
def test_no_home_folder_is_needed_as_in_a_lambda(tmp_path: Path, home: dict[str, str]) -> None:
    pd.DataFrame({"size": [1.5]}).to_parquet(tmp_path / "a.parquet")
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"size\n2.5\n"))
    result = subprocess.run(
        [sys.executable, "-c", AS_IN_A_LAMBDA, str(tmp_path / "a.parquet"), str(tmp_path / "b.csv.gz")],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "layers" / "core"), **home},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert sorted(json.loads(result.stdout)) == [1.5, 2.5]
