"""Collects observations one by one, and gives them as columns."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from contender.domain.dataset import Task
from contender.domain.experiment.columns import NOT_A_CLASS, Columns, Observation


class ObservationTable:
    """Collects observations at some 110 bytes each plus 8 per class (both more with shadows), as they
    come."""

    def __init__(self) -> None:
        self._flags = array("B")  # bits: assigned to B, fallback, spilled, outcome, alone, shadow
        self._at = array("d")
        self._unit = array("Q")
        self._model = array("i")
        self._split = array("d")
        self._epoch = array("q")
        self._probability = array("d")
        self._latency = array("f")
        self._outcome_at = array("d")
        self._value = array("d")
        self._predicted = _Values()
        self._outcome = _Values()
        self._models: dict[str, int] = {}
        self._probabilities = _Probabilities()
        self._shadow_predicted = _Values()
        self._shadow_probabilities = _Probabilities()

    def __len__(self) -> int:
        return len(self._flags)

    def add(self, row: Observation) -> None:
        """Appends an observation."""
        shadow = row.shadow
        self._flags.append(
            row.assigned_b
            | row.fallback << 1
            | row.spilled << 2
            | (row.outcome is not None) << 3
            | row.alone << 4
            | (shadow is not None) << 5
        )
        self._at.append(row.at)
        self._unit.append(row.unit)
        self._model.append(self._models.setdefault(row.model_version, len(self._models)))
        self._split.append(row.split)
        self._epoch.append(row.epoch)
        self._probability.append(row.probability)
        self._latency.append(row.latency_ms)
        self._outcome_at.append(row.outcome_at)
        self._value.append(row.value)
        self._predicted.add(row.prediction)
        self._outcome.add(math.nan if row.outcome is None else row.outcome)
        self._probabilities.add(row.probabilities)
        if shadow is not None:  # only these rows: without shadows they cost nothing
            self._shadow_predicted.add(shadow.prediction)
            self._shadow_probabilities.add(shadow.probabilities)

    def columns(self, task: Task | None = None) -> Columns:
        """Gives what was collected.

        Args:
            task: What the models predict; ``None`` to tell from the records: probabilities or a prediction
                that is no number mean classification.

        Returns:
            The columns; of length 0 without observations.
        """
        if task is None:
            classifies = bool(self._probabilities.names) or self._predicted.has_text
            task = Task.CLASSIFICATION if classifies else Task.REGRESSION
        flags = np.array(self._flags, dtype=np.uint8)
        is_b, has_outcome, has_shadow = ((flags & bit).astype(np.bool_) for bit in (1, 8, 32))
        probability = np.array(self._probability, dtype=np.float64)
        unit = np.array(self._unit, dtype=np.uint64)
        if task is Task.REGRESSION:
            classes: tuple[str, ...] = ()
            predicted, outcome = self._predicted.numbers(), self._outcome.numbers()
            shadow = self._shadow_predicted.numbers()
            usable = has_outcome & ~np.isnan(outcome) & ~np.isnan(predicted)
        else:
            classes = self._classes()
            predicted, outcome = self._predicted.indices(classes), self._outcome.indices(classes)
            shadow = self._shadow_predicted.indices(classes)
            usable = has_outcome & (outcome != NOT_A_CLASS)
        return Columns(
            task=task,
            classes=classes,
            is_b=is_b,
            fallback=(flags & 2).astype(np.bool_),
            spilled=(flags & 4).astype(np.bool_),
            at=np.array(self._at, dtype=np.float64),
            unit=unit,
            units=unit if np.unique(unit).size < unit.size else None,
            model=np.array(self._model, dtype=np.intp),
            models=tuple(self._models),
            split=np.array(self._split, dtype=np.float64),
            epoch=np.array(self._epoch, dtype=np.int64),
            probability_b=np.where(is_b, probability, 1 - probability),
            latency_ms=np.array(self._latency, dtype=np.float64),
            outcome_at=np.array(self._outcome_at, dtype=np.float64),
            predicted=predicted,
            outcome=outcome,
            usable=usable,
            unknown=has_outcome & ~usable,
            probabilities=self._probabilities.matrix(classes),
            value=np.array(self._value, dtype=np.float64),
            alone=(flags & 16).astype(np.bool_),
            has_shadow=has_shadow,
            shadow_predicted=_spread(shadow, has_shadow),
            shadow_probabilities=_spread(self._shadow_probabilities.matrix(classes), has_shadow),
        )

    def _classes(self) -> tuple[str, ...]:
        found = self._probabilities.names | self._shadow_probabilities.names
        found |= self._predicted.labels() | self._shadow_predicted.labels()
        return tuple(sorted(found, key=class_order))


def _spread(values: NDArray[np.float64], where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Puts rows to the records that have one; NaN elsewhere."""
    spread = np.full((where.size, *values.shape[1:]), math.nan)
    spread[where] = values
    return spread


