"""From one item of the prediction log, in DynamoDB JSON, to what the experiment's statistics read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import blake2b
from math import isfinite, nan
from typing import Any

from contender.adapters.export_layout import Item
from contender.domain.experiment import Observation, Shadow

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


class Malformed(ValueError):
    """A line that is no prediction record; the message names the attribute."""


def unit_hash(unit_id: str) -> int:
    """The unit as a 64-bit number."""
    return int.from_bytes(blake2b(unit_id.encode(), digest_size=8).digest(), "big")


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
            unit=unit_hash(item["unit_id"]["S"]),
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
            spilled=item.get("spilled") is not None,
            value=nan if value is None or "NULL" in value else _finite(value["N"]),
            alone=item["unit_id"] == item["request_id"],
            shadow=None if shadow is None or "NULL" in shadow else _shadow(shadow["M"], served),
        )
    except Malformed:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed(_reason(item)) from error


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
