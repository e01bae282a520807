from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from contender.domain.dataset import Dataset, Kind, Task
from contender.errors import BadInput
from scripts.datasets.layout import read_table, write_table

DATASET = Dataset(Task.CLASSIFICATION, "y", {"code": Kind.CATEGORICAL, "x": Kind.NUMERIC})


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.parquet"])
def test_given_a_written_table_when_read_then_words_stay_words_and_gaps_stay_gaps(
    tmp_path: Path, name: str
) -> None:
    table = pd.DataFrame(
        {"code": ["NA", None, "007"], "x": [1.5, None, 3.0], "y": [1, 0, 1], "other": [0, 0, 0]}
    )
    read = read_table(write_table(table, tmp_path / "deep" / name, DATASET), DATASET)
    assert list(read.columns) == ["code", "x", "y"]
    assert read["code"].fillna("gap").tolist() == ["NA", "gap", "007"]
    assert read["x"].isna().tolist() == [False, True, False]
    assert read["y"].tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("name", "content"),
    [("t.parquet", b"not parquet"), ("t.csv.gz", b"not gzip"), ("t.csv", b""), ("t.txt", b"x")],
)
def test_given_a_file_that_is_not_what_it_says_then_the_error_names_it(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadInput, match=name):
        read_table(tmp_path / name, DATASET)


def test_given_a_table_without_a_declared_column_then_it_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="x, y"):
        write_table(pd.DataFrame({"code": ["a"]}), tmp_path / "t.csv", DATASET)
    assert not (tmp_path / "t.csv").exists()
    with pytest.raises(BadInput, match="ending"):
        write_table(pd.DataFrame({"code": ["a"], "x": [1], "y": [1]}), tmp_path / "t.xls", DATASET)
