"""Rows of a declared data set, as they are sent to the router."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd

from contender.domain.dataset import Dataset, Kind, Task, number_as_category
from contender.domain.records import Outcome
from contender.errors import BadInput, NotFound, Problem
from contender.ports import ObjectInfo, ObjectStore
from scripts.datasets.layout import CURRENT, REFERENCE, read_table

SAMPLE_BYTES = 64_000_000
"""Most bytes of windows that are read to draw rows from: enough for variety, and quickly copied."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row to send.

    Attributes:
        features: Name → value in declared order; ``None`` when missing.
        outcome: What really happened, if the row has it.
        unit: The randomisation unit, if one is declared and known.
    """

    features: Mapping[str, float | str | None]
    outcome: Outcome | None = None
    unit: str | None = None


def body(row: Row, positional: bool) -> dict[str, object]:
    """Makes the body of ``POST /predict``: by name, or by position in declared order."""
    document: dict[str, object] = (
        {"data": list(row.features.values())} if positional else {"features": dict(row.features)}
    )
    if row.unit is not None:
        document["unit_id"] = row.unit
    return document


def json_value(value: object, kind: Kind) -> float | str | None:
    """Turns a table's value into what the router reads.

    Args:
        value: Any scalar of a pandas column.
        kind: How the feature is measured.

    Returns:
        ``None`` for a missing value, and for a number that is infinite or a text that is no number; a number
        for a numeric feature (booleans are 0 and 1); a text for a categorical one (``true``, ``false`` for
        booleans, as SQL writes them).
    """
    if pd.isna(value):
        return None
    if kind is Kind.CATEGORICAL:
        return str(value).lower() if isinstance(value, bool | np.bool_) else _text(value)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    if not math.isfinite(number):
        return None
    return int(number) if isinstance(value, int | np.integer | np.bool_) else number


def _text(value: object) -> str:
    return number_as_category(value) if isinstance(value, float | np.floating | Decimal) else str(value)


def outcome_value(value: object, task: Task) -> Outcome | None:
    """Turns a target's value into an outcome: a number for regression, else a whole number or a text.

    ``None`` when it is missing, or not finite.
    """
    if pd.isna(value):
        return None
    if task is Task.REGRESSION:
        number = json_value(value, Kind.NUMERIC)
        return None if number is None else float(number)
    if isinstance(value, int | np.integer | np.bool_):
        return int(value)
    if isinstance(value, float | np.floating):
        return int(value) if float(value).is_integer() else str(value)
    return str(value)


def rows_of(table: pd.DataFrame, dataset: Dataset, source: str = "the table") -> Iterator[Row]:
    """Turns a table into rows, in its order.

    Args:
        table: Has every declared feature; target and unit may be absent.
        dataset: The declaration.
        source: Where the table comes from, for the error.

    Raises:
        BadInput: Naming the features that the table lacks, and the source.
    """
    missing = [name for name in dataset.features if name not in table.columns]
    if missing:
        raise BadInput.of(", ".join(missing), f"is not in {source}", "add the column, or do not declare it")
    names = list(dataset.features)
    others = (c for c in (dataset.target, dataset.unit) if c is not None and c in table.columns)
    wanted = list(dict.fromkeys([*names, *others]))
    # Each value in its column's own type: as a Python number a float32's 0.1 would be another category.
    for values in zip(*(table[name].array for name in wanted), strict=True):
        record = dict(zip(wanted, values, strict=True))
        features = {name: json_value(record[name], kind) for name, kind in dataset.features.items()}
        unit = record.get(dataset.unit) if dataset.unit is not None else None
        yield Row(
            features,
            outcome_value(record.get(dataset.target), dataset.task),
            None if pd.isna(unit) else _text(unit),
        )


def rows_from_file(path: Path, dataset: Dataset, n: int | None = None) -> list[Row]:
    """Reads rows in the order of their file.

    Args:
        path: A Parquet or CSV file.
        dataset: The declaration.
        n: Take only so many, evenly spread from the first to the last; all by default and when there are
            fewer.

    Raises:
        BadInput: When the file cannot be read or lacks a declared feature, or ``n`` is less than 1.
        NotFound: When there is no such file.
    """
    if n is not None and n < 1:
        raise BadInput.of("n", f"is {n}", "give at least 1")
    if not path.is_file():
        raise NotFound(f"{path} is not there; name a Parquet or CSV file")
    table = read_table(path, dataset)
    if n is not None and n < len(table):
        table = table.iloc[np.linspace(0, len(table) - 1, n).round().astype(int)]
    return list(rows_of(table, dataset, str(path)))


def sample_rows(store: ObjectStore, dataset: Dataset, n: int, random: np.random.Generator) -> list[Row]:
    """Draws rows at random, with replacement, from the reference and all current windows.

    Args:
        store: Has ``reference/`` and ``current/``; of more than ``SAMPLE_BYTES``, files are chosen at random.
        dataset: The declaration.
        n: How many; at least 1.
        random: Source of randomness.

    Raises:
        BadInput: When ``n`` is less than 1, a file cannot be read or lacks a declared feature, or there
            is no row.
        StoreUnavailable: When the store does not answer.
    """
    if n < 1:
        raise BadInput.of("n", f"is {n}", "give at least 1")
    objects = [info for prefix in (REFERENCE, CURRENT) for info in store.list(f"{prefix}/") if info.size]
    order = [objects[i] for i in random.permutation(len(objects))]
    read = [pair for pair in _tables(store, dataset, _within(order, SAMPLE_BYTES)) if len(pair[1])]
    if not read:
        raise BadInput.of(
            store.uri(f"{REFERENCE}/"), "has no rows, nor has current/", "upload the data set's windows first"
        )
    ends = np.cumsum([len(table) for _, table in read])
    chosen = random.integers(0, ends[-1], size=n)
    source = np.searchsorted(ends, chosen, side="right")
    rows: list[Row | None] = [None] * n
    for index, (name, table) in enumerate(read):
        places = np.flatnonzero(source == index)
        part = table.iloc[chosen[places] - (ends[index] - len(table))]
        for place, row in zip(places, rows_of(part, dataset, name), strict=True):
            rows[place] = row
    return [row for row in rows if row is not None]


def _within(objects: Iterable[ObjectInfo], budget: int) -> Iterator[ObjectInfo]:
    used = 0
    for info in objects:
        if used and used + info.size > budget:
            continue
        used += info.size
        yield info


def _tables(
    store: ObjectStore, dataset: Dataset, objects: Iterable[ObjectInfo]
) -> Iterator[tuple[str, pd.DataFrame]]:
    with tempfile.TemporaryDirectory(prefix="contender-traffic-") as folder:
        for index, info in enumerate(objects):
            path = Path(folder) / f"{index}-{Path(info.key).name}"
            store.download(info.key, str(path))
            name = store.uri(info.key)
            try:
                yield name, read_table(path, dataset)
            except BadInput as error:  # it names the copy
                raise BadInput([Problem(name, each.reason, each.fix) for each in error.problems]) from error
