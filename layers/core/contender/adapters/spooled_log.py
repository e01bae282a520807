"""The records of one release on disk, as an experiment's statistics read them: in parts, in any order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contender.adapters.export_parse import columns_of_class
from contender.domain.dataset import Task
from contender.domain.experiment import Columns, Order
from contender.domain.experiment.columns import NOT_A_CLASS
from contender.domain.experiment.table import class_order, label_text

BATCH_ROWS = 2**16
"""Records that a log gives at a time: some 15 MB with two classes and shadows."""

_ORDERS = {
    Order.ANY: "",
    Order.ASKED: "ORDER BY asked, unit",
    Order.TOLD: "ORDER BY coalesce(outcome_at, asked), unit",
    Order.UNIT: "ORDER BY unit, asked",
}
_TOLD = "flags & 8 <> 0 OR value IS NOT NULL"


class SpooledLog:
    """The records of one release: a :class:`contender.domain.experiment.Log` on disk."""

    def __init__(
        self,
        scratch: duckdb.DuckDBPyConnection,
        source: str,
        repeated: str,
        columns: Mapping[str, int],
        labels: tuple[str, ...],
        models: tuple[str, ...],
        task: Task | None,
    ) -> None:
        self._scratch, self._source, self._labels, self._models = scratch, source, labels, models
        own = [f"count({name})" for number in columns.values() for name in columns_of_class(number)]
        texts = "count(*) FILTER (predicted_text >= 0)"
        total, told, text, *counts = self._row(
            f"SELECT count(*), count(*) FILTER ({_TOLD}), {', '.join([texts, *own])} FROM {source}"
        )
        self._requests, self.told = int(total), int(told)
        self._named = [
            {label: columns[label] for label, count in zip(columns, counts[side::2], strict=True) if count}
            for side in (0, 1)
        ]
        if task is None:
            task = Task.CLASSIFICATION if self._named[0] or text else Task.REGRESSION
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
