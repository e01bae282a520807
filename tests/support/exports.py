"""Makes exports of invented experiments, in DynamoDB's layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from contender.adapters.dynamo_log import attribute, to_item
from contender.adapters.export_layout import Export, Item, write_data, write_manifests
from contender.adapters.local_objects import LocalObjects
from contender.domain.records import PredictionRecord, log_shard

START = datetime(2013, 7, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Invented:
    """An experiment to invent.

    Attributes:
        requests: How many.
        classes: Labels; empty for regression.
        skill: Signal of A and B: 0 guesses.
        splits: Share of B, in equal stretches of time, versions 1, 2, …
        outcomes: Share of requests with an outcome.
        latency: Median latency of A and B in milliseconds.
        fallback: Share of B's requests that A answers.
        requests_per_unit: How many requests share a unit.
        shadow: Share of requests that the other variant answers too.
        value: Whether feedback says what each request was worth.
        seed: Of everything.
    """

    requests: int = 2_000
    classes: tuple[str | int, ...] = (0, 1)
    skill: tuple[float, float] = (0.9, 1.4)
    splits: Sequence[float] = (0.2, 0.5)
    outcomes: float = 0.95
    latency: tuple[float, float] = (0.8, 1.1)
    fallback: float = 0.0
    requests_per_unit: int = 1
    shadow: float = 0.0
    value: bool = False
    seed: int = 7


def items(plan: Invented) -> Iterator[Item]:
    """Invents the log's items, in time order."""
    rng = np.random.default_rng(plan.seed)
    for index in range(plan.requests):
        epoch = index * len(plan.splits) // plan.requests
        split = plan.splits[epoch]
        unit = index // plan.requests_per_unit
        u = np.random.default_rng([plan.seed, unit]).random() if plan.requests_per_unit > 1 else rng.random()
        is_b = u < split
        served_b = is_b and rng.random() >= plan.fallback
        at = START + timedelta(seconds=index * 30)
        outcome, truth = _truth(plan, rng)
        prediction, probabilities = _answer(plan, plan.skill[served_b], truth, rng)
        record = PredictionRecord(
            request_id=f"r{index:08d}",
            at=_iso(at),
            unit_id=f"u{unit}" if plan.requests_per_unit > 1 else f"r{index:08d}",
            assigned="B" if is_b else "A",
            served="B" if served_b else "A",
            model_version="2" if served_b else "1",
            release="d1" * 32,
            split=split,
            split_version=epoch + 1,
            probability=split if is_b else 1 - split,
            features={"distance": float(rng.integers(100, 3000)), "carrier": "UA", "wind": None},
            prediction=prediction,
            probabilities=probabilities,
            latency_ms=round(float(plan.latency[served_b] * rng.lognormal(0, 0.3)), 3),
            expires_at=int(at.timestamp()) + 90 * 86_400,
            log_shard=log_shard("d1" * 32, f"r{index:08d}"),
        )
        item = to_item(record)
        aside = np.random.default_rng([plan.seed, index, 1])  # so that shadows change nothing else
        if aside.random() < plan.shadow:
            other = _answer(plan, plan.skill[not served_b], truth, aside)
            shadow = {"variant": "A" if served_b else "B", "model_version": "1" if served_b else "2"}
            item["shadow"] = attribute({**shadow, "prediction": other[0], "probabilities": other[1]})
        if rng.random() < plan.outcomes:
            item["outcome"] = attribute(outcome)
            if plan.value:
                item["value"] = attribute(round(float(aside.gamma(2.0, 5.0 + served_b)), 2))
            item["outcome_at"] = attribute(_iso(at + timedelta(minutes=float(rng.gamma(2, 60)))))
        yield item


def write_export(folder: Path, lines: Iterator[Item] | Sequence[Item], max_bytes: int = 2**22) -> Path:
    """Writes items as an export below a folder; gives the folder."""
    store = LocalObjects(folder)
    root = "AWSDynamoDB/01372636800000-abcdef01"
    files = tuple(write_data(store, root, lines, "data", max_bytes))
    write_manifests(store, Export(root, files, {"exportTime": "2013-08-01T00:00:00.000Z"}))
    return folder


def _truth(plan: Invented, rng: np.random.Generator) -> tuple[object, float]:
    """What happens: as an outcome, and as a number (the index of its class)."""
    if not plan.classes:
        amount = float(rng.gamma(2.0, 12.0)) - 10
        return round(amount, 3), amount
    index = int(rng.integers(len(plan.classes))) if len(plan.classes) > 2 else int(rng.random() < 0.25)
    return plan.classes[index], index


def _answer(
    plan: Invented, skill: float, truth: float, rng: np.random.Generator
) -> tuple[object, dict[str, float] | None]:
    if not plan.classes:
        return round(truth + float(rng.normal(0, 10 / skill)), 3), None
    logits = rng.normal(0, 1, len(plan.classes)) + np.where(np.arange(len(plan.classes)) == truth, skill, 0)
    if len(plan.classes) == 2:
        logits[0] += 0.8
    p = np.exp(skill * logits)
    p /= p.sum()
    named = {str(name): float(np.float32(value)) for name, value in zip(plan.classes, p, strict=True)}
    return plan.classes[int(p.argmax())], named


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
