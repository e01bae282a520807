"""Blocks of an export's lines, and how they become rows of numbers and texts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from threading import local
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from contender.adapters.arrow_arrays import to_arrow, to_numpy
from contender.adapters.export_parse import columns_of_class, query
from contender.adapters.logged_item import unit_hash
from contender.adapters.record_spool import Codes
from contender.domain.experiment import Observation

BLOCK_BYTES = 4 * 2**20
"""Size of a block, if no line is longer: some 3,300 lines. A call costs as much as 200 lines; larger blocks
cost memory in each thread, while they are put together as well as while they are parsed."""


class Block:
    """Whole lines behind each other.

    Args:
        text: Lines, each with its end; only the last may lack one.
        first: Number of the first in its file, from 1.
    """

    def __init__(self, text: bytes, first: int) -> None:
        ends = np.flatnonzero(np.frombuffer(text, np.uint8) == _NEWLINE) + 1
        if not text.endswith(b"\n"):
            ends = np.append(ends, len(text))
        self._text = text
        self._offsets = np.concatenate([[0], ends]).astype(np.int32)
        self._first = first
        sizes = np.diff(self._offsets)
        # Few lines are so short that they may be blank.
        self._blank = [i for i in np.flatnonzero(sizes < _SHORT).tolist() if not self.line(i).strip()]

    def __len__(self) -> int:
        return self._offsets.size - 1

    @property
    def places(self) -> list[int]:
        """Where there is more than blanks."""
        blank = set(self._blank)
        return [place for place in range(len(self)) if place not in blank]

    @property
    def filled(self) -> int:
        """How many lines are more than blanks."""
        return len(self) - len(self._blank)

    def line(self, place: int) -> bytes:
        """Gives a line by its place from 0."""
        return self._text[self._offsets[place] : self._offsets[place + 1]]

    def number(self, place: int) -> int:
        """Gives a line's number in its file."""
        return self._first + place

    def table(self) -> pa.Table:
        """Gives the lines with their places as ``n`` and ``line``, without a copy. Raises ``pa.ArrowInvalid``
        where they are not UTF-8."""
        buffers = (pa.py_buffer(self._offsets), pa.py_buffer(self._text))
        lines = pa.StringArray.from_buffers(len(self), *buffers)
        lines.validate(full=True)
        whole = pa.table({"n": to_arrow(np.arange(len(self), dtype=np.int32)), "line": lines})
        return whole.take(to_arrow(np.array(self.places, np.int32))) if self._blank else whole


def blocks(chunks: Iterable[bytes], size: int = BLOCK_BYTES) -> Iterator[Block]:
    """Cuts text into blocks of whole lines.

    Args:
        chunks: The text, in pieces.
        size: At which a block is closed.

    Yields:
        All lines; before an error of ``chunks`` those that were whole.
    """
    pending: list[bytes] = []
    held, number = 0, 1
    try:
        for chunk in chunks:
            pending.append(chunk)
            held += len(chunk)
            if held >= size and b"\n" in chunk:
                end = chunk.rfind(b"\n") + 1
                pending[-1] = chunk[:end]
                block = Block(b"".join(pending), number)
                pending, held, number = [chunk[end:]], len(chunk) - end, number + len(block)
                yield block
                del block  # it is large, and the next one is made before it would be forgotten
    except Exception:
        text = b"".join(pending)
        if cut := text.rfind(b"\n") + 1:
            yield Block(text[:cut], number)
        raise
    if held:
        yield Block(b"".join(pending), number)


_NEWLINE = ord("\n")
_SHORT = 16
"""Bytes; no item is so short."""


