"""Whole rows drawn from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contender.adapters.windows_duckdb import DuckDbWindows
from contender.domain.drift import SampledRows
from tests.support.windows import DATASET, ODD, Bucket


@pytest.fixture
def bucket(tmp_path: Path) -> Bucket:
    return Bucket(tmp_path)


def draw(bucket: Bucket, rows: int, seed: int = 1, threads: int = 2) -> SampledRows:
    windows = DuckDbWindows(bucket.store, threads=threads)
    return windows.sample(bucket.store.list("current/w/"), DATASET, rows, seed)


def frame(start: int, rows: int) -> pd.DataFrame:
    place = np.arange(start, start + rows)
    return pd.DataFrame({"size": place.astype(float), "colour": [f"c{n}" for n in place], ODD: -place})


def test_rows_stay_whole_over_several_files_and_kinds_of_files(bucket: Bucket) -> None:
    bucket.parquet("a.parquet", frame(0, 500)).put("b.csv", frame(500, 500).to_csv(index=False))
    drawn = draw(bucket, 300)
    size, other, colour = drawn.numbers("size"), drawn.numbers(ODD), drawn.texts("colour")
    assert size is not None
    assert other is not None
    assert colour == [f"c{n:.0f}" for n in size]
    assert (other == -size).all()
    assert len(set(colour)) == drawn.rows == 300
    assert 100 < (size < 500).sum() < 200  # of both files, about as many
    assert drawn.texts("two words") is None


def test_a_seed_draws_the_same_rows_however_many_threads_read(bucket: Bucket) -> None:
    bucket.parquet("a.parquet", frame(0, 2_000)).parquet("b.parquet", frame(2_000, 2_000))
    first = draw(bucket, 100, threads=1).texts("colour")
    assert draw(bucket, 100, threads=4).texts("colour") == first
    assert draw(bucket, 100, seed=2).texts("colour") != first


def test_missing_values_columns_of_another_type_and_small_windows(bucket: Bucket) -> None:
    table = pd.DataFrame(
        {"size": [1.0, None, 3.0], "colour": [None, "x", ""], ODD: pd.to_datetime(["2024-01-01"] * 3)}
    )
    drawn = draw(bucket.parquet("a.parquet", table), 100)
    size, colour = drawn.numbers("size"), drawn.texts("colour")
    assert size is not None
    assert colour is not None
    assert drawn.rows == 3
    assert sorted(map(str, size)) == ["1.0", "3.0", "nan"]
    assert sorted(colour) == ["", "", "x"]
    assert drawn.numbers(ODD) is None


def test_a_window_without_a_declared_column_has_no_rows(bucket: Bucket) -> None:
    assert draw(bucket.put("a.csv", "else\n1\n"), 10).rows == 0
