"""A window's rows, checked against the declaration and coerced to what a model is trained on."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from contender.domain.dataset import (
    MISSING_CATEGORY,
    Dataset,
    Kind,
    Task,
    label_values,
    number_as_category,
)
from contender.errors import BadInput, Problem
from contender.ports import ObjectStore

PARQUET = (".parquet", ".pq")
CSV = {".csv": ",", ".csv.gz": ",", ".tsv": "\t", ".tsv.gz": "\t"}
BLANKS = frozenset({"", "na", "n/a", "nan", "null", "none"})
"""What a text may say, in any case, when a number or a label is missing: the same as in the drift check."""

MAX_CLASSES = 100
"""More labels than this mean that the target is a number or an id, not a class."""


@dataclass(frozen=True)
class TrainingData:
    """Rows to train on or to score.

    Attributes:
        dataset: The declaration.
        features: One column per declared feature, in declared order: float32 with NaN for missing, or
            ``object`` holding texts with ``""`` for missing.
        target: Shape (n,): int64 or text labels, or float64 numbers. No value is missing.
        times: Shape (n,): sortable times, or ``None`` when no timestamp is declared.
        units: Shape (n,): texts, or ``None`` when no unit is declared.
        dropped: Why rows were left out → how many.
    """

    dataset: Dataset
    features: pd.DataFrame
    target: NDArray[Any]
    times: NDArray[Any] | None
    units: NDArray[Any] | None
    dropped: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.target)

    @property
    def columns(self) -> dict[str, NDArray[Any]]:
        """Feature → array, as an ONNX model reads it."""
        return {str(name): self.features[name].to_numpy() for name in self.features}

    def take(self, rows: NDArray[np.intp]) -> TrainingData:
        """Gives the rows at these positions, in this order."""
        return replace(
            self,
            features=self.features.iloc[rows].reset_index(drop=True),
            target=self.target[rows],
            times=None if self.times is None else self.times[rows],
            units=None if self.units is None else self.units[rows],
        )

    def without_rare_classes(self, fewest: int) -> TrainingData:
        """Leaves out the rows of classes with fewer rows than this; a regression stays as it is."""
        if self.dataset.task is not Task.CLASSIFICATION:
            return self
        labels, inverse, counts = np.unique(self.target, return_inverse=True, return_counts=True)
        kept = counts[inverse] >= fewest
        if kept.all():
            return self
        dropped = dict(self.dropped)
        for label, count in zip(labels.tolist(), counts.tolist(), strict=True):
            if count < fewest:
                dropped[f"class {label!r} has fewer than {fewest} rows"] = count
        return replace(self.take(np.flatnonzero(kept)), dropped=dropped)


def load_window(store: ObjectStore, prefix: str, dataset: Dataset) -> TrainingData:
    """Reads a window.

    Args:
        store: The data bucket.
        prefix: Prefix of the window: ``reference/`` or ``current/<id>/``.
        dataset: The declaration.

    Returns:
        Its rows, those of all files one after the other.

    Raises:
        BadInput: Naming the file or each column that is missing or cannot be read, and the fix.
        StoreUnavailable: When the bucket does not answer.
    """
    objects = [info for info in store.list(prefix) if info.size > 0]
    if not objects:
        raise BadInput.of(store.uri(prefix), "holds no data", "upload Parquet or CSV files below it")
    wanted = [*dataset.features, dataset.target]
    wanted += [name for name in (dataset.timestamp, dataset.unit) if name is not None and name not in wanted]
    words = [name for name, kind in dataset.features.items() if kind is Kind.CATEGORICAL]
    if dataset.task is Task.CLASSIFICATION:
        words.append(dataset.target)
    if dataset.unit is not None and dataset.unit not in dataset.features:
        words.append(dataset.unit)
    with tempfile.TemporaryDirectory() as folder:
        frames = []
        for info in objects:
            path = Path(folder) / Path(info.key).name
            store.download(info.key, str(path))
            frame = _read(path, store.uri(info.key), wanted)
            # Before they are put together, which may give a column another type, and its values another text.
            frames.append(frame.assign(**{name: _texts(frame[name]) for name in words}))
            path.unlink()
    return prepare(pd.concat(frames, ignore_index=True), dataset)


def prepare(frame: pd.DataFrame, dataset: Dataset) -> TrainingData:
    """Coerces raw columns to the declared kinds, and drops rows without target or time.

    Args:
        frame: At least the declared columns.
        dataset: The declaration.

    Returns:
        The rows that are left.

    Raises:
        BadInput: Naming each column that does not hold what is declared.
    """
    problems: list[Problem] = []
    features: dict[str, Any] = {}
    for name, kind in dataset.features.items():
        if kind is Kind.NUMERIC:
            numbers = _numbers(frame[name], problems, f"declare {name!r} categorical, or correct it")
            # What float32 cannot hold is missing, as a request that sends it is refused.
            with np.errstate(over="ignore"):
                narrow = numbers.astype(np.float32)
            features[name] = np.where(np.isfinite(narrow), narrow, np.float32(np.nan))
        else:
            features[name] = _texts(frame[name])
    target, has_target = _target(frame[dataset.target], dataset.task, problems)
    keep = has_target
    dropped = {"target is missing": int((~has_target).sum())}
    times = None
    if dataset.timestamp is not None:
        times, has_time = _times(frame[dataset.timestamp], problems)
        dropped["timestamp is missing"] = int((has_target & ~has_time).sum())
        keep = has_target & has_time
    if problems:
        raise BadInput(problems)
    data = TrainingData(
        dataset=dataset,
        features=pd.DataFrame(features, index=range(len(frame))),
        target=target,
        times=times,
        units=None if dataset.unit is None else _texts(frame[dataset.unit]),
        dropped={reason: count for reason, count in dropped.items() if count},
    ).take(np.flatnonzero(keep))
    if dataset.task is Task.CLASSIFICATION:
        data = replace(data, target=_labels(data.target, dataset.target))
    return data


def _read(path: Path, uri: str, wanted: Sequence[str]) -> pd.DataFrame:
    name = path.name.lower()
    try:
        if name.endswith(PARQUET):
            # Nullable types, so that a missing value does not turn 1 into 1.0.
            frame = pd.read_parquet(path, dtype_backend="numpy_nullable")
        elif name.endswith(tuple(CSV)):
            separator = next(mark for suffix, mark in CSV.items() if name.endswith(suffix))
            # Texts throughout: guessing would turn the category 007 into 7 and NA into a missing value.
            frame = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False)
        else:
            raise BadInput.of(uri, "is of no known format", f"use {', '.join((*PARQUET, *CSV))}")
    except (ValueError, OSError) as error:  # pandas and pyarrow raise kinds of these
        raise BadInput.of(uri, f"cannot be read: {str(error)[:200]}", "replace the file") from error
    missing = [column for column in wanted if column not in frame.columns]
    if missing:
        raise BadInput(
            [
                Problem(column, f"is not a column of {uri}", "add the column, or correct dataset.json")
                for column in missing
            ]
        )
    return frame[list(wanted)]


def _numbers(column: pd.Series, problems: list[Problem], fix: str) -> NDArray[np.float64]:
    """Gives float64, NaN for missing; text that is no number is a problem."""
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    texts = pd.Series(_texts(column)).str.strip()
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64)
    wrong = np.isnan(numbers) & ~texts.str.lower().isin(BLANKS).to_numpy()
    if wrong.any():
        example = texts[wrong].iloc[0]
        problems.append(
            Problem(
                str(column.name), f"holds {int(wrong.sum())} values that are no numbers ({example!r})", fix
            )
        )
    return numbers


def _texts(column: pd.Series) -> NDArray[Any]:
    """Gives texts, ``""`` for missing; truth values as ``true`` and ``false``, like JSON and SQL.

    Numbers are written as ``number_as_category`` writes them, as the drift check does.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    missing = column.isna().to_numpy()
    if pd.api.types.is_float_dtype(column):
        # DuckDB has no type of 16 bits.
        wide = np.promote_types(column.dtype.type, np.float32)
        numbers = column.to_numpy(dtype=wide, na_value=np.nan)
        missing = np.isnan(numbers)  # of a nullable column isna() does not tell NaN
        places, values = pd.factorize(numbers)  # -1 for missing
        texts = np.array([*map(number_as_category, values), MISSING_CATEGORY], dtype=object)[places]
    elif pd.api.types.infer_dtype(column, skipna=True) == "decimal":
        texts = column.map(number_as_category, na_action="ignore").to_numpy(dtype=object)
    elif pd.api.types.is_bool_dtype(column):
        texts = np.where(column.fillna(False).to_numpy(dtype=bool), "true", "false").astype(object)
    else:
        texts = column.astype(str).to_numpy(dtype=object)
    texts[missing] = MISSING_CATEGORY
    return texts


