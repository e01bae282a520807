"""Windows read by DuckDB: CSV or Parquet, one file or many; small ones in full, large ones as profiles."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contender.adapters.duckdb_files import WindowFiles
from contender.adapters.window_profiler import ReferenceProfiles, profile_window, read_column, read_within
from contender.adapters.window_sample import sample_rows
from contender.domain.dataset import Dataset
from contender.domain.drift import ColumnSample, LazyColumns, SampledRows, WindowProfile
from contender.ports import ObjectInfo, ObjectStore

PROFILE_ROWS = 200_000
"""Rows of either window from which both are counted instead of kept. Below, sorting a column takes 10 ms,
so exact numbers come free; above, counting is several times faster and its memory does not grow."""

Columns = Mapping[str, ColumnSample]


class DuckDbWindows:
    """Implements :class:`contender.usecases.check_drift.Windows`.

    Args:
        store: The data bucket.
        profiles: Keeps the profile of a large reference, so that it is computed once; ``None`` computes it
            each time.
        scratch: Folder for temporary files; the system's by default.
        threads: Columns that are read at once; the machine's cores by default.
    """

    def __init__(
        self,
        store: ObjectStore,
        profiles: ReferenceProfiles | None = None,
        scratch: str | None = None,
        threads: int | None = None,
    ) -> None:
        self._store = store
        self._profiles = profiles
        self._scratch = scratch
        self._threads = threads or os.cpu_count() or 1

    @contextmanager
    def open(self, objects: Sequence[ObjectInfo], dataset: Dataset) -> Iterator[Columns]:
        """Opens one window in full.

        Args:
            objects: Its files, at least one.
            dataset: Declares the kinds of its columns.

        Yields:
            Column → sample; each is read when asked for and not kept. Undeclared columns are there as
            ``UnusableSample`` so that a report can name them.

        Raises:
            BadInput: Naming a file that is of no known format or cannot be read.
            StoreUnavailable: When the bucket does not answer.
        """
        with ExitStack() as stack:
            yield self._window(objects, dataset, stack).columns()

    @contextmanager
    def compare(
        self, reference: Sequence[ObjectInfo], current: Sequence[ObjectInfo], dataset: Dataset
    ) -> Iterator[tuple[Columns, Columns]]:
        """Opens a window and the reference that it is to be compared with.

        Small ones are read in full, as by ``open``. From ``PROFILE_ROWS`` rows both are counted, the current
        window in buckets of the reference, several columns at once; the profile of a large reference
        is kept. A reference whose profile was kept is not even copied, unless counts leave a verdict open.

        Args:
            reference: Files of the reference, at least one.
            current: Files of the current window, at least one.
            dataset: Declares the kinds of their columns.

        Yields:
            Both windows, for ``judge_window``.

        Raises:
            BadInput: Naming a file that is of no known format or cannot be read.
            StoreUnavailable: When a bucket does not answer.
        """
        with ExitStack() as stack:
            old, new = self._window(reference, dataset, stack), self._window(current, dataset, stack)
            key = self._profiles.key(reference, dataset) if self._profiles else None
            kept = self._profiles.get(key) if self._profiles and key else None
            with ThreadPoolExecutor(1) as background:
                # The current window is copied while the reference is counted.
                copied = background.submit(lambda: new.files.rows)
                profile = kept or (old.profile(None) if old.files.rows >= PROFILE_ROWS else None)
                if profile is None and copied.result() >= PROFILE_ROWS:
                    profile = old.profile(None)
                copied.result()
            if profile is None:
                yield old.columns(), new.columns()
                return
            if self._profiles and key and not kept:
                self._profiles.put(key, profile)
            yield profile.samples(old.within), new.profile(profile).samples(new.within)

    def sample(self, objects: Sequence[ObjectInfo], dataset: Dataset, rows: int, seed: int) -> SampledRows:
        """Draws whole rows of a window at random.

        Args:
            objects: Its files, at least one.
            dataset: Declares the kinds of its columns; those that are absent or of another type are left out.
            rows: Most rows.
            seed: The same seed draws the same rows.

        Raises:
            BadInput: Naming a file that is of no known format or cannot be read.
            StoreUnavailable: When the bucket does not answer.
        """
        with ExitStack() as stack:
            return sample_rows(self._window(objects, dataset, stack).files, dataset.features, rows, seed)

    def _window(self, objects: Sequence[ObjectInfo], dataset: Dataset, stack: ExitStack) -> _Window:
        def copied() -> WindowFiles:
            folder = stack.enter_context(tempfile.TemporaryDirectory(dir=self._scratch))
            files = WindowFiles(self._store, objects, Path(folder), self._threads)
            stack.callback(files.close)
            return files

        return _Window(copied, dataset, self._threads)


class _Window:
    """A window whose files are copied to this machine when something has to be read from them."""

    def __init__(self, copy: Callable[[], WindowFiles], dataset: Dataset, threads: int) -> None:
        self._copy, self._dataset, self._threads = copy, dataset, threads

    @cached_property
    def files(self) -> WindowFiles:
        """The files, copied by the first who asks."""
        return self._copy()

    def columns(self) -> LazyColumns:
        """Gives the columns in full, each read when asked for."""
        return LazyColumns(self.files.types, partial(read_column, self.files, self._dataset))

    def profile(self, reference: WindowProfile | None) -> WindowProfile:
        """Counts all columns."""
        return profile_window(self.files, self._dataset, reference, self._threads)

    def within(self, name: str, wanted: Sequence[tuple[float, float]]) -> NDArray[np.float32]:
        """Reads the values of a column that lie in certain intervals."""
        return read_within(self.files, name, wanted)
