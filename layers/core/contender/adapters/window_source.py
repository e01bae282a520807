"""A window in the data bucket, copied to this machine when something has to be read from it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contender.adapters.duckdb_files import WindowFiles
from contender.adapters.window_profiler import profile_window, read_column, read_within
from contender.domain.dataset import Dataset
from contender.domain.drift import LazyColumns, WindowProfile
from contender.ports import ObjectInfo, ObjectStore


@contextmanager
def copied(
    store: ObjectStore, objects: Sequence[ObjectInfo], scratch: str | None, threads: int
) -> Iterator[WindowFiles]:
    """Copies objects into a temporary folder, and deletes it.

    Args:
        store: The data bucket.
        objects: At least one.
        scratch: Folder for temporary files; the system's by default.
        threads: Threads of DuckDB, ≥ 1.

    Raises:
        BadInput: Naming a file that is of no known format or cannot be read.
        StoreUnavailable: When the bucket does not answer.
    """
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        files = WindowFiles(store, objects, Path(folder), threads)
        try:
            yield files
        finally:
            files.close()


class WindowSource:
    """One window.

    Args:
        store: The data bucket.
        objects: Its files, at least one.
        dataset: Declares the kinds of its columns.
        scratch: Folder for temporary files; the system's by default.
        threads: Columns that are read at once, ≥ 1.
        stack: Closes what is opened here.
    """

    def __init__(
        self,
        store: ObjectStore,
        objects: Sequence[ObjectInfo],
        dataset: Dataset,
        scratch: str | None,
        threads: int,
        stack: ExitStack,
    ) -> None:
        self._store, self._objects, self._dataset = store, objects, dataset
        self._scratch, self._threads, self._stack = scratch, threads, stack
        self._files: WindowFiles | None = None
        self._ahead: dict[str, Sequence[tuple[float, float]]] = {}
        self._found: dict[str, NDArray[np.float32]] = {}

    @property
    def files(self) -> WindowFiles:
        """The files, copied by the first who asks."""
        if self._files is None:
            self._files = self._stack.enter_context(
                copied(self._store, self._objects, self._scratch, self._threads)
            )
        return self._files

    def columns(self) -> LazyColumns:
        """Gives the columns in full, each read when asked for."""
        return LazyColumns(self.files.types, partial(read_column, self.files, self._dataset))

    def profile(self, reference: WindowProfile | None) -> WindowProfile:
        """Counts all columns; see ``profile_window``."""
        return profile_window(self.files, self._dataset, reference, self._threads)

    def ahead(self, name: str, wanted: Sequence[tuple[float, float]]) -> None:
        """Remembers what ``within`` will be asked for; see ``ProfiledSample.ahead``."""
        self._ahead[name] = wanted

    def within(self, name: str, wanted: Sequence[tuple[float, float]]) -> NDArray[np.float32]:
        """Reads the values of a column that lie in certain intervals; see ``ProfiledSample.within``.

        Files that have not been copied yet are read one by one, each once for all columns told ``ahead``, so
        that a window that was profiled in parallel, because it is too large for one machine, still fits.
        """
        if self._files is not None:
            return read_within(self._files, name, wanted)
        if name not in self._found:
            columns, self._ahead = {**self._ahead, name: wanted}, {}
            pieces: dict[str, list[NDArray[np.float32]]] = {column: [] for column in columns}
            for info in self._objects:
                with copied(self._store, [info], self._scratch, self._threads) as files:
                    for column, intervals in columns.items():
                        pieces[column].append(read_within(files, column, intervals))
            self._found.update({column: np.concatenate(found) for column, found in pieces.items()})
        return self._found.pop(name)
