"""Files of a window on this machine, queried by DuckDB."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import duckdb
import numpy as np
from numpy.typing import NDArray

from contender.adapters._sql import literal
from contender.adapters.column_queries import Numbers, count_categories, read_numbers
from contender.errors import BadInput
from contender.ports import ObjectInfo, ObjectStore

PARQUET = (".parquet", ".pq")
CSV = (".csv", ".csv.gz", ".tsv", ".tsv.gz")

CHUNK_ROWS = 1 << 20
"""Rows of a column in memory at once: 4 MB as float32, and as many as most writers put into a row group,
which is the least that can be read of a file."""

_INTEGERS = {f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG", "HUGE")}
_NOTHING = '"NULL"'
"""Type of a column of nothing but missing values, which fits any kind."""
_NUMBERS = frozenset({"BOOLEAN", "INTEGER", "UINTEGER", "FLOAT", "DOUBLE", _NOTHING} | _INTEGERS)

_NAMED = 3
"""Files named in a sentence; more would not be read."""

_T = TypeVar("_T")

_first_conversion = threading.Lock()


class _File(NamedTuple):
    key: str
    source: str
    rows: int
    types: dict[str, str]


class WindowFiles:
    """The files of one window; its methods may be called from several threads.

    Objects are copied to a folder first: DuckDB's own S3 reader is an extension that it downloads when it
    runs, which a function without internet cannot. Text is turned into Parquet on the way, so that
    it is parsed once and not again for each column.

    Args:
        store: The data bucket.
        objects: The window's objects, at least one.
        folder: For the copies; its owner deletes it.
        threads: Threads of DuckDB, ≥ 1.

    Raises:
        BadInput: Naming a file that is of no known format or cannot be read.
        NotFound: When an object is gone.
        StoreUnavailable: When the bucket does not answer.
    """

    def __init__(self, store: ObjectStore, objects: Sequence[ObjectInfo], folder: Path, threads: int) -> None:
        self._store = store
        self._uri = store.uri(objects[0].key.rpartition("/")[0] + "/")
        self._connection = duckdb.connect(
            config={
                "threads": threads,
                "temp_directory": str(folder),
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                # A column is read once; what DuckDB would keep of the file only fills the memory.
                "enable_external_file_cache": "false",
            }
        )
        self._lock = threading.Lock()
        try:
            _convert_first(self._connection)
            # One after the other: a large object is copied in several parts at once anyway.
            self._files = [self._fetch(info, folder / str(i)) for i, info in enumerate(objects)]
            self.types = self._attach()
        except BaseException:
            self._connection.close()
            raise
        self.rows = sum(file.rows for file in self._files)

    def close(self) -> None:
        """Lets go of the files."""
        self._connection.close()

    def why_no_numbers(self, name: str) -> str | None:
        """Tells why a column cannot be numeric, as a clause; ``None`` if it can."""
        return self._lacking(name) or self._of_another_type(name, _is_number, "numbers")

    def why_no_categories(self, name: str) -> str | None:
        """Tells why a column cannot be categorical, as a clause; ``None`` if it can."""
        return self._lacking(name) or self._of_another_type(name, _is_category, "categories")

    def _of_another_type(self, name: str, readable: Callable[[str], bool], wanted: str) -> str | None:
        """Looks at each file's own type: what all could be read as together need not be what one holds."""
        wrong = sorted(file.types[name].lower() for file in self._files if not readable(file.types[name]))
        return f"holds {wrong[0]} values, not {wanted}" if wrong else None

    def _lacking(self, name: str) -> str | None:
        """Names the files without a column that others have: the rows of a window are trained on together."""
        keys = [file.key for file in self._files if name not in file.types]
        further = f" and {len(keys) - _NAMED} more files" if len(keys) > _NAMED else ""
        return f"is absent from {', '.join(keys[:_NAMED])}{further}" if keys else None

    def chunks(self, name: str, step: int = 1) -> Iterator[Numbers]:
        """Reads a numeric column piece by piece.

        Args:
            name: A column that ``why_no_numbers`` has nothing against.
            step: Reads only every so manieth row.

        Yields:
            At most ``CHUNK_ROWS`` values at a time, in no certain order.

        Raises:
            BadInput: When a file turns out to be spoilt.
        """
        for file in self._files:
            for start in range(0, file.rows, CHUNK_ROWS):
                conditions = []
                if file.rows > CHUNK_ROWS:
                    conditions.append(
                        f"file_row_number >= {start} AND file_row_number < {start + CHUNK_ROWS}"
                    )
                if step > 1:
                    conditions.append(f"file_row_number % {step} = 0")
                source = f"{file.source} WHERE {' AND '.join(conditions) or 'true'}"
                query = partial(read_numbers, name=name, type_=file.types[name], source=source)
                yield self._guarded(name, query)

    def numbers(self, name: str) -> Numbers:
        """Reads a numeric column as a whole. Raises ``BadInput`` when a file turns out to be spoilt."""
        pieces = list(self.chunks(name))
        values = np.concatenate([piece.values for piece in pieces]) if pieces else np.zeros(0, np.float32)
        return Numbers(values, sum(piece.unreadable for piece in pieces))

    def categories(self, name: str, known: Collection[str] | None) -> tuple[dict[str, int], int]:
        """Counts a categorical column.

        Args:
            name: The column.
            known: Categories of the reference, which are kept by ``keep_known``; ``None`` keeps the most
                frequent.

        Returns:
            Category → rows, and rows without a value.

        Raises:
            BadInput: When a file turns out to be spoilt.
        """
        sources = [(file.source, file.types[name]) for file in self._files]
        return self._guarded(name, partial(count_categories, name=name, sources=sources, known=known))

    def draw(
        self, expressions: Mapping[str, Callable[[str, str], str]], rows: int, seed: int
    ) -> Mapping[str, NDArray[Any]]:
        """Draws whole rows at random, the same ones for a seed.

        Args:
            expressions: Column → what makes SQL of its name and its type in a file, at least one.
            rows: Most rows.
            seed: Not negative.

        Returns:
            Name → values, all in one order.

        Raises:
            BadInput: When a file turns out to be spoilt.
        """

        def columns(file: _File) -> str:
            return ", ".join(
                f"{expression(name, file.types[name])} AS c{index}"
                for index, (name, expression) in enumerate(expressions.items())
            )

        files = " UNION ALL ".join(
            f'SELECT {columns(file)}, {number} AS "this file", file_row_number FROM {file.source}'
            for number, file in enumerate(self._files)
        )
        # By a hash of the row's place: DuckDB's own samples depend on how many threads read.
        place = f'"this file", file_row_number, {seed}'
        query = f"SELECT * FROM ({files}) ORDER BY hash({place}), {place} LIMIT {rows}"
        drawn = self._guarded(next(iter(expressions)), lambda cursor: cursor.execute(query).fetchnumpy())
        return {name: np.asarray(drawn[f"c{index}"]) for index, name in enumerate(expressions)}

    def _fetch(self, info: ObjectInfo, stem: Path) -> _File:
        name = info.key.lower()
        suffix = next((end for end in (*PARQUET, *CSV) if name.endswith(end)), None)
        uri = self._store.uri(info.key)
        if suffix is None:
            raise BadInput.of(uri, "is of no known format", f"use {', '.join((*PARQUET, *CSV))}")
        path = f"{stem}{suffix}"
        self._store.download(info.key, path)
        cursor = self._connection.cursor()
        try:
            if suffix in CSV:
                path = _as_parquet(cursor, path, suffix, f"{stem}.from-text.parquet")
            source = f"read_parquet({literal(path)}, file_row_number = true)"
            described = cursor.execute(
                f"DESCRIBE SELECT * EXCLUDE (file_row_number) FROM {source}"
            ).fetchall()
            rows = cursor.execute(f"SELECT count(*) FROM {source}").fetchall()[0][0]
        except duckdb.Error as error:
            raise BadInput.of(uri, f"cannot be read: {_first_line(error)}", "replace the file") from error
        return _File(info.key, source, int(rows), {str(row[0]): str(row[1]) for row in described})

    def _attach(self) -> dict[str, str]:
        union = " UNION ALL BY NAME ".join(
            f"SELECT * EXCLUDE (file_row_number) FROM {file.source}" for file in self._files
        )
        try:
            self._connection.execute(f"CREATE VIEW rows AS {union}")
            described = self._connection.execute("DESCRIBE rows").fetchall()
        except duckdb.Error as error:
            raise BadInput.of(
                self._uri,
                f"its files do not fit together: {_first_line(error)}",
                "give them the same columns",
            ) from error
        return {str(row[0]): str(row[1]) for row in described}

    def _guarded(self, name: str, query: Callable[[duckdb.DuckDBPyConnection], _T]) -> _T:
        with self._lock:
            cursor = self._connection.cursor()
        try:
            return query(cursor)
        except duckdb.Error as error:
            raise BadInput.of(
                self._uri, f"column {name!r} cannot be read: {_first_line(error)}", "replace the files"
            ) from error
        finally:
            cursor.close()


