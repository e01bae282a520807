"""What is worth saying of an analysis besides its tables."""

from __future__ import annotations

import math

from contender.domain.dataset import Task
from contender.domain.experiment import Analysis
from contender.domain.experiment.difference import Difference


def notes(analysis: Analysis) -> list[str]:
    """Gives one sentence for each thing that the tables do not show; in Rich's markup."""
    ratio = analysis.ratio
    found: list[str] = []
    if ratio.units:
        kept = "[red bold]not kept[/red bold]" if ratio.alarm else "kept"
        found.append(
            f"Split {kept}: B got {ratio.observed_b:,} of {ratio.units:,} units, {ratio.expected_b:,.1f} "
            f"expected under the split in force at each (p = {ratio.sequential_p:.3g} for all looks, alarm "
            f"below {analysis.settings.alarm_below:g})."
        )
    else:
        found.append("Split: nothing to check, no request was assigned by chance.")
    found += [*_outcomes(analysis), *_guardrails(analysis), *_pairs(analysis)]
    dropped = [
        entry for entry in analysis.comparisons if entry.difference and entry.difference.epochs_dropped
    ]
    if dropped and dropped[0].difference and dropped[0].difference.epochs:
        gap = dropped[0].difference
        found.append(
            f"{dropped[0].metric.label}: {_count(gap.epochs_dropped, 'epoch')} with "
            f"{_count(gap.outcomes_dropped, 'outcome')} left out of the difference, for too few outcomes of "
            "one variant."
        )
    if analysis.a.fallbacks or analysis.b.fallbacks:
        found.append(
            "Fallbacks count for the variant that was assigned, not the one that answered (intention to "
            "treat); they pull the figures of A and B together."
        )
    if analysis.clustered:
        found.append("Units have several requests: errors are computed by unit.")
    if len(analysis.epochs) > 1:
        found.append(
            "B - A compares within epochs of the split, so it need not equal the two columns' difference."
        )
    return [*found, *_bounds(analysis)]


def _bounds(analysis: Analysis) -> list[str]:
    """What was rounded because there are more different numbers than are kept."""
    found = [
        f"{entry.metric.label}: counted from rounded scores, so it may be off by up to {entry.bound:.1g}."
        for entry in analysis.comparisons
        if entry.bound
    ]
    if analysis.roundings:
        names = ", ".join(analysis.roundings)
        largest = max(analysis.roundings.values())
        found.append(
            f"Percentiles and histograms are of numbers rounded by {largest:.1g} of themselves: {names}."
        )
    return found


def _outcomes(analysis: Analysis) -> list[str]:
    found: list[str] = []
    ratio, done = analysis.look.outcome_ratio, analysis.completeness
    if ratio.units:
        missing = done.missing
        apart = "" if math.isnan(missing.lower) else f": {_points(missing)} more of B's requests have none"
        kept = "[red bold]unevenly[/red bold]" if ratio.alarm else "evenly"
        found.append(f"Outcomes come {kept}{apart} (p = {ratio.sequential_p:.3g} for all looks).")
    if done.delay_p_value < 0.01:
        found.append(
            f"Early and late outcomes differ: B - A is {done.early.value:+.4f} among the faster half and "
            f"{done.late.value:+.4f} among the slower (p = {done.delay_p_value:.2g}): wait for the late ones."
        )
    return found


def _guardrails(analysis: Analysis) -> list[str]:
    return [
        f"Guardrail {'[red bold]breached[/red bold]' if entry.breached else 'kept'} ({entry.label}): "
        f"B {entry.share_b:.2%}, A {entry.share_a:.2%}, limit {entry.limit:.1%}"
        f"{f'; {entry.remark}' if entry.remark else ''}."
        for entry in analysis.look.guardrails
        if entry.share_b > 0
    ]


def _pairs(analysis: Analysis) -> list[str]:
    agreement = analysis.look.agreement
    if not agreement.pairs:
        return []
    said = f"Both models answered {agreement.pairs:,} requests ({agreement.share:.1%})"
    if analysis.task is Task.CLASSIFICATION:  # two numbers are hardly ever the very same
        said += f" and agree on {agreement.same_share:.1%} of them"
    found = [f"{said}; their answers are {agreement.mean_distance:.4g} apart on average."]
    if analysis.look.belief:
        found.append(f"Same requests: {analysis.look.belief[0].lower()}{analysis.look.belief[1:]}")
    return found


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _points(gap: Difference) -> str:
    return f"{gap.value:+.1%} [{gap.lower:+.1%}, {gap.upper:+.1%}]"
