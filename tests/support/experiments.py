"""Invented two-class experiments, as columns."""

from __future__ import annotations

import math

import numpy as np

from contender.domain.experiment import Columns, Observation, Shadow
from tests.support.observations import PLAIN, table


def experiment(
    n: int,
    skill_b: float,
    split: float = 0.5,
    seed: int = 1,
    lost: float = 0.0,
    unheard: float = 0.0,
    shadow: bool = False,
    delays: bool = False,
    influence: float = 0.0,
) -> Columns:
    """Invents an experiment.

    Args:
        n: Requests.
        skill_b: Signal of B; A has 1.
        split: Share of B.
        seed: Of everything.
        lost: Share of B's records that never arrived.
        unheard: Share of B's outcomes that never came.
        shadow: Whether the other variant answers too.
        delays: Whether outcomes come late, some much later than others.
        influence: Chance that a 1 happens just because B, serving, said so.
    """
    rng = np.random.default_rng(seed)
    rows: list[Observation] = []
    for index in range(n):
        is_b = bool(rng.random() < split)
        happened = bool(rng.random() < 0.4)
        noise = rng.normal(size=2)
        a, b = (
            1 / (1 + math.exp(-(noise[k] + skill * (happened - 0.5) * 2)))
            for k, skill in enumerate((1.0, skill_b))
        )
        own, other = (b, a) if is_b else (a, b)
        happened = happened or (is_b and own > 0.5 and bool(rng.random() < influence))
        row = PLAIN._replace(
            at=PLAIN.at + index,
            assigned_b=is_b,
            split=split,
            probability=split if is_b else 1 - split,
            model_version="2" if is_b else "1",
            prediction=float(own > 0.5),
            probabilities={"0": 1 - own, "1": own},
            outcome=float(happened),
            outcome_at=PLAIN.at + index + (float(rng.exponential(300)) if delays else 1.0),
            latency_ms=2.0 if is_b else 1.0,
            shadow=Shadow(float(other > 0.5), {"0": 1 - other, "1": other}) if shadow else None,
        )
        if is_b and rng.random() < unheard:
            row = row._replace(outcome=None, outcome_at=math.nan)
        if not (is_b and rng.random() < lost):
            rows.append(row)
    return table(rows)
