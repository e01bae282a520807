"""What a verdict rests on, in plain JSON types: kept with the experiment and in the history."""

from __future__ import annotations

import math
from typing import NamedTuple

from contender.domain.experiment import Evidence, ExperimentSettings, Look


def evidence(look: Look, settings: ExperimentSettings) -> dict[str, object]:
    """Writes a look down.

    Args:
        look: The look.
        settings: How it was judged.

    Returns:
        Verdict, estimates and checks; numbers that do not exist yet are ``None``.
    """
    verdict = look.verdict
    document: dict[str, object] = {
        "finding": verdict.finding.value,
        "headline": verdict.headline,
        "sentence": verdict.sentence,
        "caution": verdict.caution,
        "reasons": [reason.value for reason in verdict.reasons],
        "more_outcomes": verdict.more_outcomes,
        "level": settings.level,
        "min_hours": settings.min_hours,
        "decided_by": look.decided_by.value,
        "belief_in_paired": look.belief,
        "metrics": {
            entry.metric.name: {
                "a": entry.a,
                "b": entry.b,
                "outcomes": [entry.outcomes_a, entry.outcomes_b],
                Evidence.SERVED.value: _interval(entry.served),
                Evidence.PAIRED.value: _interval(entry.paired),
            }
            for entry in look.metrics
        },
        "sample_ratio": look.ratio._asdict(),
        "outcome_ratio": look.outcome_ratio._asdict(),
        "guardrails": [guardrail._asdict() for guardrail in look.guardrails],
        "agreement": {
            "pairs": look.agreement.pairs,
            "same_share": look.agreement.same_share,
            "mean_distance": look.agreement.mean_distance,
        },
    }
    return {name: _plain(value) for name, value in document.items()}


def _interval(interval: NamedTuple | None) -> dict[str, object] | None:
    return None if interval is None else interval._asdict()


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(name): _plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if isinstance(value, bool) or value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return _plain(value.item()) if hasattr(value, "item") else str(value)
