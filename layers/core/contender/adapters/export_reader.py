"""From an export of the prediction log to the columns that the experiment's statistics read."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from math import isfinite, nan
from typing import Any

from contender.adapters.export_layout import Export, Item, read_lines
from contender.domain.experiment import Observation, ObservationTable, Shadow
from contender.errors import NotFound
from contender.ports import ObjectStore

_REQUIRED = {
    "request_id": "S",
    "at": "S",
    "unit_id": "S",
    "assigned": "S",
    "served": "S",
    "model_version": "S",
    "release": "S",
    "split": "N",
    "split_version": "N",
    "probability": "N",
    "prediction": "",
    "latency_ms": "N",
}
"""Attribute → its DynamoDB type; a prediction may be a number, a text or a truth value."""

PROGRESS_EVERY = 2_000
"""Lines between two calls of the progress function: a few dozen a second."""


class Malformed(ValueError):
    """A line that is no prediction record; the message names the attribute."""


@dataclass(slots=True)
class Trouble:
    """One kind of thing wrong with the data.

    Attributes:
        count: How often.
        first: Where it was first met.
    """

    count: int
    first: str


@dataclass(slots=True)
class Reading:
    """What an export holds.

    Attributes:
        tables: Release digest → its observations.
        lines: Lines read, blank ones aside.
        malformed: Reason → lines that are no prediction records; they are in no table.
        damaged: What is wrong with whole files.
    """

    tables: dict[str, ObservationTable] = field(default_factory=dict)
    lines: int = 0
    malformed: dict[str, Trouble] = field(default_factory=dict)
    damaged: list[str] = field(default_factory=list)

    @property
    def records(self) -> int:
        """Prediction records, over all releases."""
        return sum(len(table) for table in self.tables.values())


def read_export(
    store: ObjectStore, export: Export, progress: Callable[[int], None] = lambda lines: None
) -> Reading:
    """Reads every line of an export once.

    Malformed lines and damaged files are counted and named, and do not stop the reading.

    Args:
        store: Where the export lies.
        export: Its manifest.
        progress: Told the number of lines now and then.

    Returns:
        The observations, by release.

    Raises:
        StoreUnavailable: When the store does not answer.
    """
    reading = Reading()
    for file in export.files:
        name = file.key.rpartition("/")[2]
        before = reading.lines
        try:
            for number, line in enumerate(read_lines(store, file), 1):
                _take(line, f"{name} line {number}", reading)
                if reading.lines % PROGRESS_EVERY == 0:
                    progress(reading.lines)
        except (EOFError, OSError, zlib.error) as error:
            reading.damaged.append(
                f"{name}: ends early or is damaged after {reading.lines - before} items ({error})"
            )
            continue
        except NotFound as error:
            reading.damaged.append(str(error))
            continue
        if reading.lines - before != file.items:
            reading.damaged.append(
                f"{name}: the manifest says {file.items} items, {reading.lines - before} were read"
            )
    progress(reading.lines)
    return reading


def observation(item: Item) -> tuple[str, Observation]:
    """Decodes a prediction record.

    Args:
        item: In DynamoDB JSON.

    Returns:
        The digest of its release, and what the analysis needs of it.

    Raises:
        Malformed: Naming the attribute that is missing or wrong.
    """
    try:
        assigned, served = item["assigned"]["S"], item["served"]["S"]
        if assigned not in ("A", "B") or served not in ("A", "B"):
            raise Malformed(f"assigned and served must be A or B, not {assigned} and {served}")
        probability = float(item["probability"]["N"])
        if not 0 < probability <= 1:
            raise Malformed("probability of the assigned variant is not above 0 and at most 1")
        outcome, value, shadow = item.get("outcome"), item.get("value"), item.get("shadow")
        told = item.get("outcome_at")
        return item["release"]["S"], Observation(
            at=_seconds(item["at"]["S"]),
            unit=int.from_bytes(blake2b(item["unit_id"]["S"].encode(), digest_size=8).digest(), "big"),
            assigned_b=assigned == "B",
            fallback=assigned != served,
            model_version=item["model_version"]["S"],
            split=float(item["split"]["N"]),
            epoch=int(item["split_version"]["N"]),
            probability=probability,
            prediction=_value(item["prediction"]),
            probabilities=_probabilities(item.get("probabilities")),
            latency_ms=float(item["latency_ms"]["N"]),
            outcome=None if outcome is None or "NULL" in outcome else _value(outcome),
            outcome_at=nan if told is None or "NULL" in told else _seconds(told["S"]),
            spilled="spilled" in item,
            value=nan if value is None or "NULL" in value else _finite(value["N"]),
            alone=item["unit_id"] == item["request_id"],
            shadow=None if shadow is None or "NULL" in shadow else _shadow(shadow["M"], served),
        )
    except Malformed:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed(_reason(item)) from error


def _take(line: bytes, where: str, reading: Reading) -> None:
    if not line.strip():
        return
    reading.lines += 1
    try:
        document = json.loads(line)
        if not isinstance(document, dict) or not isinstance(document.get("Item"), dict):
            raise Malformed("not an object with an Item")
        release, row = observation(document["Item"])
    except Malformed as error:
        _count(reading, str(error), where)
        return
    except ValueError:
        _count(reading, "not JSON", where)
        return
    table = reading.tables.get(release)
    if table is None:
        table = reading.tables[release] = ObservationTable()
    table.add(row)


def _count(reading: Reading, reason: str, where: str) -> None:
    reading.malformed.setdefault(reason, Trouble(0, where)).count += 1


def _seconds(text: str) -> float:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without its zone")
    return time.timestamp()


def _shadow(members: Mapping[str, Any], served: str) -> Shadow | None:
    """The other variant's answer; none when the shadow says that it failed (no prediction)."""
    if members["variant"]["S"] == served or members["variant"]["S"] not in ("A", "B"):
        raise ValueError("a shadow is of the variant that did not serve")
    prediction = members.get("prediction")
    if prediction is None or "NULL" in prediction:
        return None
    return Shadow(_value(prediction), _probabilities(members.get("probabilities")))


