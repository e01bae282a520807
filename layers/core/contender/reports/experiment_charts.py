"""The pictures of an experiment's page."""

from __future__ import annotations

from collections.abc import Sequence

from contender.domain.dataset import Task
from contender.domain.experiment import Analysis, MetricLook, Step
from contender.domain.experiment.shape import CalibrationBin, Histogram
from contender.reports.experiment_axes import A_COLOUR, B_COLOUR, INK, MUTED, WIDTH, Plot
from contender.reports.page import Html, number, percent, shortened, text

MAX_LABELS = 8
"""Labels whose shares are shown; rarer ones are left to the data."""


def course(analysis: Analysis, entry: MetricLook, paired: bool) -> Html:
    """The running estimate of a metric with its band, epochs of the split marked; empty with fewer than two
    looks."""
    steps = entry.paired_course if paired else entry.course
    if len(steps) < 2:
        return ""
    x = [float(step.estimate.outcomes) for step in steps]
    value = [step.estimate.value for step in steps]
    low, high = [step.estimate.lower for step in steps], [step.estimate.upper for step in steps]
    # The first looks are so wide that they would hide the rest: the later half sets the scale.
    later = steps[len(steps) // 3 :]
    reach = max(abs(end) for step in later for end in (step.estimate.lower, step.estimate.upper))
    plot = Plot((0.0, x[-1]), (-1.15 * reach, 1.15 * reach), f"{entry.metric.label}, B less A, over outcomes")
    plot.axes("outcomes", lambda tick: f"{tick:,.0f}", lambda tick: _signed(tick))
    plot.band(x, low, high, B_COLOUR)
    for ends in (
        [step.estimate.fixed_lower for step in steps],
        [step.estimate.fixed_upper for step in steps],
    ):
        plot.line([*zip(x, ends, strict=True)], MUTED, 1, "4 3")
    plot.zero()
    for at, label in _epoch_marks(analysis, steps):
        plot.mark(at, label)
    plot.line([*zip(x, value, strict=True)], B_COLOUR, 2.4)
    up, down = ("B better ▲", "A better ▼") if entry.metric.higher_is_better else ("A better ▲", "B better ▼")
    plot.label(WIDTH - 16, 44, up, "end", INK)
    plot.label(WIDTH - 16, 218, down, "end", INK)
    return plot.svg()


def predictions(analysis: Analysis) -> Html:
    """What each variant predicts: a distribution, or the shares of labels."""
    if analysis.scores is not None:
        what = f"predicted probability of {analysis.positive}" if analysis.positive else "predicted value"
        return _histogram(analysis.scores, what)
    return _labels(analysis)


def errors(analysis: Analysis) -> Html:
    """How far predictions miss; regression only."""
    return "" if analysis.errors is None else _histogram(analysis.errors, "prediction less outcome")


def calibration(analysis: Analysis) -> Html:
    """How often predictions of each confidence came true; empty without outcomes or probabilities."""
    found = analysis.calibration
    if analysis.task is Task.REGRESSION or found is None or not (found.a or found.b):
        return ""
    parts = [*found.a, *found.b]
    ends = [edge for part in parts for edge in (part.predicted, part.lower, part.upper)]
    bounds = (max(0.0, min(ends) - 0.02), min(1.0, max(ends) + 0.02))
    plot = Plot(bounds, bounds, "Calibration: predicted against observed")
    plot.axes(f"predicted probability of {found.of}", _percent, _percent)
    plot.line([(bounds[0], bounds[0]), (bounds[1], bounds[1])], MUTED, 1.2, "4 3")
    for bins, colour, square in ((found.a, A_COLOUR, False), (found.b, B_COLOUR, True)):
        _reliability(plot, bins, colour, square)
    return plot.svg()


def traffic(analysis: Analysis) -> Html:
    """B's share of the requests over time, against the split in force."""
    bins = [part for part in analysis.timeline if part.requests]
    if not bins:
        return ""
    start, end = analysis.timeline[0].start, analysis.timeline[-1].end
    top = max(max(part.share_b, part.expected_b) for part in bins)
    plot = Plot((start, end), (0.0, min(1.05, max(0.1, 1.25 * top))), "Share of B over time")
    plot.axes("time, from the first request to the last", lambda tick: "", _percent, ())
    expected: list[tuple[float, float]] = []
    for part in bins:
        expected += [(part.start, part.expected_b), (part.end, part.expected_b)]
    plot.line(expected, INK, 1.6)
    for part in bins:
        plot.dot((part.start + part.end) / 2, part.share_b, B_COLOUR)
    return plot.svg()


def _reliability(plot: Plot, bins: Sequence[CalibrationBin], colour: str, square: bool) -> None:
    for part in bins:
        plot.line([(part.predicted, part.lower), (part.predicted, part.upper)], colour, 1.1)
    plot.line([(part.predicted, part.observed) for part in bins], colour, 1.6)
    for part in bins:
        plot.dot(part.predicted, part.observed, colour, square)


def _histogram(found: Histogram, label: str) -> Html:
    sides = [
        ([count / total for count in counts], colour)
        for counts, colour in ((found.a, A_COLOUR), (found.b, B_COLOUR))
        if (total := sum(counts))
    ]
    top = max(max(shares) for shares, _ in sides)
    plot = Plot((found.edges[0], found.edges[-1]), (0.0, 1.08 * top), f"Distribution: {label}")
    plot.axes(label, number, _percent)
    for shares, colour in sides:
        plot.steps(found.edges, shares, colour)
    return plot.svg()


def _labels(analysis: Analysis) -> Html:
    """Bars as a table: labels are words, and words wrap."""
    sides = [
        (which, side, style)
        for which, side, style in (("A", analysis.a, "reference"), ("B", analysis.b, "current"))
        if side.requests
    ]
    if not (sides and analysis.classes):
        return ""
    names = sorted(analysis.classes, key=lambda name: -sum(side.predicted[name] for _, side, _ in sides))
    shares = {
        name: [(which, side.predicted[name] / side.requests, style) for which, side, style in sides]
        for name in names[:MAX_LABELS]
    }
    top = max(share for parts in shares.values() for _, share, _ in parts)
    rows = []
    for name, parts in shares.items():
        bars = "".join(
            f'<span class="bar {style}" style="width:{100 * share / top:.1f}%"></span>'
            for _, share, style in parts
        )
        figures = "<br>".join(f"{which} {percent(share)}" for which, share, _ in parts)
        rows.append(f'<tr><th>{text(shortened(name))}</th><td>{bars}</td><td class="n">{figures}</td></tr>')
    more = len(names) - MAX_LABELS
    note = f'<p class="muted small">{more} rarer labels are not shown.</p>' if more > 0 else ""
    return f'<table class="bars"><tbody>{"".join(rows)}</tbody></table>{note}'


def _epoch_marks(analysis: Analysis, steps: Sequence[Step]) -> list[tuple[float, str]]:
    """Where a new split first shows, by outcomes; the first split is named at the start."""
    splits = {epoch.version: epoch.split for epoch in analysis.epochs}
    found: list[tuple[float, str]] = []
    seen = None
    before = 0.0
    for step in steps:
        if step.epoch != seen and step.epoch in splits:
            found.append((before, f"{splits[step.epoch]:.0%} to B"))
            seen = step.epoch
        before = float(step.estimate.outcomes)
    return found if len(found) <= 6 else []


def _percent(value: float) -> str:
    return f"{100 * value:.4g} %"


def _signed(value: float) -> str:
    return "0" if abs(value) < 1e-12 else f"{value:+.3g}".replace("-", "−")
