"""Windows read by DuckDB: CSV or Parquet, one file or many; small ones in full, large ones as profiles."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from contender.adapters.kept_profiles import KeptProfiles
from contender.adapters.window_sample import sample_rows
from contender.adapters.window_source import WindowSource
from contender.domain.dataset import Dataset
from contender.domain.drift import ColumnSample, SampledRows, WindowProfile
from contender.ports import ObjectInfo, ObjectStore

PROFILE_ROWS = 200_000
"""Rows of either window from which both are counted instead of kept. Below, sorting a column takes 10 ms,
so exact numbers come free; above, counting is several times faster and its memory does not grow."""

Columns = Mapping[str, ColumnSample]


class DuckDbWindows:
    """Implements :class:`contender.usecases.check_drift.Windows`.

    Args:
        store: The data bucket.
        profiles: Keeps the profile of a large reference, so that it is computed once, and has those of
            windows that were profiled elsewhere; ``None`` computes all each time.
        scratch: Folder for temporary files; the system's by default.
        threads: Columns that are read at once; the machine's cores by default.
    """

    def __init__(
        self,
        store: ObjectStore,
        profiles: KeptProfiles | None = None,
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
        is kept. What has a kept profile (a window too, if it was profiled in parallel: see ``ProfileMap``) is
        not even copied, unless counts leave a verdict open; then its objects are read one by one.

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
            old, new = (self._window(objects, dataset, stack) for objects in (reference, current))
            key = self._profiles.reference_key(reference, dataset) if self._profiles else None
            before, after = self._kept(key, current)
            if before is None:
                before = _count_if_large(old, new)
                if before is None:
                    yield old.columns(), new.columns()
                    return
                if self._profiles and key:
                    self._profiles.put(key, before)
            after = after or new.profile(before)
            yield before.samples(old.within, old.ahead), after.samples(new.within, new.ahead)

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

    def _window(self, objects: Sequence[ObjectInfo], dataset: Dataset, stack: ExitStack) -> WindowSource:
        return WindowSource(self._store, objects, dataset, self._scratch, self._threads, stack)

    def _kept(
        self, key: str | None, current: Sequence[ObjectInfo]
    ) -> tuple[WindowProfile | None, WindowProfile | None]:
        if self._profiles is None or key is None:
            return None, None
        before = self._profiles.get(key)
        window_key = self._profiles.window_key(key, current) if before else None
        return before, self._profiles.get(window_key) if window_key else None


def _count_if_large(old: WindowSource, new: WindowSource) -> WindowProfile | None:
    """Counts the reference if one of the windows is large, and copies the current window meanwhile."""
    with ThreadPoolExecutor(1) as background:
        copied = background.submit(lambda: new.files.rows)
        before = old.profile(None) if old.files.rows >= PROFILE_ROWS else None
        if copied.result() >= PROFILE_ROWS and before is None:
            before = old.profile(None)
    return before
