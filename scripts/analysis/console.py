"""The report on a terminal."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from contender.domain.experiment import (
    Analysis,
    Difference,
    Estimate,
    Finding,
    Metric,
    SequenceInterval,
    VariantSummary,
)
from contender.domain.experiment.metrics import RMSE
from scripts.analysis.notes import notes
from scripts.analysis.report import Report

_MAX_CLASSES = 12
"""Rows of the table of predictions; rarer labels are summed up."""

_WIDE = 112
"""Columns from which a value and its interval stand on one line, with four decimals instead of three."""
_NARROW_DECIMALS = 3

_STYLE = {
    Finding.SHIP: "green",
    Finding.KEEP: "magenta",
    Finding.CONTINUE: "yellow",
    Finding.INVALID: "red",
}


class _Layout(NamedTuple):
    """How estimates are written.

    Attributes:
        space: What stands between a value and its interval.
        decimals: How many.
        coloured: Whether a significant difference names its winner by colour; one that is valid for a
            single look does not, for it decides nothing.
    """

    space: str
    decimals: int
    coloured: bool


def show(report: Report, console: Console) -> None:
    """Prints everything, the verdict last."""
    analysis = report.analysis
    console.print()
    console.print(_headline(report), highlight=False)
    for digest, other in report.others.items():
        console.print(
            f"  Left out: release {digest[:12]}, {other.requests:,} requests ({other.to_b:,} to B). "
            f"--release {digest[:12]} analyses it.",
            style="dim",
        )
    for remark in report.remarks:
        console.print(f"  {escape(remark)}.", style="dim", highlight=False)
    for problem in report.problems:
        console.print(f"  Problem in the data: {escape(problem)}", style="yellow", highlight=False)
    shape = ("  ", 4) if console.width >= _WIDE else ("\n", _NARROW_DECIMALS)
    console.print(_traffic(analysis))
    console.print(_predictions(analysis))
    console.print(_metrics(analysis, _Layout(*shape, coloured=False)))
    if analysis.look.metrics:
        console.print(_sequences(analysis, _Layout(*shape, coloured=not analysis.ratio.alarm)))
    if len(analysis.epochs) > 1:
        console.print(_epochs(analysis))
    for note in notes(analysis):
        console.print(f"• {note}", highlight=False)
    if report.judged_by:
        console.print(f"[dim]{escape(report.judged_by)}[/dim]", highlight=False)
    verdict = analysis.verdict
    text = verdict.sentence + (f"\n[dim]{verdict.caution}[/dim]" if verdict.caution else "")
    console.print(
        Panel(text, title=verdict.headline, border_style=_STYLE[verdict.finding], title_align="left")
    )


def _headline(report: Report) -> str:
    analysis = report.analysis
    what = f" of {escape(report.target)}" if report.target else ""
    positive = f", positive class [bold]{escape(analysis.positive)}[/bold]" if analysis.positive else ""
    return (
        f"[bold]{report.records:,} requests[/bold] in the export ({report.spilled:,} spilled), "
        f"[bold]{analysis.requests:,}[/bold] under release {report.release[:12]}: "
        f"{analysis.task.value}{what}{positive}"
    )


def _traffic(analysis: Analysis) -> Table:
    table = _table("Traffic, by assigned variant", "", "A", "B")

    def row(label: str, *cells: str) -> None:
        table.add_row(label, *cells)

    both = (analysis.a, analysis.b)
    row("model version", *(side.model_version or "–" for side in both))
    row("requests", *(f"{side.requests:,} ({_share(side.requests, analysis.requests)})" for side in both))
    if analysis.clustered:
        row("units", *(f"{side.units:,}" for side in both))
    row("answered by the other variant", *(_count_share(side.fallbacks, side) for side in both))
    row("spilled", *(_count_share(side.spilled, side) for side in both))
    row("with outcome", *(_count_share(side.outcomes, side) for side in both))
    row("without outcome", *(_count_share(side.outcomes_missing, side) for side in both))
    if any(side.outcomes_unknown for side in both):
        row("outcome of no known class", *(_count_share(side.outcomes_unknown, side) for side in both))
    row("median delay of outcomes", *(_duration(side.outcome_delay_s.p50) for side in both))
    row(
        "latency p50 / p95 / p99, ms",
        *(" / ".join(_number(value, ".2f") for value in side.latency_ms) for side in both),
    )
    return table


def _predictions(analysis: Analysis) -> Table:
    table = _table("Predictions", "", "A", "B")
    both = (analysis.a, analysis.b)
    names = sorted(analysis.classes, key=lambda name: -sum(side.predicted[name] for side in both))
    for name in names[:_MAX_CLASSES]:
        table.add_row(escape(name), *(_count_share(side.predicted[name], side) for side in both))
    if rest := names[_MAX_CLASSES:]:
        sums = (sum(side.predicted[name] for name in rest) for side in both)
        table.add_row(
            f"{len(rest)} others", *(_count_share(n, side) for n, side in zip(sums, both, strict=True))
        )
    if not all(math.isnan(side.mean_prediction) for side in both):
        label = f"mean probability of {escape(analysis.positive)}" if analysis.positive else "mean prediction"
        table.add_row(label, *(_number(side.mean_prediction, ".4g") for side in both))
    return table


def _metrics(analysis: Analysis, layout: _Layout) -> Table:
    table = _table(f"Metrics with {analysis.level:.0%} intervals, for one look", "", "A", "B", "B - A", "p")
    for entry in analysis.comparisons:
        gap = entry.difference
        table.add_row(
            _named(entry.metric, layout),
            _estimate(entry.a, layout),
            _estimate(entry.b, layout),
            "–" if gap is None else _styled(entry.metric, gap, layout),
            "–" if gap is None else _number(gap.p_value, ".2g"),
        )
    return table


def _sequences(analysis: Analysis, layout: _Layout) -> Table:
    """B - A with intervals that hold at every look together: what the verdict is about."""
    shadowed = any(entry.paired for entry in analysis.look.metrics)
    title = f"B - A with {analysis.level:.0%} confidence sequences, for any number of looks"
    table = _table(title, "", "A/B comparison", *(["same requests"] if shadowed else []))
    for entry in analysis.look.metrics:
        cells = [entry.served, entry.paired] if shadowed else [entry.served]
        table.add_row(
            _named(entry.metric, layout),
            *("–" if cell is None else _styled(entry.metric, cell, layout) for cell in cells),
        )
    return table


def _epochs(analysis: Analysis) -> Table:
    table = _table("Epochs of the split", "version", "from (UTC)", "split", "requests", "to B", "outcomes")
    for epoch in analysis.epochs:
        total = epoch.requests_a + epoch.requests_b
        table.add_row(
            str(epoch.version),
            f"{datetime.fromtimestamp(epoch.start, UTC):%Y-%m-%d %H:%M:%S}",
            f"{epoch.split:.3g}",
            f"{total:,}",
            f"{epoch.requests_b:,} ({_share(epoch.requests_b, total)})",
            f"{epoch.outcomes:,}",
        )
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(
        title=title, title_justify="left", title_style="bold", header_style="dim", box=box.SIMPLE_HEAD
    )
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _named(metric: Metric, layout: _Layout) -> str:
    """A metric with its direction; by its short name, if it has one, where lines are short."""
    name = "RMSE" if metric is RMSE else metric.label.partition(" (")[2].rstrip(")")
    if layout.decimals > _NARROW_DECIMALS or not name:
        name = metric.label
    return f"{name} {'↑' if metric.higher_is_better else '↓'}"


def _estimate(estimate: Estimate, layout: _Layout) -> str:
    if math.isnan(estimate.value):
        return "–"
    value = _figure(estimate.value, layout)
    if math.isnan(estimate.lower):
        return f"{value}{layout.space}(no interval)"
    return f"{value}{layout.space}[{_figure(estimate.lower, layout)}, {_figure(estimate.upper, layout)}]"


def _styled(metric: Metric, gap: Difference | SequenceInterval, layout: _Layout) -> str:
    if math.isnan(gap.value):
        return "–"
    value = _figure(gap.value, layout, "+")
    if math.isnan(gap.lower):
        return f"{value}{layout.space}(no interval)"
    text = f"{value}{layout.space}[{_figure(gap.lower, layout, '+')}, {_figure(gap.upper, layout, '+')}]"
    if gap.lower <= 0 <= gap.upper or not layout.coloured:
        return text
    return f"[{'green' if (gap.value > 0) == metric.higher_is_better else 'magenta'}]{text}[/]"


def _figure(value: float, layout: _Layout, sign: str = "") -> str:
    if abs(value) >= 1000:
        return format(value, f"{sign},.0f")
    return format(value, f"{sign}.{layout.decimals}f" if abs(value) < 10 else f"{sign}.4g")


def _number(value: float, form: str) -> str:
    return "–" if math.isnan(value) else format(value, form)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"


def _count_share(count: int, side: VariantSummary) -> str:
    return f"{count:,} ({_share(count, side.requests)})"


def _duration(seconds: float) -> str:
    if math.isnan(seconds):
        return "–"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
