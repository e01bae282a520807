"""Columns of a window: read in full, or counted into a profile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from contender.adapters.column_queries import Numbers
from contender.adapters.duckdb_files import CHUNK_ROWS, WindowFiles
from contender.domain.dataset import Dataset, Kind
from contender.domain.drift.bounded_smirnov import within
from contender.domain.drift.buckets import SAMPLE, BucketCounter, place_edges
from contender.domain.drift.profile import NumericProfile
from contender.domain.drift.samples import CategoricalSample, ColumnSample, NumericSample, UnusableSample
from contender.domain.drift.window_profile import ColumnProfile, WindowProfile


def read_column(files: WindowFiles, dataset: Dataset, name: str) -> ColumnSample:
    """Reads one column in full.

    Args:
        files: The window.
        dataset: Declares its kind.
        name: A column that the window has.

    Raises:
        BadInput: When a file turns out to be spoilt.
    """
    problem = _problem(files, dataset, name)
    if problem is not None:
        return UnusableSample(problem, files.rows)
    if dataset.features[name] is Kind.CATEGORICAL:
        return CategoricalSample(*files.categories(name, None))
    return NumericSample(*files.numbers(name))


def profile_window(
    files: WindowFiles, dataset: Dataset, reference: WindowProfile | None, threads: int
) -> WindowProfile:
    """Counts all columns, several at once; of each no more than ``CHUNK_ROWS`` values are in memory.

    Args:
        files: The window, or some objects of it.
        dataset: Declares the kinds of its columns.
        reference: Gives edges and known categories; ``None`` for the reference itself, whose edges are then
            placed by a sample of every so manieth row.
        threads: Columns counted at once, ≥ 1.

    Raises:
        BadInput: When a file turns out to be spoilt.
    """

    def count(name: str) -> ColumnProfile:
        known = None if reference is None else reference.columns.get(name)
        problem = _problem(files, dataset, name)
        if problem is not None:
            return UnusableSample(problem, files.rows)
        # What the reference has not, nobody can compare: objects profiled apart must merge nevertheless.
        if dataset.features[name] is Kind.CATEGORICAL:
            categories = known.counts if isinstance(known, CategoricalSample) else () if reference else None
            return CategoricalSample(*files.categories(name, categories))
        nowhere = np.zeros(0, dtype=np.float32) if reference else None
        return _count_numbers(files, name, known.edges if isinstance(known, NumericProfile) else nowhere)

    with ThreadPoolExecutor(threads) as pool:
        return WindowProfile(files.rows, dict(zip(files.types, pool.map(count, files.types), strict=True)))


def read_within(files: WindowFiles, name: str, wanted: Sequence[tuple[float, float]]) -> NDArray[np.float32]:
    """Reads the values of a numeric column that lie in certain intervals; see ``ProfiledSample.within``."""
    pieces = [within(piece.values, wanted) for piece in files.chunks(name)]
    return np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.float32)


def _problem(files: WindowFiles, dataset: Dataset, name: str) -> str | None:
    match dataset.features.get(name):
        case None:
            return "is not declared in dataset.json"
        case Kind.NUMERIC:
            return files.why_no_numbers(name)
        case Kind.CATEGORICAL:
            return files.why_no_categories(name)


def _count_numbers(files: WindowFiles, name: str, edges: NDArray[np.float32] | None) -> NumericProfile:
    pieces: Iterator[Numbers] = files.chunks(name)
    if edges is None:
        step = max(1, files.rows // SAMPLE)
        if files.rows <= CHUNK_ROWS:
            whole = files.numbers(name)
            edges, pieces = place_edges(whole.values[::step]), iter([whole])
        else:
            edges = place_edges(np.concatenate([piece.values for piece in files.chunks(name, step)]))
    counter = BucketCounter(edges)
    nothing = NumericProfile(edges, np.zeros(edges.size + 1, dtype=np.int64), 0)
    counted = (NumericProfile.of(piece.values, counter, piece.unreadable) for piece in pieces)
    return reduce(NumericProfile.merge, counted, nothing)
