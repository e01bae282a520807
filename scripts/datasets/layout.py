"""The files of a prepared data set, laid out as in the data bucket."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from contender.domain.dataset import Dataset, Kind, Task, label_values
from contender.errors import BadInput

DATASET = "dataset.json"
REFERENCE = "reference"
CURRENT = "current"

_BLANKS = ["", "NA", "N/A", "nan", "NaN", "null", "NULL", "None"]


def write_dataset(root: Path, dataset: Dataset) -> Path:
    """Writes the declaration and gives its path; folders that are missing are made."""
    root.mkdir(parents=True, exist_ok=True)
    path = root / DATASET
    path.write_text(json.dumps(dataset.to_dict(), indent=2) + "\n", encoding="utf-8")
    return path


def write_table(frame: pd.DataFrame, path: Path, dataset: Dataset) -> Path:
    """Writes the declared columns of a table, and only those: timestamp, unit, features, target.

    Args:
        frame: The table; its order of rows is kept.
        path: Where to; the ending says how: ``.parquet``, ``.csv`` or ``.csv.gz``.
        dataset: The declaration.

    Returns:
        The path.

    Raises:
        BadInput: When the table lacks a declared column, or the ending is another.
    """
    columns = [
        *(name for name in (dataset.timestamp, dataset.unit) if name is not None),
        *dataset.features,
        dataset.target,
    ]
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise BadInput.of(", ".join(missing), "is not in the table", "add the column or do not declare it")
    path.parent.mkdir(parents=True, exist_ok=True)
    table = frame[columns]
    if path.suffix == ".parquet":
        table.to_parquet(path, index=False)
    elif path.name.endswith((".csv", ".csv.gz")):
        table.to_csv(path, index=False)
    else:
        raise BadInput.of(str(path), "has an unknown ending", "use .parquet, .csv or .csv.gz")
    return path


def read_table(path: Path, dataset: Dataset) -> pd.DataFrame:
    """Reads a table of a window back, with categories as text and an empty CSV field as missing.

    Args:
        path: A Parquet or CSV file.
        dataset: The declaration; it says which CSV columns are text.

    Returns:
        The table, with whatever columns the file has. Its types are pandas' nullable ones, so that
        an integer beside a missing value stays an integer.

    Raises:
        BadInput: When the ending is unknown, or the file cannot be read as what its ending says.
    """
    name = path.name.lower()
    try:
        if name.endswith((".parquet", ".pq")):
            return _with_labels(pd.read_parquet(path, dtype_backend="numpy_nullable"), dataset)
        if name.endswith((".csv", ".csv.gz", ".tsv", ".tsv.gz")):
            words = {column for column, kind in dataset.features.items() if kind is Kind.CATEGORICAL}
            blanks = {column: [""] if column in words else _BLANKS for column in dataset.features}
            blanks[dataset.target] = [""] if dataset.task is Task.CLASSIFICATION else _BLANKS
            if dataset.task is Task.CLASSIFICATION:
                words.add(dataset.target)
            table = pd.read_csv(
                path,
                sep="\t" if ".tsv" in name else ",",
                dtype=dict.fromkeys(words, str),
                keep_default_na=False,  # "NA" and "None" may be categories
                na_values=blanks,
                dtype_backend="numpy_nullable",
            )
            return _with_labels(table, dataset)
    except (ValueError, OSError, EOFError) as error:
        raise BadInput.of(str(path), f"cannot be read: {error}", "replace the file") from error
    raise BadInput.of(str(path), "is of no known format", "use Parquet (.parquet) or CSV (.csv, .csv.gz)")


def _with_labels(table: pd.DataFrame, dataset: Dataset) -> pd.DataFrame:
    """Turns a target of texts into the labels that training makes of them."""
    if dataset.task is not Task.CLASSIFICATION or dataset.target not in table.columns:
        return table
    column = table[dataset.target]
    if not pd.api.types.is_string_dtype(column):
        return table
    texts = column.dropna().astype(str).str.strip()
    labels = label_values(set(texts.unique()))
    if all(isinstance(label, int) for label in labels.values()):
        table[dataset.target] = texts.map(labels).reindex(table.index).astype("Int64")
    return table
