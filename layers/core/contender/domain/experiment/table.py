"""Logged predictions in columns: what every statistic of an experiment reads."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contender.domain.dataset import Task

NOT_A_CLASS = -1
"""Class index of a label that no model of the experiment knows."""


class Observation(NamedTuple):
    """What the analysis needs of one logged prediction.

    Attributes:
        at: When it was answered, in epoch seconds.
        unit: Randomisation unit, as a 64-bit hash.
        assigned_b: Whether the hash chose B.
        fallback: Whether the other variant answered.
        model_version: Version that answered.
        split: Share of B in force.
        epoch: Version of the split parameter.
        probability: Probability of the assigned variant, in (0, 1].
        prediction: Number or text.
        probabilities: Class → probability; ``None`` for regression.
        latency_ms: Milliseconds.
        outcome: What happened, number or text; ``None`` until it is known.
        outcome_at: When that became known, in epoch seconds; NaN without outcome.
        spilled: Whether the record came from the function's log.
    """

    at: float
    unit: int
    assigned_b: bool
    fallback: bool
    model_version: str
    split: float
    epoch: int
    probability: float
    prediction: float | str
    probabilities: Mapping[str, float] | None
    latency_ms: float
    outcome: float | str | None
    outcome_at: float
    spilled: bool


@dataclass(frozen=True, slots=True)
class Columns:
    """Observations as arrays of one length n.

    Attributes:
        task: Classification or regression.
        classes: Class labels as text, numeric ones by number, others by alphabet; empty for regression.
        is_b: Assigned to B.
        fallback: The other variant answered.
        spilled: Read back from the function's log.
        at: Epoch seconds.
        unit: Hash of the unit.
        units: The same where units repeat; ``None`` when each request is a unit of its own.
        model: Index into ``models``.
        models: Model versions.
        split: Share of B in force.
        epoch: Version of the split.
        probability_b: Probability of B under the split in force.
        latency_ms: Milliseconds.
        outcome_at: Epoch seconds; NaN without outcome.
        predicted: Class index, or the number for regression.
        outcome: The same of what happened; meaningful only where ``usable``.
        usable: An outcome is there and can be compared.
        unknown: An outcome is there, but is none of the classes (not a number, for regression).
        probabilities: Shape [n, classes]; NaN rows where a record has none; no columns when no record has.
    """

    task: Task
    classes: tuple[str, ...]
    is_b: NDArray[np.bool_]
    fallback: NDArray[np.bool_]
    spilled: NDArray[np.bool_]
    at: NDArray[np.float64]
    unit: NDArray[np.uint64]
    units: NDArray[np.uint64] | None
    model: NDArray[np.intp]
    models: tuple[str, ...]
    split: NDArray[np.float64]
    epoch: NDArray[np.int64]
    probability_b: NDArray[np.float64]
    latency_ms: NDArray[np.float64]
    outcome_at: NDArray[np.float64]
    predicted: NDArray[np.float64]
    outcome: NDArray[np.float64]
    usable: NDArray[np.bool_]
    unknown: NDArray[np.bool_]
    probabilities: NDArray[np.float64]

    def __len__(self) -> int:
        return int(self.is_b.size)


class ObservationTable:
    """Collects observations at some 90 bytes each plus 8 per class, in the order they come."""

    def __init__(self) -> None:
        self._flags = array("B")  # bits: assigned to B, fallback, spilled, outcome
        self._at = array("d")
        self._unit = array("Q")
        self._model = array("i")
        self._split = array("d")
        self._epoch = array("q")
        self._probability = array("d")
        self._latency = array("f")
        self._outcome_at = array("d")
        self._predicted = _Values()
        self._outcome = _Values()
        self._models: dict[str, int] = {}
        self._probabilities: dict[str, array[float]] = {}

    def __len__(self) -> int:
        return len(self._flags)

    def add(self, row: Observation) -> None:
        """Appends an observation."""
        before = len(self._flags)
        self._flags.append(
            row.assigned_b | row.fallback << 1 | row.spilled << 2 | (row.outcome is not None) << 3
        )
        self._at.append(row.at)
        self._unit.append(row.unit)
        self._model.append(self._models.setdefault(row.model_version, len(self._models)))
        self._split.append(row.split)
        self._epoch.append(row.epoch)
        self._probability.append(row.probability)
        self._latency.append(row.latency_ms)
        self._outcome_at.append(row.outcome_at)
        self._predicted.add(row.prediction)
        self._outcome.add(math.nan if row.outcome is None else row.outcome)
        self._add_probabilities(row.probabilities, before)

    def columns(self, task: Task | None = None) -> Columns:
        """Gives what was collected.

        Args:
            task: What the models predict; ``None`` to tell from the records: probabilities or a prediction
                that is no number mean classification.

        Returns:
            The columns; of length 0 without observations.
        """
        if task is None:
            classifies = bool(self._probabilities) or self._predicted.has_text
            task = Task.CLASSIFICATION if classifies else Task.REGRESSION
        flags = np.array(self._flags, dtype=np.uint8)
        is_b = (flags & 1).astype(np.bool_)
        has_outcome = (flags & 8).astype(np.bool_)
        probability = np.array(self._probability, dtype=np.float64)
        unit = np.array(self._unit, dtype=np.uint64)
        if task is Task.REGRESSION:
            classes: tuple[str, ...] = ()
            predicted, outcome = self._predicted.numbers(), self._outcome.numbers()
            usable = has_outcome & ~np.isnan(outcome) & ~np.isnan(predicted)
        else:
            classes = tuple(sorted({*self._probabilities, *self._predicted.labels()}, key=_class_order))
            predicted, outcome = self._predicted.indices(classes), self._outcome.indices(classes)
            usable = has_outcome & (outcome != NOT_A_CLASS)
        given = [self._probabilities.get(name) for name in classes] if self._probabilities else []
        # A label that was predicted without any probability for it had probability 0 in the others.
        columns = [
            np.zeros(is_b.size) if part is None else np.array(part, dtype=np.float64) for part in given
        ]
        probabilities = np.column_stack(columns) if columns else np.empty((is_b.size, 0))
        # A record without any probabilities is a row of NaN; a single class missing in it had probability 0.
        bare = np.isnan(probabilities).all(axis=1) if columns else np.zeros(is_b.size, dtype=np.bool_)
        probabilities = np.where(bare[:, None], math.nan, np.nan_to_num(probabilities, nan=0.0))
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
            probabilities=probabilities,
        )

    def _add_probabilities(self, given: Mapping[str, float] | None, before: int) -> None:
        known = self._probabilities
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


def _class_order(name: str) -> tuple[int, float, str]:
    try:
        return 0, float(name), name
    except ValueError:
        return 1, 0.0, name