class BlockParser:
    """Parses blocks with DuckDB, one connection for each thread.

    Args:
        classes: Class labels known so far; others are learned by whoever reads what is not sure.
    """

    def __init__(self, classes: Codes) -> None:
        self._classes = classes
        self._scratch = duckdb.connect(config={"threads": 1})
        # Finding what occurs twice in a query of hundreds of expressions costs more than it saves.
        self._scratch.execute("SET disabled_optimizers = 'common_subexpressions'")
        # DuckDB imports what it converts results with behind a guard; two threads may wait there for ever.
        self._scratch.sql("SELECT 1 AS n").to_arrow_table()
        self._own = local()

    def parse(self, block: Block) -> tuple[pa.Table | None, list[int]]:
        """Parses a block.

        Args:
            block: At least one line.

        Returns:
            Rows for the spool, ``None`` for none, and the places in the block that it is not sure of.
        """
        try:
            lines = block.table()
            rows = self._query(lines).run(lines)
        except (pa.ArrowInvalid, duckdb.Error):
            return None, block.places  # a line that is no JSON, or no text
        sure = to_numpy(rows["sure"])
        unsure = to_numpy(rows["n"])[~sure].tolist()
        if unsure:
            rows = rows.filter(rows["sure"])
        unsure.sort()
        if not rows.num_rows:
            return None, unsure
        units = np.array([unit_hash(unit) for unit in rows["unit_id"].to_pylist()], dtype=np.uint64)
        return rows.drop_columns(["n", "sure", "unit_id"]).append_column("unit", to_arrow(units)), unsure

    def learn(self, line: bytes) -> bool:
        """Learns the class labels of a line; tells whether more are known now than when this thread parsed
        its last block, which is then worth another try."""
        try:
            item = json.loads(line)["Item"]
            answers = [item, (item.get("shadow") or {}).get("M", {})]
            labels = [label for answer in answers for label in answer.get("probabilities", {}).get("M", {})]
        except (ValueError, KeyError, TypeError, AttributeError):
            return False
        self._classes.of(labels)
        last: _Query | None = getattr(self._own, "query", None)
        return last is None or len(self._classes.texts()) > len(last.classes)

    def _query(self, lines: pa.Table) -> _Query:
        """This thread's query of such lines, for the classes known now."""
        classes = self._classes.texts()
        last: _Query | None = getattr(self._own, "query", None)
        if last is None or last.classes != classes:
            last = self._own.query = _Query(self._scratch.cursor(), classes, lines)
        return last


class _Query:
    """The query, planned once: to plan its hundreds of expressions takes as long as to parse 2,000 lines."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, classes: tuple[str, ...], lines: pa.Table) -> None:
        self.classes = classes
        self._cursor, self._lines = cursor, _Lines(lines)
        cursor.register("lines", self._lines)
        cursor.execute(f"PREPARE parsed AS {query(classes)}")

    def run(self, lines: pa.Table) -> pa.Table:
        self._lines.table = lines
        try:
            return self._cursor.sql("EXECUTE parsed").to_arrow_table()
        finally:
            self._lines.table = None  # it is large


class _Lines:
    """A table in DuckDB's eyes, which asks for its rows anew whenever a query runs."""

    def __init__(self, table: pa.Table) -> None:
        self.table: pa.Table | None = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Arrow's protocol for whoever reads a table. It has one while the query is planned, or runs."""
        assert self.table is not None
        return self.table.__arrow_c_stream__(requested_schema)


def table_of(read: Sequence[tuple[str, Observation]], classes: Codes) -> pa.Table:
    """Makes the same rows of records that were read one by one.

    Args:
        read: Release and record.
        classes: Class labels; new ones are added.
    """
    columns: dict[str, list[Any]] = {name: [] for name in _TYPES}
    for release, row in read:
        values = {
            "release": release,
            "model": row.model_version,
            "unit": row.unit,
            "asked": row.at,
            "split": row.split,
            "epoch": row.epoch,
            "probability": row.probability,
            "latency": row.latency_ms,
            "outcome_at": row.outcome_at,
            "value": row.value,
            "flags": row.assigned_b
            | row.fallback << 1
            | row.spilled << 2
            | (row.outcome is not None) << 3
            | row.alone << 4
            | (row.shadow is not None) << 5,
        }
        labels = {
            "predicted": row.prediction,
            "outcome": row.outcome,
            "shadow": None if row.shadow is None else row.shadow.prediction,
        }
        for name, label in labels.items():
            values[name] = label if isinstance(label, float) else None
            values[f"{name}_text"] = label if isinstance(label, str) else None
        for name, value in values.items():
            columns[name].append(value)
    arrays = {name: pa.array(columns[name], type_, from_pandas=True) for name, type_ in _TYPES.items()}
    served = [row.probabilities or {} for _, row in read]
    shadow = [(row.shadow.probabilities or {}) if row.shadow else {} for _, row in read]
    names = sorted({label for given in (*served, *shadow) for label in given})
    for label, number in zip(names, classes.of(names), strict=True):
        for name, side in zip(columns_of_class(number), (served, shadow), strict=True):
            arrays[name] = pa.array([given.get(label) for given in side], pa.float64())
    return pa.table(arrays)


_TYPES = {
    "flags": pa.uint8(),
    **{name: pa.float64() for name in ("asked", "split", "probability", "outcome_at", "value")},
    "epoch": pa.int64(),
    "latency": pa.float32(),
    **{name: pa.float64() for name in ("predicted", "outcome", "shadow")},
    **{name: pa.string() for name in ("release", "model", "predicted_text", "outcome_text", "shadow_text")},
    "unit": pa.uint64(),
}
