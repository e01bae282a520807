"""The tables of an experiment's page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from contender.domain.dataset import Task
from contender.domain.experiment import (
    Analysis,
    Difference,
    Evidence,
    Metric,
    SequenceInterval,
    VariantSummary,
)
from contender.domain.experiment.metrics import VALUE
from contender.reports.page import Html, number, p_value, percent, text

_DELAY_P = 0.01
"""Below it, early and late outcomes are said to differ; shown for one look, so taken as a hint."""

_PILLS = {
    "good": "<span class='pill good'>fine</span>",
    "bad": "<span class='pill bad'>alarm</span>",
    "unsure": "<span class='pill unsure'>look</span>",
    "consistent": "<span class='pill good'>not contradicted</span>",
    "weak": "<span class='pill none'>too little to check</span>",
    "": "",
}


def metrics(analysis: Analysis) -> Html:
    """A card for every metric: both variants, and the difference for any number of looks and for one.

    Only what may decide has a colour: by the interval for one look, one could come to another conclusion
    than the verdict does.
    """
    paired = analysis.look.decided_by is Evidence.PAIRED
    looks = {entry.metric.name: entry for entry in analysis.look.metrics}
    cards = []
    for place, entry in enumerate(analysis.comparisons):
        look = looks.get(entry.metric.name)
        decides = place == 0 and not analysis.ratio.alarm
        rows = [("A", _value(entry.a.value))]
        if analysis.b.requests:
            rows.append(("B", _value(entry.b.value)))
        if look is not None and analysis.b.requests:
            rows.append(
                (
                    "B − A, for any number of looks",
                    _interval(entry.metric, look.served, decides and not paired),
                )
            )
            if look.paired is not None:
                rows.append(
                    ("on the same requests", _interval(entry.metric, look.paired, decides and paired))
                )
        if entry.difference is not None and analysis.b.requests:
            rows.append(("B − A, for one look", _interval(entry.metric, entry.difference, coloured=False)))
        body = "".join(_row(name, [value]) for name, value in rows)
        sense = "higher is better" if entry.metric.higher_is_better else "lower is better"
        cards.append(
            f"<section class='card'><header><h3>{text(entry.metric.label)}</h3>"
            f"<span class='muted small'>{sense}</span></header><table><tbody>{body}</tbody></table></section>"
        )
    return f"<div class='cards'>{''.join(cards)}</div>"


def checks(analysis: Analysis) -> Html:
    """What could spoil the comparison, each with a verdict; empty where nothing is compared."""
    look, alarm = analysis.look, f"alarm below {analysis.settings.alarm_below:g}"
    rows = []
    for name, ratio in (("Split kept", look.ratio), ("Outcomes come evenly", look.outcome_ratio)):
        if ratio.units:
            said = (
                f"B {ratio.observed_b:,} of {ratio.units:,}, expected {ratio.expected_b:,.0f}; "
                f"p {p_value(ratio.sequential_p)} for all looks, {alarm}"
            )
            rows.append((name, said, "bad" if ratio.alarm else "good"))
        elif analysis.b.requests:
            rows.append((name, "nothing to check yet", ""))
    missing = analysis.completeness.missing
    if not math.isnan(missing.lower):
        said = f"{_points(missing)} more of B's requests than of A's have none (one look)"
        rows.append(("Missing outcomes", said, "good" if missing.lower <= 0 <= missing.upper else "unsure"))
    rows += _delay(analysis)
    for guardrail in look.guardrails if analysis.b.requests else ():
        said = (
            f"{guardrail.label}: B {_share(guardrail.share_b)}, A {_share(guardrail.share_a)}, limit "
            f"{percent(guardrail.limit)}"
        )
        remark = guardrail.remark
        tone = "bad" if guardrail.breached else "unsure" if remark else "good"
        rows.append((f"Guardrail: {guardrail.name}", f"{said}; {remark}" if remark else said, tone))
    agreement = look.agreement
    if agreement.pairs:
        # Two numbers are hardly ever the very same.
        same = f", agree on {percent(agreement.same_share)}" if analysis.task is Task.CLASSIFICATION else ""
        said = (
            f"both answered {agreement.pairs:,} requests ({percent(agreement.share)}){same}, and are "
            f"{number(agreement.mean_distance)} apart on average"
        )
        rows.append(("Agreement of the models", said, ""))
    if look.belief:
        rows.append(("Comparison on the same requests", look.belief, _belief_tone(analysis)))
    cards = (
        f"<section class='card'><header><h3>{text(name)}</h3>{_PILLS[tone]}</header>"
        f"<p class='small'>{text(said)}</p></section>"
        for name, said, tone in rows
    )
    return f"<div class='cards'>{''.join(cards)}</div>" if rows else ""


def traffic(analysis: Analysis) -> Html:
    """Requests, outcomes and latencies by assigned variant."""
    both = (analysis.a, analysis.b)
    lines: list[tuple[str, list[str]]] = [
        ("model version", [side.model_version or "–" for side in both]),
        ("requests", [f"{side.requests:,}" for side in both]),
        ("units", [f"{side.units:,}" for side in both]),
        ("answered by the other variant", [_of(side.fallbacks, side) for side in both]),
        ("spilled to the function's log", [_of(side.spilled, side) for side in both]),
        ("with outcome", [_of(side.outcomes, side) for side in both]),
        ("without outcome", [_of(side.outcomes_missing, side) for side in both]),
        ("outcome of no known class", [_of(side.outcomes_unknown, side) for side in both]),
        ("median delay of outcomes", [_duration(side.outcome_delay_s.p50) for side in both]),
        ("latency p50, ms", [_value(side.latency_ms.p50) for side in both]),
        ("latency p95, ms", [_value(side.latency_ms.p95) for side in both]),
        ("latency p99, ms", [_value(side.latency_ms.p99) for side in both]),
    ]
    return _table(["by assigned variant", "A", "B"], [_row(text(name), cells) for name, cells in lines])


def epochs(analysis: Analysis) -> Html:
    """The times in which one split was in force."""
    rows = []
    for epoch in analysis.epochs:
        total = epoch.requests_a + epoch.requests_b
        cells = [
            f"{datetime.fromtimestamp(epoch.start, UTC):%Y-%m-%d %H:%M:%S}",
            percent(epoch.split),
            f"{total:,}",
            f"{epoch.requests_b:,} ({percent(epoch.requests_b / total)})",
            f"{epoch.outcomes:,}",
        ]
        rows.append(_row(str(epoch.version), cells))
    return _table(["version", "from (UTC)", "split", "requests", "to B", "outcomes"], rows)


def settings(analysis: Analysis) -> Html:
    """What was fixed beforehand."""
    chosen = analysis.settings
    served = "the A/B comparison"
    how = served if chosen.decide_by is Evidence.SERVED else "both models' answers to the same requests"
    used = "" if analysis.look.decided_by is chosen.decide_by else f" (not to be believed, so {served})"
    lines = [
        ("decides", f"{analysis.comparisons[0].metric.label}, by {how}{used}"),
        ("coverage of intervals", percent(chosen.level)),
        ("smallest improvement worth a new model", f"{percent(chosen.margin)} of A's value"),
        ("narrowest at", f"{chosen.planned_outcomes:,} outcomes ({chosen.planned_pairs:,} paired)"),
        ("nothing is decided before", f"{chosen.min_outcomes:,} outcomes of each variant"),
        *([("nor before requests span", f"{chosen.min_hours:g} hours")] if chosen.min_hours else []),
        ("given up after", f"{chosen.max_outcomes:,} outcomes"),
        ("alarms at", f"p below {chosen.alarm_below:g}, all looks together"),
    ]
    if analysis.comparisons[0].metric.name == VALUE.name:
        lines.append(("told in a second feedback", "counted here, but not by the scheduled evaluation"))
    body = "".join(f"<tr><th>{text(name)}</th><td>{text(value)}</td></tr>" for name, value in lines)
    return f"<section class='card'><table><tbody>{body}</tbody></table></section>"


def calibration_errors(analysis: Analysis) -> str:
    """Mean distance from it, in words; empty without outcomes."""
    found = analysis.calibration
    if found is None:
        return ""
    errors = [
        f"{name} {value:.3f}"
        for name, value in (("A", found.error_a), ("B", found.error_b))
        if not math.isnan(value)
    ]
    return f"Mean distance: {', '.join(errors)}." if errors else ""


def _belief_tone(analysis: Analysis) -> str:
    """Whether the A/B comparison speaks for the paired one, or is too vague to speak at all.

    A gap that is known less exactly than the effect itself is large would hide one as large.
    """
    first = analysis.look.metrics[0]
    if analysis.look.belief.startswith("Not") or first.gap is None or first.paired is None:
        return "unsure"
    half = (first.gap.upper - first.gap.lower) / 2
    return "consistent" if half <= abs(first.paired.value) else "weak"  # weak too while there is no interval


def _delay(analysis: Analysis) -> list[tuple[str, str, str]]:
    found = analysis.completeness
    if math.isnan(found.delay_p_value):
        return []
    said = (
        f"B − A is {_signed(found.early.value)} among the faster half of the outcomes and "
        f"{_signed(found.late.value)} among the slower (p {p_value(found.delay_p_value)}, one look)"
    )
    return [("Delay of outcomes", said, "unsure" if found.delay_p_value < _DELAY_P else "good")]


def _interval(metric: Metric, found: SequenceInterval | Difference, coloured: bool) -> Html:
    if math.isnan(found.value):
        return "–"
    if math.isnan(found.lower):
        return _signed(found.value)
    tone = ""
    if coloured and not found.lower <= 0 <= found.upper:
        tone = " class='pill good'" if (found.value > 0) == metric.higher_is_better else " class='pill bad'"
    ends = f"{_signed(found.lower)} to {_signed(found.upper)}"
    ends = f"<span class='muted' style='white-space:nowrap'>{ends}</span>"
    return f"<span{tone}>{_signed(found.value)}</span><br>{ends}"


def _table(head: Sequence[str], rows: Sequence[Html]) -> Html:
    cells = "".join(f"<th{' class=n' if place else ''}>{text(name)}</th>" for place, name in enumerate(head))
    return (
        f"<section class='card scroll'><table><thead><tr>{cells}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></section>"
    )


def _row(head: Html, cells: Sequence[Html]) -> Html:
    shown = "".join(f"<td class='n'>{cell}</td>" for cell in cells)
    return f"<tr><th style='overflow-wrap:normal'>{head}</th>{shown}</tr>"


def _value(value: float) -> str:
    return number(None if math.isnan(value) else value)


def _signed(value: float) -> str:
    return f"+{number(value)}" if value > 0 else number(value)


def _share(value: float) -> str:
    return percent(None if math.isnan(value) else value)


def _of(count: int, side: VariantSummary) -> str:
    return f"{count:,} ({percent(count / side.requests)})" if side.requests else "–"


def _points(gap: Difference) -> str:
    return f"{gap.value:+.2%} ({gap.lower:+.2%} to {gap.upper:+.2%})".replace("-", "−")


def _duration(seconds: float) -> str:
    if math.isnan(seconds):
        return "–"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
