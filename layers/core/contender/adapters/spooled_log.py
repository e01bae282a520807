"""The records of one release on disk, as an experiment's statistics read them: in parts, in any order."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contender.adapters.arrow_arrays import to_arrow, to_numpy
from contender.adapters.export_parse import columns_of_class
from contender.adapters.row_parts import MOST_PARTS, RowParts
from contender.domain.dataset import Task
from contender.domain.experiment import Columns, Order
from contender.domain.experiment.columns import NOT_A_CLASS
from contender.domain.experiment.table import class_order, label_text
from contender.domain.experiment.tally import Counts, Tally

BATCH_ROWS = 2**15
"""Records that are in memory at a time, about: some 8 MB with two classes and shadows. Three
readers work at once, and each holds a few."""

_HAS_OUTCOME = 8
"""Bit of ``flags``."""


class SpooledLog:
    """The records of one release: a :class:`contender.domain.experiment.Log` on disk."""

    def __init__(
        self,
        scratch: duckdb.DuckDBPyConnection,
        source: str,
        folder: Path,
        columns: Mapping[str, int],
        labels: tuple[str, ...],
        models: tuple[str, ...],
        task: Task | None,
    ) -> None:
        self._scratch, self._source, self._labels, self._models = scratch, source, labels, models
        self._folder = folder
        own = [f"count({name})" for number in columns.values() for name in columns_of_class(number)]
        (counted,) = scratch.sql(
            f"SELECT count(*), count(*) FILTER (predicted_text >= 0), {', '.join([*own, '0'])} FROM {source}"
        ).fetchall()
        total, text, *counts = counted
        self._requests = int(total)
        self._named = [
            {label: columns[label] for label, count in zip(columns, counts[side:-1:2], strict=True) if count}
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
        tallies = {Order.ASKED: Tally(), Order.TOLD: Tally()}
        self._by_unit = self._distributed(tallies)
        times = {order: tally.counts() for order, tally in tallies.items()}
        self.told = times[Order.TOLD].total
        self._edges = {order: self._equal_parts(its) for order, its in times.items()}
        self.clustered = any(_repeat(to_numpy(part["unit"])).any() for part in self._by_unit)

    def __len__(self) -> int:
        return self._requests

    def batches(self, order: Order) -> Iterator[Columns]:
        """Gives all records in parts."""
        parts = self._by_time(order) if order in self._edges else self._units(order)
        empty = True
        for part in _ahead(self._columns(part) for part in parts):
            empty = False
            yield part
        if empty:  # nothing was told
            yield self._columns(next(self._units(Order.ANY)).slice(0, 0))

    def _distributed(self, times: Mapping[Order, Tally]) -> RowParts:
        """All records by ranges of their units' hashes, which are spread evenly; counts their times."""
        edges = np.linspace(0, 2.0**64, self._parts(self._requests) + 1)[1:-1]
        parts = RowParts(self._folder / "units", edges)
        for rows in _ahead(iter(self._scratch.sql(f"FROM {self._source}").to_arrow_reader(BATCH_ROWS))):
            parts.add(rows, to_numpy(rows["unit"]).astype(np.float64))
            asked = to_numpy(rows["asked"])
            times[Order.ASKED].add(None, asked)
            times[Order.TOLD].add(None, _known_at(rows)[_is_told(rows)])
        parts.close()
        return parts

    def _units(self, order: Order) -> Iterator[pa.Table]:
        for part in self._by_unit:
            unit = to_numpy(part["unit"])
            part = part.append_column(
                "alone", to_arrow(~_repeat(unit) if self.clustered else np.ones(unit.size, bool))
            )
            yield part.take(to_arrow(np.argsort(unit, kind="stable"))) if order is Order.UNIT else part

    def _by_time(self, order: Order) -> Iterator[pa.Table]:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        parts = RowParts(folder / "times", self._edges[order])
        for part in self._units(Order.ANY):
            for rows in part.to_batches():
                if order is Order.TOLD:
                    rows = rows.filter(to_arrow(_is_told(rows)))
                parts.add(rows, _known_at(rows) if order is Order.TOLD else to_numpy(rows["asked"]))
        parts.close()
        for part in parts:
            time = _known_at(part) if order is Order.TOLD else to_numpy(part["asked"])
            yield part.take(to_arrow(np.lexsort((to_numpy(part["unit"]), time))))
        shutil.rmtree(folder)

    def _equal_parts(self, times: Counts) -> NDArray[np.float64]:
        """Where to cut times so that about as many lie in each part."""
        count = self._parts(times.total)
        return np.array(times.quantiles(np.arange(1, count) / count))

    def _parts(self, rows: int) -> int:
        return min(MOST_PARTS, max(1, -(-rows // BATCH_ROWS)))

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
            found: NDArray[np.float64] = to_numpy(part[name])
            return found.astype(np.float64, copy=False)

        flags, unit = (to_numpy(part[name]) for name in ("flags", "unit"))
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
            model=to_numpy(part["model"]).astype(np.intp),
            models=self._models,
            split=get("split"),
            epoch=to_numpy(part["epoch"]),
            probability_b=np.where(is_b, probability, 1 - probability),
            latency_ms=get("latency"),
            outcome_at=get("outcome_at"),
            predicted=predicted,
            outcome=outcome,
            usable=usable,
            unknown=has_outcome & ~usable,
            probabilities=self._matrix(part, 0),
            value=get("value"),
            alone=to_numpy(part["alone"]),
            has_shadow=has_shadow,
            shadow_predicted=shadow,
            shadow_probabilities=shadow_probabilities,
        )

    def _labelled(self, part: pa.RecordBatch | pa.Table, name: str) -> NDArray[np.float64]:
        """Numbers for regression; for classification class indices, ``NOT_A_CLASS`` where there is none."""
        numbers = np.array(to_numpy(part[name]), dtype=np.float64)
        if self.task is Task.REGRESSION:
            return numbers
        position = {label: index for index, label in enumerate(self.classes)}
        by_code = np.array([position.get(label, NOT_A_CLASS) for label in self._labels] + [NOT_A_CLASS])
        found: NDArray[np.float64] = by_code[to_numpy(part[f"{name}_text"])].astype(np.float64)
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
                values = to_numpy(part[columns_of_class(named[label])[side]])
                missing = np.isnan(values)
                matrix[:, column] = np.where(missing, 0.0, values)
                bare &= missing
        matrix[bare] = math.nan
        return matrix


def _is_told(rows: pa.RecordBatch | pa.Table) -> NDArray[np.bool_]:
    outcome = (to_numpy(rows["flags"]) & _HAS_OUTCOME).astype(np.bool_)
    told: NDArray[np.bool_] = outcome | np.isfinite(to_numpy(rows["value"]))
    return told


def _known_at(rows: pa.RecordBatch | pa.Table) -> NDArray[np.float64]:
    outcome_at = to_numpy(rows["outcome_at"])
    return np.where(np.isnan(outcome_at), to_numpy(rows["asked"]), outcome_at)


def _repeat(unit: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which records are not the only one of their unit."""
    order = np.argsort(unit, kind="stable")
    same = unit[order][1:] == unit[order][:-1]
    repeated = np.zeros(unit.size, dtype=np.bool_)
    repeated[order[1:][same]] = True
    repeated[order[:-1][same]] = True
    return repeated


_T = TypeVar("_T")


def _ahead(parts: Iterator[_T]) -> Iterator[_T]:
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
