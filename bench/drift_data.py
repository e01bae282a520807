"""Windows for the benchmark of the drift check: 15 numeric and 5 categorical columns, some drifted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bench.drift_columns import DRIFTED, FEATURES, SIZES

BLOCK = 250_000
"""Rows that are drawn at once, and rows of a row group, so that ten million do not fill the memory."""


def write_window(path: Path, rows: int, seed: int, *, moved: bool) -> None:
    """Writes a window as one Parquet file.

    The numeric columns are of the shapes that real ones have: normal, lognormal and Pareto tails, amounts in
    cents, counts, hours of the day, truth values, many zeros, values far from zero; a third of them has
    missing values.

    Args:
        path: The file.
        rows: How many, ≥ 1.
        seed: Seed of everything drawn.
        moved: Whether the columns in ``DRIFTED`` are moved.
    """
    generator = np.random.default_rng(seed)
    writer: pq.ParquetWriter | None = None
    for start in range(0, rows, BLOCK):
        block = _block(generator, min(BLOCK, rows - start), moved=moved)
        writer = writer or pq.ParquetWriter(path, block.schema)
        writer.write_table(block)
    assert writer is not None
    writer.close()


def _block(generator: np.random.Generator, rows: int, *, moved: bool) -> pa.Table:
    columns: dict[str, Any] = {}
    for index, name in enumerate(name for name, kind in FEATURES.items() if kind == "numeric"):
        values = _numbers(generator, index, rows)
        if moved and name in DRIFTED:
            values = values + np.nanstd(values) * 0.75
        if index % 3 == 0:
            values[generator.random(rows) < 0.04] = np.nan
        # Numbers that float32 holds too, so that everybody compares the same ones.
        exact = values.astype(np.float32).astype(np.float64)
        columns[name] = pa.array(exact, from_pandas=True)
    for index, size in enumerate(SIZES):
        weights = 1.0 / np.arange(1, size + 1)
        if moved and f"c{index}" in DRIFTED:
            weights[0] *= 4.0
        codes = generator.choice(size, size=rows, p=weights / weights.sum())
        names = pa.array([f"value-{index}-{code}" for code in range(size)])
        columns[f"c{index}"] = pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), names).cast(
            pa.string()
        )
    return pa.table(columns)


def _numbers(generator: np.random.Generator, index: int, rows: int) -> NDArray[np.float64]:
    normal = generator.normal(size=rows)
    match index:
        case 0 | 1 | 2:
            return normal * 10.0**index
        case 3:
            return 1_000_000 + normal  # far from zero, so that few of its bits tell anything
        case 4 | 5:
            return np.exp(normal * (index - 3))
        case 6:
            return generator.pareto(1.2, size=rows)
        case 7:
            return np.round(np.exp(3 + normal), 2)
        case 8 | 9:
            return generator.poisson(3.0 if index == 8 else 400.0, size=rows).astype(np.float64)
        case 10:
            return generator.integers(0, 24, size=rows).astype(np.float64)
        case 11:
            return (generator.random(rows) < 0.1).astype(np.float64)
        case 12:
            return np.where(generator.random(rows) < 0.6, 0.0, np.exp(normal))
        case 13:
            return generator.random(rows)
        case _:
            return np.where(generator.random(rows) < 0.3, normal - 4, normal + 4)


def main() -> None:
    """Writes windows: a process of its own, whose memory is not that of what is measured after it."""
    for argument in sys.argv[1:]:
        path, rows, seed, moved = argument.split(",")
        write_window(Path(path), int(rows), int(seed), moved=moved == "moved")


if __name__ == "__main__":
    main()
