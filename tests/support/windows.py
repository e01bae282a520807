"""A window in a bucket in memory, read by the real reader."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from contender.adapters.windows_duckdb import DuckDbWindows
from contender.domain.dataset import Dataset, Kind, Task
from contender.domain.drift import CategoricalSample, ColumnSample, NumericSample
from tests.support.fakes import MemoryObjects

ODD = "it's \"odd\", isn't it"
DATASET = Dataset(
    Task.CLASSIFICATION,
    "label",
    {"size": Kind.NUMERIC, "colour": Kind.CATEGORICAL, ODD: Kind.NUMERIC, "two words": Kind.CATEGORICAL},
)


class Bucket:
    """A data bucket with one window."""

    def __init__(self, path: Path) -> None:
        self.store = MemoryObjects("data")
        self.path = path

    def put(self, name: str, content: bytes | str) -> Bucket:
        """Uploads a file into the window."""
        self.store.put(f"current/w/{name}", content.encode() if isinstance(content, str) else content)
        return self

    def parquet(self, name: str, frame: pd.DataFrame) -> Bucket:
        """Uploads a Parquet file into the window."""
        frame.to_parquet(self.path / "frame.parquet", index=False)
        return self.put(name, (self.path / "frame.parquet").read_bytes())

    def read(self) -> dict[str, ColumnSample]:
        """Reads every column."""
        with DuckDbWindows(self.store, str(self.path)).open(self.store.list("current/w/"), DATASET) as window:
            return dict(window.items())


def numbers(sample: ColumnSample) -> list[float | None]:
    """The values of a numeric sample, which must have 32 bits; ``None`` for NaN."""
    assert isinstance(sample, NumericSample)
    assert sample.values.dtype == np.float32
    return [None if np.isnan(value) else float(value) for value in sample.values]


def counts(sample: ColumnSample) -> Mapping[str, int]:
    """The counts of a categorical sample; the empty text stands for all that is missing."""
    assert isinstance(sample, CategoricalSample)
    return {**sample.present, **({"": sample.rows - sum(sample.present.values())})}
