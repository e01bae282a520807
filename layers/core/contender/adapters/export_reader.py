"""From an export of the prediction log to the records that the experiment's statistics read.

Files are read by several threads, each in blocks of lines: DuckDB parses a block at once, and what it is not
sure of is read here line by line, so that whatever is wrong is named with its file and line.
"""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Lock

import duckdb

from contender.adapters.export_blocks import Block, BlockParser, blocks, table_of
from contender.adapters.export_layout import DataFile, Export, Item, read_chunks
from contender.adapters.logged_item import Malformed, observation
from contender.adapters.record_spool import Found, RecordSpool
from contender.adapters.spooled_log import SpooledLog
from contender.domain.dataset import Task
from contender.domain.experiment import Observation
from contender.errors import NotFound, StoreUnavailable
from contender.ports import ObjectStore

THREADS = 4
"""Most files that are read at once: each takes some 60 MB, and beyond a few the disk is as slow."""


@dataclass(slots=True)
class Trouble:
    """One kind of thing wrong with the data.

    Attributes:
        count: How often.
        first: Where it was first met.
    """

    count: int
    first: str


@dataclass(slots=True)
class Reading:
    """What an export holds; its records are on disk for as long as it is open.

    Attributes:
        spool: Its records.
        releases: Release digest → how many records it has, in the order in which releases were met.
        lines: Lines read, blank ones aside.
        malformed: Reason → lines that are no prediction records; they are nowhere else.
        damaged: What is wrong with whole files.
    """

    spool: RecordSpool
    releases: dict[str, Found] = field(default_factory=dict)
    lines: int = 0
    malformed: dict[str, Trouble] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)

    @property
    def records(self) -> int:
        """Prediction records, over all releases."""
        return sum(found.requests for found in self.releases.values())

    def log(self, release: str, task: Task | None = None) -> SpooledLog:
        """Gives the records of a release; the task is as found unless told."""
        return self.spool.log(release, task)

    def times(self) -> Iterator[tuple[float, int]]:
        """Gives the time of each request, in epoch seconds, and the version of its split, of all releases."""
        return self.spool.times()


@contextmanager
def read_export(
    store: ObjectStore, export: Export, progress: Callable[[int], None] = lambda lines: None
) -> Iterator[Reading]:
    """Reads every line of an export once.

    Malformed lines and damaged files are counted and named, and do not stop the reading. What is in memory
    does not grow with the export; the records are in a temporary folder, some 120 bytes each, until the block
    ends.

    Args:
        store: Where the export lies.
        export: Its manifest.
        progress: Told the number of lines now and then, from one thread at a time.

    Yields:
        The records, by release.

    Raises:
        StoreUnavailable: When the store does not answer, or the temporary folder has no room.
    """
    with tempfile.TemporaryDirectory(prefix="contender-analysis-") as folder:
        spool = RecordSpool(Path(folder))
        try:
            reading = Reading(spool)
            _Reader(store, spool, progress).read(export, reading)
            reading.releases = spool.found()
            yield reading
        except (duckdb.Error, OSError) as error:
            raise StoreUnavailable("disk", f"sort the records in {folder}: {error}") from error
        finally:
            spool.close()


class _Reader:
    """Reads files into a spool, several at once."""

    def __init__(self, store: ObjectStore, spool: RecordSpool, progress: Callable[[int], None]) -> None:
        self._store, self._spool, self._progress = store, spool, progress
        self._parser = BlockParser(spool.classes)
        self._lines, self._lock, self._stop = 0, Lock(), Event()

    def read(self, export: Export, reading: Reading) -> None:
        """Reads all files, and sums up in their order what is wrong with them."""
        workers = min(THREADS, os.cpu_count() or 1, max(1, len(export.files)))
        with ThreadPoolExecutor(workers) as pool:
            try:
                for told in pool.map(self._file, export.files):
                    reading.lines += told.lines
                    reading.damaged += told.damaged
                    for reason, trouble in told.malformed.items():
                        known = reading.malformed.setdefault(reason, Trouble(0, trouble.first))
                        known.count += trouble.count
            except BaseException:
                self._stop.set()
                pool.shutdown(cancel_futures=True)
                raise
        self._progress(self._lines)

    def _file(self, file: DataFile) -> _File:
        told = _File(file.key.rpartition("/")[2])
        try:
            for block in blocks(read_chunks(self._store, file)):
                if self._stop.is_set():
                    return told
                self._block(block, told)
                del block  # as in blocks()
        except (EOFError, OSError, zlib.error) as error:
            told.damaged.append(f"{told.name}: ends early or is damaged after {told.lines} items ({error})")
        except NotFound as error:
            told.damaged.append(str(error))
        else:
            if told.lines != file.items:
                told.damaged.append(
                    f"{told.name}: the manifest says {file.items} items, {told.lines} were read"
                )
        return told

    def _block(self, block: Block, told: _File) -> None:
        rows, unsure = self._parser.parse(block)
        if unsure and self._parser.learn(block.line(unsure[0])):
            rows, unsure = self._parser.parse(block)
        if rows is not None:
            self._spool.add(rows)
        read: list[tuple[str, Observation]] = []
        for place in unsure:
            try:
                read.append(observation(_item(block.line(place))))
            except Malformed as error:
                told.count(str(error), block.number(place))
        if read:
            self._spool.add(table_of(read, self._spool.classes))
        told.lines += block.filled
        with self._lock:
            self._lines += block.filled
            self._progress(self._lines)


@dataclass(slots=True)
class _File:
    """What is said of one file; attributes as of :class:`Reading`."""

    name: str
    lines: int = 0
    malformed: dict[str, Trouble] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)

    def count(self, reason: str, number: int) -> None:
        """Counts a malformed line."""
        self.malformed.setdefault(reason, Trouble(0, f"{self.name} line {number}")).count += 1


def _item(line: bytes) -> Item:
    try:
        document = json.loads(line)
    except ValueError:
        raise Malformed("not JSON") from None
    if not isinstance(document, dict) or not isinstance(document.get("Item"), dict):
        raise Malformed("not an object with an Item")
    item: Item = document["Item"]
    return item