def _probabilities(attribute: Mapping[str, Any] | None) -> Mapping[str, float] | None:
    if attribute is None or "NULL" in attribute:
        return None
    return {name: float(number["N"]) for name, number in attribute["M"].items()}


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError("not a finite number")
    return number


def _value(attribute: Mapping[str, Any]) -> float | str:
    """A label or number; truth values are labels named as Python prints them."""
    ((kind, value),) = attribute.items()
    if kind == "N":
        return _finite(value)
    if kind == "BOOL":
        return str(bool(value))
    if kind == "S":
        return str(value)
    raise ValueError(f"a {kind} is no label and no number")


def _reason(item: Item) -> str:
    """Says which attribute cannot be read; slow, and only called for a line that could not."""
    for name, kind in _REQUIRED.items():
        attribute = item.get(name)
        if attribute is None:
            return f"{name} is missing"
        if not isinstance(attribute, dict) or (kind and kind not in attribute):
            return f"{name} is not of type {kind}"
    readers: tuple[tuple[str, Callable[[Any], object]], ...] = (
        ("at", lambda value: _seconds(value["S"])),
        ("split", lambda value: float(value["N"])),
        ("split_version", lambda value: int(value["N"])),
        ("probability", lambda value: float(value["N"])),
        ("prediction", _value),
        ("latency_ms", lambda value: float(value["N"])),
        ("probabilities", _probabilities),
        ("outcome", _value),
        ("value", lambda value: _finite(value["N"])),
        ("shadow", lambda value: _shadow(value["M"], item["served"]["S"])),
    )
    for name, read in readers:
        try:
            if item.get(name) is not None:
                read(item[name])
        except (KeyError, TypeError, ValueError, AttributeError):
            return f"{name} cannot be read"
    return "outcome_at cannot be read"
