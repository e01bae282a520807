"""Windows read by DuckDB: CSV or Parquet, one file or many, one column in memory at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np

from contender.domain.dataset import Dataset, Kind
from contender.domain.drift import (
    CategoricalSample,
    ColumnSample,
    LazyColumns,
    NumericSample,
    UnusableSample,
)
from contender.errors import BadInput
from contender.ports import ObjectInfo, ObjectStore

PARQUET = (".parquet", ".pq")
CSV = (".csv", ".csv.gz", ".tsv", ".tsv.gz")

MAX_CATEGORIES = 100_000
"""Most categories that are counted one by one, so that a column of ids cannot fill the memory."""

_INTEGERS = {f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG", "HUGE")}
_NUMBERS = frozenset({"BOOLEAN", "INTEGER", "UINTEGER", "FLOAT", "DOUBLE"} | _INTEGERS)
_BLANKS = "('', 'na', 'n/a', 'nan', 'null', 'none')"


class DuckDbWindows:
    """Implements :class:`contender.usecases.check_drift.Windows`.

    Objects are copied to a temporary folder first: DuckDB's own S3 reader is an extension that it
    downloads when it runs, which a function without internet cannot.

    Args:
        store: The data bucket.
        scratch: Folder for temporary files; the system's by default.
    """

    def __init__(self, store: ObjectStore, scratch: str | None = None) -> None:
        self._store = store
        self._scratch = scratch

    @contextmanager
    def open(self, objects: Sequence[ObjectInfo], dataset: Dataset) -> Iterator[Mapping[str, ColumnSample]]:
        """Opens a window.

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
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            connection = duckdb.connect(
                config={
                    "temp_directory": folder,
                    "autoinstall_known_extensions": "false",
                    "autoload_known_extensions": "false",
                }
            )
            try:
                types = self._attach(connection, objects, Path(folder))
                rows = _scalar(connection, "SELECT count(*) FROM rows")

                def load(name: str) -> ColumnSample:
                    kind = dataset.features.get(name)
                    if kind is None:
                        return UnusableSample("is not declared in dataset.json", rows)
                    try:
                        return _read_column(connection, name, kind, types[name], rows)
                    except duckdb.Error as error:
                        raise BadInput.of(
                            self._folder_uri(objects),
                            f"column {name!r} cannot be read: {_first_line(error)}",
                            "replace the files",
                        ) from error

                yield LazyColumns(types, load)
            finally:
                connection.close()

    def _attach(
        self, connection: duckdb.DuckDBPyConnection, objects: Sequence[ObjectInfo], folder: Path
    ) -> dict[str, str]:
        sources = []
        for index, info in enumerate(objects):
            name = info.key.lower()
            suffix = next((end for end in (*PARQUET, *CSV) if name.endswith(end)), None)
            if suffix is None:
                raise BadInput.of(
                    self._store.uri(info.key), "is of no known format", f"use {', '.join((*PARQUET, *CSV))}"
                )
            path = str(folder / f"{index}{suffix}")
            self._store.download(info.key, path)
            literal = "'" + path.replace("'", "''") + "'"
            # Text throughout: DuckDB would guess each CSV file's types from its first rows, each differently.
            # And no guess at header and separator: of a few rows of text it takes the header for one more.
            separator = "\\t" if ".tsv" in suffix else ","
            source = (
                f"read_parquet({literal})"
                if suffix in PARQUET
                else f"read_csv({literal}, all_varchar=true, header=true, delim='{separator}', quote='\"')"
            )
            try:
                # Reads a CSV file through to its end, where it may be cut off.
                _scalar(connection, f"SELECT count(*) FROM {source}")
            except duckdb.Error as error:
                raise BadInput.of(
                    self._store.uri(info.key), f"cannot be read: {_first_line(error)}", "replace the file"
                ) from error
            sources.append(f"SELECT * FROM {source}")
        union = " UNION ALL BY NAME ".join(sources)
        try:
            connection.execute(f"CREATE VIEW rows AS {union}")
            described = connection.execute("DESCRIBE rows").fetchall()
        except duckdb.Error as error:
            raise BadInput.of(
                self._folder_uri(objects),
                f"its files do not fit together: {_first_line(error)}",
                "give them the same columns",
            ) from error
        return {str(row[0]): str(row[1]) for row in described}

    def _folder_uri(self, objects: Sequence[ObjectInfo]) -> str:
        return self._store.uri(objects[0].key.rpartition("/")[0] + "/")


def _read_column(
    connection: duckdb.DuckDBPyConnection, name: str, kind: Kind, type_: str, rows: int
) -> ColumnSample:
    column = '"' + name.replace('"', '""') + '"'
    family = "DECIMAL" if type_.startswith("DECIMAL") else type_
    readable = family in _NUMBERS or family in ("DECIMAL", "VARCHAR")
    if kind is Kind.CATEGORICAL:
        if not readable and not type_.startswith("ENUM"):
            return UnusableSample(f"holds {type_.lower()} values, not categories", rows)
        return _read_categories(connection, column)
    if not readable:
        return UnusableSample(f"holds {type_.lower()} values, not numbers", rows)
    return _read_numbers(connection, column, is_text=type_ == "VARCHAR")


def _read_numbers(connection: duckdb.DuckDBPyConnection, column: str, is_text: bool) -> NumericSample:
    # FLOAT, because that is what the model is trained on and served with.
    number = f"TRY_CAST({column} AS FLOAT)"
    if is_text:  # Parquet's booleans are 1 and 0; CSV spells them out
        number = f"coalesce({number}, CASE lower(trim({column})) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END)"
    answer = connection.execute(f"SELECT coalesce({number}, 'nan'::FLOAT) AS v FROM rows").fetchnumpy()
    values = np.asarray(answer["v"], dtype=np.float32)
    unreadable = 0
    if is_text:
        unreadable = _scalar(
            connection,
            f"SELECT count(*) FROM rows WHERE {number} IS NULL AND lower(trim({column})) NOT IN {_BLANKS}",
        )
    return NumericSample(values, unreadable)


def _read_categories(connection: duckdb.DuckDBPyConnection, column: str) -> CategoricalSample:
    counted = f"SELECT {column}::VARCHAR AS c, count(*) FROM rows GROUP BY c"
    largest = connection.execute(f"{counted} ORDER BY 2 DESC, 1 LIMIT {MAX_CATEGORIES}").fetchall()
    counts = {text: int(count) for text, count in largest}
    missing = counts.pop(None, 0)
    beyond = _scalar(connection, "SELECT count(*) FROM rows") - sum(counts.values()) - missing
    if beyond:
        counts["(further categories)"] = beyond
    return CategoricalSample(counts, missing)


def _scalar(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:300]
