"""Prediction records on disk, as numbers: what an analysis reads several times, in several orders.

An export's records come in no order, and there may be more of them than memory. They are written to Parquet
files in a temporary folder as they are read; DuckDB sorts them from there, on disk where need be.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contender.adapters.export_parse import columns_of_class
from contender.domain.dataset import Task
from contender.domain.experiment import Columns, Order
from contender.domain.experiment.columns import NOT_A_CLASS
from contender.domain.experiment.table import class_order, label_text

FILE_ROWS = 2**16
"""Records of a spool file."""
BATCH_ROWS = 2**16
"""Records that a log gives at a time: some 15 MB with two classes and shadows."""
MEMORY = "192MB"
"""What DuckDB may use to sort before it goes to disk: with less, three million records do not fit two sorting
threads; with more, small and large exports differ more."""

_ORDERS = {
    Order.ANY: "",
    Order.ASKED: "ORDER BY asked, unit",
    Order.TOLD: "ORDER BY coalesce(outcome_at, asked), unit",
    Order.UNIT: "ORDER BY unit, asked",
}
_TOLD = "flags & 8 <> 0 OR value IS NOT NULL"
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
        self._releases, self._models, self._labels = Codes(), Codes(), Codes()
        self.classes = Codes()
        config = {"memory_limit": MEMORY, "temp_directory": str(folder / "sort"), "threads": 2}
        self._scratch = duckdb.connect(config=config)
        self._scratch.execute("SET preserve_insertion_order = false")

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
        repeated = f"repeated_{code}"
        self._scratch.execute(
            f"CREATE OR REPLACE TABLE {repeated} AS "
            f"SELECT unit FROM {source} GROUP BY unit HAVING count(*) > 1"
        )
        return SpooledLog(
            self._scratch,
            source,
            repeated,
            self.classes.texts(),
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
        pq.write_table(rows, path, compression="none", use_dictionary=False, write_statistics=False)
        self._pending = []
        self._files.append(str(path).replace("'", "''"))


class SpooledLog:
    """The records of one release: a :class:`contender.domain.experiment.Log` on disk."""

    def __init__(
        self,
        scratch: duckdb.DuckDBPyConnection,
        source: str,
        repeated: str,
        names: tuple[str, ...],
        labels: tuple[str, ...],
        models: tuple[str, ...],
        task: Task | None,
    ) -> None:
        self._scratch, self._source, self._labels, self._models = scratch, source, labels, models
        own = [f"count({name})" for number in range(len(names)) for name in columns_of_class(number)]
        texts = "count(*) FILTER (predicted_text >= 0)"
        total, told, text, *counts = self._row(
            f"SELECT count(*), count(*) FILTER ({_TOLD}), {', '.join([texts, *own])} FROM {source}"
        )
        self._requests, self.told = int(total), int(told)
        served = {names[i]: i for i in range(len(names)) if counts[2 * i]}
        shadow = {names[i]: i for i in range(len(names)) if counts[2 * i + 1]}
        self._named = [served, shadow]
        if task is None:
            task = Task.CLASSIFICATION if served or text else Task.REGRESSION
        self.task = task
        self.classes = self._class_labels() if task is Task.CLASSIFICATION else ()
        # Labels that models write as numbers, rising, and their places among the classes.
        numbers = sorted(
            (class_order(label)[1], place) for place, label in enumerate(self.classes) if _is_number(label)
        )
        self._number_labels = np.array([number for number, _ in numbers])
        self._number_classes = np.array([place for _, place in numbers])
        self._repeated = repeated
        self.clustered = bool(self._row(f"SELECT count(*) FROM {repeated}")[0])

    def __len__(self) -> int:
        return self._requests

    def batches(self, order: Order) -> Iterator[Columns]:
        """Gives all records in parts."""
        alone = f"unit NOT IN (FROM {self._repeated})" if self.clustered else "true"
        told = f"WHERE {_TOLD}" if order is Order.TOLD else ""
        rows = self._scratch.cursor().sql(
            f"SELECT *, {alone} AS alone FROM {self._source} {told} {_ORDERS[order]}"
        )
        parts = _ahead(self._columns(part) for part in rows.to_arrow_reader(BATCH_ROWS))
        first = next(parts, None)
        yield self._columns(rows.to_arrow_table()) if first is None else first
        yield from parts

    def _row(self, query: str) -> tuple[int, ...]:
        (row,) = self._scratch.sql(query).fetchall()
        found: tuple[int, ...] = row
        return found

    def _class_labels(self) -> tuple[str, ...]:
        found = set(self._named[0]) | set(self._named[1])
        for number, text in (("predicted", "predicted_text"), ("shadow", "shadow_text")):
            numbers = self._scratch.sql(
                f"SELECT DISTINCT {number} FROM {self._source} WHERE {number} IS NOT NULL"
            )
            found |= {label_text(value) for (value,) in numbers.fetchall()}
            codes = self._scratch.sql(f"SELECT DISTINCT {text} FROM {self._source} WHERE {text} >= 0")
            found |= {self._labels[code] for (code,) in codes.fetchall()}
        return tuple(sorted(found, key=class_order))

    def _columns(self, part: pa.RecordBatch | pa.Table) -> Columns:
        def get(name: str) -> NDArray[np.float64]:
            found: NDArray[np.float64] = part[name].to_numpy(zero_copy_only=False)
            return found.astype(np.float64, copy=False)

        flags, unit = (part[name].to_numpy() for name in ("flags", "unit"))
        bit = [(flags >> place & 1).astype(np.bool_) for place in range(6)]
        is_b, fallback, spilled, has_outcome, _, has_shadow = bit
        predicted, outcome, shadow = (
            self._labelled(part, name) for name in ("predicted", "outcome", "shadow")
        )
        if self.task is Task.REGRESSION:
            usable = has_outcome & ~np.isnan(outcome) & ~np.isnan(predicted)
        else:
            usable = has_outcome & (outcome != NOT_A_CLASS)
        shadow[~has_shadow] = math.nan
        probability = get("probability")
        shadow_probabilities = self._matrix(part, 1)
        shadow_probabilities[~has_shadow] = math.nan
        return Columns(
            task=self.task,
            classes=self.classes,
            is_b=is_b,
            fallback=fallback,
            spilled=spilled,
            at=get("asked"),
            unit=unit,
            units=unit if self.clustered else None,
            model=part["model"].to_numpy().astype(np.intp),
            models=self._models,
            split=get("split"),
            epoch=part["epoch"].to_numpy(),
            probability_b=np.where(is_b, probability, 1 - probability),
            latency_ms=get("latency"),
            outcome_at=get("outcome_at"),
            predicted=predicted,
            outcome=outcome,
            usable=usable,
            unknown=has_outcome & ~usable,
            probabilities=self._matrix(part, 0),
            value=get("value"),
            alone=part["alone"].to_numpy(zero_copy_only=False),
            has_shadow=has_shadow,
            shadow_predicted=shadow,
            shadow_probabilities=shadow_probabilities,
        )

    def _labelled(self, part: pa.RecordBatch | pa.Table, name: str) -> NDArray[np.float64]:
        """Numbers for regression; for classification class indices, ``NOT_A_CLASS`` where there is none."""
        numbers = np.array(part[name].to_numpy(zero_copy_only=False), dtype=np.float64)
        if self.task is Task.REGRESSION:
            return numbers
        position = {label: index for index, label in enumerate(self.classes)}
        by_code = np.array([position.get(label, NOT_A_CLASS) for label in self._labels] + [NOT_A_CLASS])
        found: NDArray[np.float64] = by_code[part[f"{name}_text"].to_numpy()].astype(np.float64)
        if self._number_labels.size:
            at = np.searchsorted(self._number_labels, numbers).clip(max=self._number_labels.size - 1)
            same = self._number_labels[at] == numbers
            found[same] = self._number_classes[at[same]]
        return found

    def _matrix(self, part: pa.RecordBatch | pa.Table, side: int) -> NDArray[np.float64]:
        """Probabilities, shape [n, classes]; NaN rows where a record has none, no columns when no record has.

        A class that a record does not name had probability 0 in it.
        """
        named = self._named[side]
        if not named or not self.classes:
            return np.empty((part.num_rows, 0))
        matrix = np.zeros((part.num_rows, len(self.classes)))
        bare = np.ones(part.num_rows, dtype=np.bool_)
        for column, label in enumerate(self.classes):
            if label in named:
                values = part[columns_of_class(named[label])[side]].to_numpy(zero_copy_only=False)
                missing = np.isnan(values)
                matrix[:, column] = np.where(missing, 0.0, values)
                bare &= missing
        matrix[bare] = math.nan
        return matrix


def _ahead(parts: Iterator[Columns]) -> Iterator[Columns]:
    """Makes the next part in a thread of its own while the last one is used."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, parts, None)
        while (part := coming.result()) is not None:
            coming = pool.submit(next, parts, None)
            yield part


def _is_number(label: str) -> bool:
    try:
        return label_text(float(label)) == label
    except (ValueError, OverflowError):
        return False


def _encoded(texts: pa.ChunkedArray, codes: Codes) -> pa.Array:
    """Numbers for a column of texts; ``_NO_TEXT`` where there is none."""
    if texts.null_count == len(texts):
        return pa.array(np.full(len(texts), _NO_TEXT, dtype=np.int32))
    found = texts.combine_chunks().dictionary_encode()
    lookup = np.array([*codes.of(found.dictionary.to_pylist()), _NO_TEXT], dtype=np.int32)
    return pa.array(lookup[pc.fill_null(found.indices, _NO_TEXT).to_numpy(zero_copy_only=False)])