def _is_number(type_: str) -> bool:
    return type_ in _NUMBERS or type_ == "VARCHAR" or type_.startswith("DECIMAL")


def _is_category(type_: str) -> bool:
    return _is_number(type_) or type_.startswith("ENUM")


def _convert_first(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes DuckDB import what it turns results into arrays with, while no other thread does.

    It imports them behind a C++ guard, and lets go of Python's lock meanwhile: another thread that converts
    its first result then, takes that lock and waits for the guard, and both wait for ever.
    """
    with _first_conversion:
        connection.execute("SELECT $1::VARCHAR[] AS texts", [["a"]]).fetchall()
        connection.execute("SELECT 'nan'::FLOAT AS number, true AS truth").fetchnumpy()


def _as_parquet(cursor: duckdb.DuckDBPyConnection, path: str, suffix: str, target: str) -> str:
    # Text throughout: DuckDB would guess each CSV file's types from its first rows, each differently.
    # And no guess at header and separator: of a few rows of text it takes the header for one more.
    separator = "\\t" if ".tsv" in suffix else ","
    source = f"read_csv({literal(path)}, all_varchar=true, header=true, delim='{separator}', quote='\"')"
    # Reads the file through to its end, where it may be cut off.
    cursor.execute(f"COPY (SELECT * FROM {source}) TO {literal(target)} (FORMAT parquet)")
    Path(path).unlink()
    return target


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:300]
