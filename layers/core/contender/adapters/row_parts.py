"""Rows on disk in parts by ranges of a number: sorting that needs memory for one part at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contender.adapters.arrow_arrays import to_arrow

MOST_PARTS = 256
"""Most files that are open at a time; beyond as many full parts they grow instead."""


class RowParts:
    """Distributes rows over files, and gives the files in rising order of the number.

    Args:
        folder: Made here.
        edges: Rising; part i has what is at least ``edges[i - 1]`` and below ``edges[i]``.
    """

    def __init__(self, folder: Path, edges: NDArray[np.float64]) -> None:
        folder.mkdir()
        self._folder, self._edges = folder, edges
        self._writers: dict[int, pa.RecordBatchStreamWriter] = {}
        self._written: list[int] = []

    def add(self, rows: pa.RecordBatch, by: NDArray[np.float64]) -> None:
        """Takes rows in.

        Args:
            rows: Of one schema for all calls.
            by: Shape [rows], the number of each; no NaN.
        """
        part = np.searchsorted(self._edges, by, side="right")
        order = np.argsort(part, kind="stable")
        rows = rows.take(to_arrow(order))
        names, starts = np.unique(part[order], return_index=True)
        for name, start, end in zip(names, starts, [*starts[1:], part.size], strict=True):
            writer = self._writers.get(int(name))
            if writer is None:
                writer = self._writers[int(name)] = pa.ipc.new_stream(self._path(int(name)), rows.schema)
            writer.write_batch(rows.slice(start, end - start))

    def close(self) -> None:
        """Ends writing."""
        for writer in self._writers.values():
            writer.close()
        self._written = sorted(self._writers)
        self._writers.clear()  # only so are their files closed

    def __iter__(self) -> Iterator[pa.Table]:
        """Gives the parts that have rows."""
        for name in self._written:
            with pa.memory_map(self._path(name)) as file, pa.ipc.open_stream(file) as reader:
                yield reader.read_all().combine_chunks()

    def _path(self, name: int) -> str:
        return str(self._folder / f"{name:06d}.arrow")
