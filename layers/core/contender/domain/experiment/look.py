"""What an experiment's state says at one look."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from contender.domain.experiment.agreement import Agreement
from contender.domain.experiment.guardrails import Guardrail
from contender.domain.experiment.judge import judge
from contender.domain.experiment.metric_state import MetricState, Point
from contender.domain.experiment.metrics import METRICS, Metric
from contender.domain.experiment.sequence import SequenceInterval, interval_of
from contender.domain.experiment.settings import Evidence, ExperimentSettings
from contender.domain.experiment.srm import SampleRatio
from contender.domain.experiment.state import ExperimentState
from contender.domain.experiment.verdict import Facts, Verdict
from contender.errors import BadInput


class Step(NamedTuple):
    """An estimate as it stood at an earlier look.

    Attributes:
        at: Time of the latest outcome then, in epoch seconds.
        epoch: Version of the split then.
        estimate: With its intervals.
    """

    at: float
    epoch: int
    estimate: SequenceInterval


@dataclass(frozen=True, slots=True)
class MetricLook:
    """A metric at one look.

    Attributes:
        metric: Which.
        a: Mean of A's outcomes where B had a chance too; NaN without.
        b: The same of B's.
        outcomes: How many have a score.
        outcomes_a: Those of A where B had a chance too.
        outcomes_b: Those of B where A had a chance too.
        served: The A/B comparison.
        paired: The comparison of both answers to the same requests; ``None`` without shadows.
        gap: A/B less paired, with the A/B comparison's weights; its sequence excludes 0 when outcomes do
            depend on what was predicted, or shadows are not like the requests. ``None`` without shadows.
        course: The A/B comparison look by look.
        paired_course: The paired one.
    """

    metric: Metric
    a: float
    b: float
    outcomes: int
    outcomes_a: int
    outcomes_b: int
    served: SequenceInterval
    paired: SequenceInterval | None
    gap: SequenceInterval | None
    course: tuple[Step, ...]
    paired_course: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """An experiment at one look.

    Attributes:
        metrics: The primary one first; empty before the first outcome.
        decided_by: The estimate that the verdict is about.
        belief: Whether the paired estimate may be believed, and why, in a sentence; empty without shadows.
        ratio: Split among requests.
        outcome_ratio: Split among records with outcome: whether as many are missing of both variants.
        guardrails: As they stand.
        agreement: Of the two models.
        verdict: What is to be done.
    """

    metrics: tuple[MetricLook, ...]
    decided_by: Evidence
    belief: str
    ratio: SampleRatio
    outcome_ratio: SampleRatio
    guardrails: tuple[Guardrail, ...]
    agreement: Agreement
    verdict: Verdict


def read(state: ExperimentState, settings: ExperimentSettings, challenger: bool | None = None) -> Look:
    """Reads a state.

    Args:
        state: Of the experiment so far.
        settings: How it is judged.
        challenger: Whether there is a B at all; ``None`` when unknown.

    Returns:
        What it says.

    Raises:
        BadInput: When there are outcomes but none that the primary metric can be computed of.
    """
    metrics = tuple(_metric(name, part, settings) for name, part in state.metrics.items())
    if metrics and settings.metric is not None:
        chosen = [entry for entry in metrics if entry.metric.name == settings.metric]
        if not chosen:
            names = ", ".join(entry.metric.name for entry in metrics)
            raise BadInput.of(
                "metric", f"{settings.metric!r} cannot decide over these records", f"choose from {names}"
            )
        metrics = (*chosen, *(entry for entry in metrics if entry is not chosen[0]))
    believed, belief = _belief(metrics[0], settings) if metrics else (False, "")
    paired = believed and settings.decide_by is Evidence.PAIRED
    decided_by = Evidence.PAIRED if paired else Evidence.SERVED
    ratio = state.ratio.result(settings.alarm_below)
    outcome_ratio = state.outcome_ratio.result(settings.alarm_below)
    guardrails = state.guardrails.result(settings)
    first = metrics[0] if metrics else _metric(settings.metric or "log_loss", MetricState(), settings)
    duration = state.last_outcome_at - state.first_outcome_at
    facts = Facts(
        metric=first.metric,
        estimate=first.paired if paired and first.paired else first.served,
        decided_by=decided_by,
        a_value=first.a,
        scored=first.outcomes,
        outcomes_a=first.outcomes_a,
        outcomes_b=first.outcomes_b,
        ratio=ratio,
        outcome_ratio=outcome_ratio,
        guardrails=guardrails,
        rate=state.outcomes / duration if duration > 0 else math.nan,
        first_at=state.first_at,
        last_at=state.last_at,
        challenger=challenger,
    )
    return Look(
        metrics, decided_by, belief, ratio, outcome_ratio, guardrails, state.agreement, judge(facts, settings)
    )


def _metric(name: str, state: MetricState, settings: ExperimentSettings) -> MetricLook:
    metric = METRICS.get(name)
    if metric is None:
        raise BadInput.of("metric", f"{name!r} cannot decide", f"choose from {', '.join(METRICS)}")
    if name == "value":
        metric = metric._replace(higher_is_better=settings.value_higher_is_better)
    planned, level = settings.planned_information, settings.level
    shadowed = state.paired.count > 0
    return MetricLook(
        metric=metric,
        a=state.a.mean if state.a.count else math.nan,
        b=state.b.mean if state.b.count else math.nan,
        outcomes=state.outcomes,
        outcomes_a=state.a.count,
        outcomes_b=state.b.count,
        served=state.served.interval(planned, level),
        paired=state.paired.interval(settings.planned_pairs, level) if shadowed else None,
        gap=state.gap.interval(planned, level) if shadowed else None,
        course=tuple(_step(point, planned, level) for point in state.course),
        paired_course=tuple(_step(point, settings.planned_pairs, level) for point in state.paired_course),
    )


def _step(point: Point, planned: float, level: float) -> Step:
    interval = interval_of(
        point.value, point.standard_error, point.outcomes, point.information, planned, level
    )
    return Step(point.at, point.epoch, interval)


def _belief(entry: MetricLook, settings: ExperimentSettings) -> tuple[bool, str]:
    """Whether the paired estimate may be believed: necessary conditions, for nothing can prove it."""
    if entry.paired is None or entry.gap is None:
        return False, ""
    share = entry.paired.outcomes / entry.outcomes
    if share < settings.min_shadow_share:
        return False, (
            f"Not to be believed: only {share:.1%} of the outcomes have the other variant's answer "
            f"({settings.min_shadow_share:.0%} are needed), and those may not be like the rest."
        )
    if entry.gap.lower > 0 or entry.gap.upper < 0:
        return False, (
            f"Not to be believed: the A/B comparison says {entry.gap.value:+.4f} more than it (sequence "
            f"{entry.gap.lower:+.4f} to {entry.gap.upper:+.4f}), so outcomes seem to depend on what was "
            "predicted."
        )
    checked = "there is no A/B comparison yet to check it against."
    if not math.isnan(entry.gap.lower):
        checked = (
            "the A/B comparison does not contradict it "
            f"({entry.gap.lower:+.4f} to {entry.gap.upper:+.4f} apart)."
        )
    return True, f"May be believed if an outcome is the same whatever was predicted; {checked}"
