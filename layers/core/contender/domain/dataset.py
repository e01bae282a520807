"""What a data set looks like: the one declaration that everything else reads."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from contender.errors import BadInput, Problem

MISSING_CATEGORY = ""
"""A missing categorical value, in training as in serving: a category of its own."""

WHOLE_BELOW = 2.0**64
"""Size below which whole numbers are written out as categories: no integer column holds larger ones."""

MAX_TEXT = 1_000
"""Longest categorical value that a request may carry, in characters; longer is a mistake or abuse."""

RESERVED = "prediction"
"""The name of every model's main output, which no feature can bear."""

_INTEGER_LABEL = re.compile(r"-?(0|[1-9]\d{0,17})(\.0+)?")
_TRUTH = {"true": 1, "false": 0}
FLOAT32_MAX = 3.4028234663852886e38
"""Largest number that a model can be given or can answer."""


class Task(StrEnum):
    """What is predicted."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"


class Kind(StrEnum):
    """How a feature is measured."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"


FeatureValue = float | str
"""A float (NaN when missing) for a numeric feature, a text (empty when missing) for a categorical one."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """The declared shape of a data set (``dataset.json``).

    Attributes:
        task: Classification or regression.
        target: Column to predict.
        features: Feature name → kind, in the order that positional input uses. At least one.
        timestamp: Column by which rows are ordered in time, if there is one.
        unit: Column that names the randomisation unit (user, device, …), if there is one.
        name: A name for people; the target's when none was given.
    """

    task: Task
    target: str
    features: Mapping[str, Kind]
    timestamp: str | None = None
    unit: str | None = None
    name: str = ""

    def to_dict(self) -> dict[str, object]:
        """Gives the content of ``dataset.json`` back, without absent fields."""
        document: dict[str, object] = {
            "name": self.name or self.target,
            "task": self.task.value,
            "target": self.target,
            "features": {name: kind.value for name, kind in self.features.items()},
        }
        if self.timestamp is not None:
            document["timestamp"] = self.timestamp
        if self.unit is not None:
            document["unit"] = self.unit
        return document


def parse_dataset(document: object) -> Dataset:
    """Reads a ``dataset.json``.

    Args:
        document: The parsed JSON.

    Returns:
        The data set that it declares.

    Raises:
        BadInput: Naming every field that is missing, unknown or wrong.
    """
    if not isinstance(document, Mapping):
        raise BadInput.of("dataset.json", "must be a JSON object", "start it with { and end it with }")
    problems: list[Problem] = []
    known = {"name", "task", "target", "features", "timestamp", "unit"}
    for field in document:
        if field not in known:
            problems.append(Problem(str(field), "is not a field of dataset.json", f"use {sorted(known)}"))

    def text(field: str, required: bool) -> str | None:
        value = document.get(field)
        if value is None and not required:
            return None
        if not isinstance(value, str) or not value:
            problems.append(Problem(field, "must be a non-empty text", "give the name of a column"))
            return None
        return value

    task = document.get("task")
    if task not in list(Task):  # not a set: the document may hold a list here, which has no hash
        problems.append(Problem("task", f"unknown: {task!r}", f"use one of {[t.value for t in Task]}"))
    target = text("target", required=True)
    timestamp = text("timestamp", required=False)
    unit = text("unit", required=False)
    name = text("name", required=False)
    for field, column in (("timestamp", timestamp), ("unit", unit)):
        if column is not None and column == target:
            problems.append(Problem(field, "is the target too", "name another column, or leave it out"))
    features: dict[str, Kind] = {}
    declared = document.get("features")
    if not isinstance(declared, Mapping) or not declared:
        problems.append(
            Problem(
                "features", "must be a non-empty object", 'write {"<column>": "numeric" or "categorical"}'
            )
        )
    else:
        for column, kind in declared.items():
            if not column:
                problems.append(Problem("features", "has a column without a name", "give it one"))
            elif kind not in list(Kind):
                problems.append(
                    Problem(f"features.{column}", f"unknown kind {kind!r}", "use numeric or categorical")
                )
            elif column == target:
                problems.append(
                    Problem(f"features.{column}", "is the target too", "remove it from the features")
                )
            elif column == RESERVED:
                problems.append(
                    Problem(f"features.{column}", "is the name of the model's output", "rename the column")
                )
            else:
                features[column] = Kind(kind)
    if problems or target is None:
        raise BadInput(problems)
    return Dataset(
        task=Task(str(task)),
        target=target,
        features=MappingProxyType(features),
        timestamp=timestamp,
        unit=unit,
        name=name or target,
    )


def label_values(texts: Collection[str]) -> dict[str, int] | dict[str, str]:
    """Reads class labels: whole numbers when every text is one, 1 and 0 for truth values, else the texts.

    One rule for training and for outcomes, or a label would be two. ``01`` is no whole number: it is a code.
    Truth values beside 1 and 0, as two files may have written one target, are the same two labels.

    Args:
        texts: The different labels of a target; any order.

    Returns:
        Text → label. Empty for no texts.
    """
    truths = {text: _TRUTH[text.lower()] for text in texts if text.lower() in _TRUTH}
    numbers = {text: int(text.split(".")[0]) for text in texts if _INTEGER_LABEL.fullmatch(text)}
    if len(truths) + len(numbers) < len(texts) or (truths and not set(numbers.values()) <= {0, 1}):
        return {text: text for text in texts}
    return {**truths, **numbers}


def number_as_category(value: float | Decimal) -> str:
    """Names the category that a number stands for, in training, in the drift check and in what traffic sends.

    3, 3.0 and a decimal 3.00 are ``"3"``: writers turn whole numbers into floats where a value is missing,
    and that must not make another category of them. The SQL for it is ``as_category``.

    Args:
        value: Any but NaN, which is a missing value. Fractions are written as short as their type allows.
    """
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(int(value)) if abs(value) < WHOLE_BELOW and float(value).is_integer() else str(value)


def row_from_mapping(dataset: Dataset, features: Mapping[str, object]) -> dict[str, FeatureValue]:
    """Checks one row given by name.

    Args:
        dataset: The declaration.
        features: Every declared feature and no other; ``None`` stands for a missing value.

    Returns:
        Name → value, in declared order.

    Raises:
        BadInput: Naming every missing, unknown or mistyped feature.
    """
    problems: list[Problem] = []
    row: dict[str, FeatureValue] = {}
    for name, kind in dataset.features.items():
        if name not in features:
            problems.append(
                Problem(f"features.{name}", "is missing", f"send a {_wanted(kind)}, or null if unknown")
            )
            continue
        _check_into(row, problems, name, kind, features[name])
    if len(features) != len(row) or problems:
        problems.extend(
            Problem(
                f"features.{name}", "is not a declared feature", "remove it; see GET /release for the names"
            )
            for name in features
            if name not in dataset.features
        )
    if problems:
        raise BadInput(problems)
    return row


def row_from_sequence(dataset: Dataset, data: Sequence[object]) -> dict[str, FeatureValue]:
    """Checks one row given by position.

    Args:
        dataset: The declaration.
        data: One value per declared feature, in declared order; ``None`` for a missing value.

    Returns:
        Name → value, in declared order.

    Raises:
        BadInput: When the length is wrong, or naming every mistyped feature.
    """
    if len(data) != len(dataset.features):
        raise BadInput.of(
            "data",
            f"has {len(data)} values, {len(dataset.features)} features are declared",
            f"send them in this order: {', '.join(dataset.features)}",
        )
    problems: list[Problem] = []
    row: dict[str, FeatureValue] = {}
    for (name, kind), value in zip(dataset.features.items(), data, strict=True):
        _check_into(row, problems, name, kind, value)
    if problems:
        raise BadInput(problems)
    return row


def _check_into(
    row: dict[str, FeatureValue], problems: list[Problem], name: str, kind: Kind, value: object
) -> None:
    if kind is Kind.NUMERIC:
        if value is None:
            row[name] = math.nan
        elif isinstance(value, bool) or not isinstance(value, int | float):
            problems.append(
                Problem(
                    f"features.{name}",
                    f"must be a number, got {type(value).__name__}",
                    "send a number or null",
                )
            )
        elif not -FLOAT32_MAX <= value <= FLOAT32_MAX:  # False for NaN and infinities too
            problems.append(
                Problem(f"features.{name}", "must be a finite 32-bit number", "send null if it is unknown")
            )
        else:
            row[name] = float(value)
    elif value is None:
        row[name] = MISSING_CATEGORY
    elif not isinstance(value, str):
        fix = "send a text or null"
        if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < WHOLE_BELOW:
            fix = f'send "{number_as_category(value)}", or null'
        problems.append(Problem(f"features.{name}", f"must be a text, got {type(value).__name__}", fix))
    elif len(value) > MAX_TEXT:
        problems.append(
            Problem(f"features.{name}", f"has {len(value)} characters", f"send at most {MAX_TEXT}")
        )
    else:
        row[name] = value


def _wanted(kind: Kind) -> str:
    return "number" if kind is Kind.NUMERIC else "text"
