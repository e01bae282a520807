"""Prediction records on disk, as numbers: what an analysis reads several times, in several orders.

An export's records come in no order, and there may be more of them than memory. They are written to Parquet
files in a temporary folder as they are read; :mod:`.spooled_log` puts them in order.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contender.adapters.arrow_arrays import to_arrow, to_numpy
from contender.adapters.export_parse import columns_of_class
from contender.adapters.spooled_log import BATCH_ROWS, SpooledLog
from contender.domain.dataset import Task
from contender.errors import StoreUnavailable

FILE_ROWS = 2**15
"""Records of a spool file."""
MEMORY = "128MB"
"""What DuckDB may use to read the spool."""

_NO_TEXT = -1
_LABEL_TEXTS = ("predicted_text", "outcome_text", "shadow_text")


class Found(NamedTuple):
    """What the spool holds of a release.

    Attributes:
        requests: Records.
        to_b: Those assigned to B.
        spilled: Those read back from the function's log.
        latest: Time of the latest, in epoch seconds.
    """

    requests: int
    to_b: int
    spilled: int
    latest: float


class Codes:
    """Numbers for texts, in the order in which they are met; may be used from several threads."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._lock = Lock()

    def of(self, texts: Sequence[str]) -> list[int]:
        """Gives a number to each text."""
        with self._lock:
            return [self._codes.setdefault(text, len(self._codes)) for text in texts]

    def texts(self) -> tuple[str, ...]:
        """Gives the texts by number."""
        with self._lock:
            return tuple(self._codes)


class RecordSpool:
    """Keeps records in a folder until they are read.

    Args:
        folder: Empty, and deleted by whoever made it.

    Attributes:
        classes: Class labels that have a probability somewhere, by number of their columns.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._pending: list[pa.Table] = []
        self._files: list[str] = []
        self._columns: set[str] = set()
        self._releases, self._models, self._labels = Codes(), Codes(), Codes()
        self.classes = Codes()
        self._scratch = duckdb.connect(config={"memory_limit": MEMORY, "threads": 1})

    def add(self, rows: pa.Table) -> None:
        """Takes records in; may be called from several threads.

        Args:
            rows: As :mod:`.export_blocks` makes them.
        """
        codes = {
            "release": _encoded(rows["release"], self._releases),
            "model": _encoded(rows["model"], self._models),
            **{name: _encoded(rows[name], self._labels) for name in _LABEL_TEXTS},
        }
        rows = pa.table({name: codes.get(name, rows[name]) for name in rows.column_names})
        with self._lock:
            self._columns.update(rows.column_names)
            self._pending.append(rows)
            if sum(part.num_rows for part in self._pending) >= FILE_ROWS:
                self._write()

    def close(self) -> None:
        """Lets go of the folder."""
        self._scratch.close()

    def found(self) -> dict[str, Found]:
        """Counts the records of each release, in the order in which releases were met."""
        if not self._rows():
            return {}
        counted = self._scratch.sql(
            "SELECT release, count(*), sum(flags & 1), sum((flags >> 2) & 1), max(asked) "
            f"FROM {self._rows()} GROUP BY release ORDER BY release"
        ).fetchall()
        names = self._releases.texts()
        return {
            names[code]: Found(requests, int(to_b), int(spilled), latest)
            for code, requests, to_b, spilled, latest in counted
        }

    def times(self) -> Iterator[tuple[float, int]]:
        """Gives the time of each request, in epoch seconds, and the version of its split, of all releases."""
        if self._rows():
            for part in self._scratch.sql(f"SELECT asked, epoch FROM {self._rows()}").to_arrow_reader(
                BATCH_ROWS
            ):
                yield from zip(part["asked"].to_pylist(), part["epoch"].to_pylist(), strict=True)

    def log(self, release: str, task: Task | None = None) -> SpooledLog:
        """Gives the records of a release, one of :meth:`found`.

        Args:
            release: Digest.
            task: ``None`` for classification where there is any probability or text label, else regression.
        """
        code = self._releases.of([release])[0]
        source = f"(FROM {self._rows()} WHERE release = {code})"
        return SpooledLog(
            self._scratch,
            source,
            Path(tempfile.mkdtemp(dir=self._folder)),
            # A class that was only met in lines that are no records has no columns.
            {
                label: number
                for number, label in enumerate(self.classes.texts())
                if columns_of_class(number)[0] in self._columns
            },
            self._labels.texts(),
            self._models.texts(),
            task,
        )

    def _rows(self) -> str:
        """All records, as a table in SQL; empty without any."""
        with self._lock:
            if self._pending:
                self._write()
        # Files differ in the classes that they know.
        names = ", ".join(f"'{name}'" for name in self._files)
        return f"read_parquet([{names}], union_by_name = true)" if names else ""

    def _write(self) -> None:
        path = self._folder / f"records-{len(self._files):06d}.parquet"
        rows = pa.concat_tables(self._pending, promote_options="default")
        # Numbers that hardly repeat: neither dictionaries nor compression are worth their time.
        try:
            pq.write_table(rows, path, compression="none", use_dictionary=False, write_statistics=False)
        except OSError as error:
            raise StoreUnavailable("disk", f"keep records in {self._folder}: {error}") from error
        self._pending = []
        self._files.append(str(path).replace("'", "''"))


def _encoded(texts: pa.ChunkedArray, codes: Codes) -> pa.Array:
    """Numbers for a column of texts; ``_NO_TEXT`` where there is none."""
    if texts.null_count == len(texts):
        return to_arrow(np.full(len(texts), _NO_TEXT, dtype=np.int32))
    found = texts.combine_chunks().dictionary_encode()
    lookup = np.array([*codes.of(found.dictionary.to_pylist()), _NO_TEXT], dtype=np.int32)
    places = np.nan_to_num(to_numpy(found.indices), nan=-1).astype(np.intp)  # the last for none
    return to_arrow(lookup[places])