class _Probabilities:
    """Probabilities by class; classes may appear at any record."""

    def __init__(self) -> None:
        self._rows = 0
        self._columns: dict[str, array[float]] = {}

    @property
    def names(self) -> set[str]:
        return set(self._columns)

    def add(self, given: Mapping[str, float] | None) -> None:
        before, known = self._rows, self._columns
        self._rows += 1
        if given is None:
            for column in known.values():
                column.append(math.nan)
            return
        if given.keys() != known.keys():
            for name in given.keys() - known.keys():
                known[name] = array("d", [math.nan]) * before
            for name in known.keys() - given.keys():
                known[name].append(math.nan)
        for name, value in given.items():
            known[name].append(value)

    def matrix(self, classes: tuple[str, ...]) -> NDArray[np.float64]:
        """Shape [rows, classes]; NaN rows where a record has none; no columns when no record has any."""
        if not self._columns or not classes:
            return np.empty((self._rows, 0))
        # A label that was predicted without any probability for it had probability 0 in the others.
        columns = [
            np.array(self._columns[name], dtype=np.float64) if name in self._columns else np.zeros(self._rows)
            for name in classes
        ]
        # A record without any probabilities is a row of NaN; a single class missing in it had probability 0.
        own = np.column_stack([np.array(column, dtype=np.float64) for column in self._columns.values()])
        bare = np.isnan(own).all(axis=1)
        matrix: NDArray[np.float64] = np.nan_to_num(np.column_stack(columns), nan=0.0)
        matrix[bare] = math.nan
        return matrix


class _Values:
    """Numbers and texts in one column: numbers as they are, texts as NaN with a code beside it."""

    def __init__(self) -> None:
        self._numbers = array("d")
        self._texts = array("i")
        self._codes: dict[str, int] = {}

    @property
    def has_text(self) -> bool:
        return bool(self._codes)

    def add(self, value: float | str) -> None:
        if isinstance(value, str):
            self._numbers.append(math.nan)
            self._texts.append(self._codes.setdefault(value, len(self._codes)))
        else:
            self._numbers.append(value)
            self._texts.append(-1)

    def numbers(self) -> NDArray[np.float64]:
        return np.array(self._numbers, dtype=np.float64)

    def labels(self) -> set[str]:
        numbers = self.numbers()
        return {label_text(number) for number in np.unique(numbers[~np.isnan(numbers)])} | set(self._codes)

    def indices(self, classes: tuple[str, ...]) -> NDArray[np.float64]:
        """Index into ``classes``; ``NOT_A_CLASS`` for other labels and where nothing is."""
        position = {name: index for index, name in enumerate(classes)}
        by_code = np.array([position.get(name, NOT_A_CLASS) for name in self._codes] + [NOT_A_CLASS])
        found: NDArray[np.float64] = by_code[np.array(self._texts, dtype=np.intp)].astype(np.float64)
        numbers = self.numbers()
        values, inverse = np.unique(numbers, return_inverse=True)
        by_value = np.array(
            [position.get(label_text(value), NOT_A_CLASS) for value in values], dtype=np.float64
        )
        return np.where(np.isnan(numbers), found, by_value[inverse]) if values.size else found


def label_text(number: float) -> str:
    """Writes a numeric class label as the models name it: whole numbers without a point."""
    return str(int(number)) if float(number).is_integer() else repr(float(number))


def class_order(name: str) -> tuple[int, float, str]:
    try:
        return 0, float(name), name
    except ValueError:
        return 1, 0.0, name