def _target(column: pd.Series, task: Task, problems: list[Problem]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    if task is Task.REGRESSION:
        numbers = _numbers(column, problems, "use task classification, or correct it")
        return numbers, np.isfinite(numbers)
    texts = pd.Series(_texts(column)).str.strip()
    return texts.to_numpy(dtype=object), ~texts.str.lower().isin(BLANKS).to_numpy()


def _labels(texts: NDArray[Any], target: str) -> NDArray[Any]:
    """Gives int64 when every label is an integer or a truth value, texts otherwise."""
    unique = sorted(set(texts))
    if len(unique) > MAX_CLASSES:
        raise BadInput.of(
            target,
            f"has {len(unique)} different values, at most {MAX_CLASSES} classes make sense",
            "use task regression, or another target",
        )
    labels = label_values(unique)
    if not all(isinstance(label, int) for label in labels.values()):
        return texts
    return np.array([labels[text] for text in texts], dtype=np.int64)


def _times(column: pd.Series, problems: list[Problem]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    if pd.api.types.is_numeric_dtype(column):
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return numbers, np.isfinite(numbers)
    source = column
    if not pd.api.types.is_datetime64_any_dtype(column):
        texts = pd.Series(_texts(column)).str.strip()
        source = texts.mask(texts.str.lower().isin(BLANKS))
    times = pd.to_datetime(
        source, errors="coerce", utc=True, format="ISO8601" if source is not column else None
    )
    wrong = (times.isna().to_numpy()) & ~source.isna().to_numpy()
    if wrong.any():
        problems.append(
            Problem(
                str(column.name),
                f"holds {int(wrong.sum())} values that are no times ({source[wrong].iloc[0]!r})",
                "write times as ISO 8601, such as 2013-06-01T08:30:00Z",
            )
        )
    return times.dt.tz_localize(None).to_numpy(), ~times.isna().to_numpy()
