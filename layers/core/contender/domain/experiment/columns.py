"""Logged predictions in columns: what every statistic of an experiment reads."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contender.domain.dataset import Task

NOT_A_CLASS = -1
"""Class index of a label that no model of the experiment knows."""


class Order(StrEnum):
    """In which order records come; equal ones by unit."""

    ANY = "any"
    ASKED = "asked"
    """By the time of the request."""
    TOLD = "told"
    """By the time when the outcome became known; only records with an outcome or a value."""
    UNIT = "unit"
    """All records of a unit behind each other."""


class Shadow(NamedTuple):
    """What the variant that did not serve would have answered to the same request.

    Attributes:
        prediction: Number or text.
        probabilities: Class → probability; ``None`` for regression.
    """

    prediction: float | str
    probabilities: Mapping[str, float] | None


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
        value: What the request was worth, by its feedback; NaN without.
        alone: Whether the unit is the request itself, so that it can never come back.
        shadow: The other variant's answer; ``None`` where it was not asked or failed.
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
    value: float = math.nan
    alone: bool = False
    shadow: Shadow | None = None


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
        value: What the request was worth; NaN without.
        alone: The unit is the request itself.
        has_shadow: The other variant answered too.
        shadow_predicted: As ``predicted``, of the variant that did not serve; NaN without a shadow.
        shadow_probabilities: As ``probabilities``, of the variant that did not serve.
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
    value: NDArray[np.float64]
    alone: NDArray[np.bool_]
    has_shadow: NDArray[np.bool_]
    shadow_predicted: NDArray[np.float64]
    shadow_probabilities: NDArray[np.float64]

    def __len__(self) -> int:
        return int(self.is_b.size)

    @property
    def served_b(self) -> NDArray[np.bool_]:
        """Whether B answered."""
        return self.is_b ^ self.fallback

    @property
    def known_at(self) -> NDArray[np.float64]:
        """When the outcome became known; the request's time where the record does not say."""
        return np.where(np.isnan(self.outcome_at), self.at, self.outcome_at)

    @property
    def is_told(self) -> NDArray[np.bool_]:
        """Whether anything is known of what happened: an outcome, of whatever kind, or a value."""
        told: NDArray[np.bool_] = self.usable | self.unknown | np.isfinite(self.value)
        return told

    @property
    def told(self) -> int:
        """How many :attr:`is_told`."""
        return int(self.is_told.sum())

    @property
    def clustered(self) -> bool:
        """Whether a unit has several records."""
        return self.units is not None

    def batches(self, order: Order) -> Iterator[Columns]:
        """Gives all records in one part: columns are a :class:`.log.Log`."""
        once = np.unique(self.unit, return_inverse=True, return_counts=True)
        columns = replace(self, alone=once[2][once[1]] == 1)
        if order is Order.TOLD:
            columns = columns.take(columns.is_told)
        if order is Order.UNIT:
            columns = columns.take(np.argsort(columns.unit, kind="stable"))
        elif order is not Order.ANY:
            time = columns.at if order is Order.ASKED else columns.known_at
            columns = columns.take(np.lexsort((columns.unit, time)))
        yield columns

    def ordered(self, by: NDArray[np.float64]) -> Columns:
        """Gives the records by rising ``by``, shape [n]; equal ones stay as they are."""
        return self if np.all(by[1:] >= by[:-1]) else self.take(np.argsort(by, kind="stable"))

    def take(self, index: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Columns:
        """Gives the chosen records, in the order of ``index``; of a slice it copies nothing."""
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        chosen = {name: part[index] for name, part in parts.items() if isinstance(part, np.ndarray)}
        return Columns(**{**parts, **chosen})


def joined(parts: Sequence[Columns]) -> Columns:
    """Puts parts of one log, at least one, behind each other."""
    if len(parts) == 1:
        return parts[0]
    arrays = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(Columns)
        if isinstance(getattr(parts[0], field.name), np.ndarray)
    }
    return replace(parts[0], **arrays)
