"""The four panels of the chart, each drawn on axes that it is given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.ticker import PercentFormatter

from contender.domain.dataset import Task
from contender.domain.experiment import Analysis, Difference, Evidence, Metric, SequenceInterval
from contender.domain.experiment.shape import CalibrationBin
from scripts.analysis.canvas import A_COLOUR, B_COLOUR, INK, MUTED, Axes, head, histogram, nothing, signed

_MAX_BARS = 8


def predictions(axes: Axes, analysis: Analysis) -> None:
    """What each variant predicted: scores as a distribution, many classes as bars."""
    if analysis.scores is not None:
        share = _positive_shares(analysis)
        what = f"Predicted probability of “{analysis.positive}”" if analysis.positive else "Predicted value"
        head(axes, "What the variants predict", share)
        histogram(axes, analysis.scores, what, "share of requests")
        return
    names = sorted(
        analysis.classes, key=lambda name: -(analysis.a.predicted[name] + analysis.b.predicted[name])
    )
    shown = names[:_MAX_BARS]
    more = f"; {len(names) - len(shown)} rarer labels not shown" if len(names) > len(shown) else ""
    head(axes, "What the variants predict", f"predicted label{more}")
    place = axes.get_position()
    # Labels are words: they need more room than the numbers of the other panels.
    axes.set_position([place.x0 + 0.055, place.y0, place.width - 0.055, place.height])
    sides = [
        (side, colour) for side, colour in ((analysis.a, A_COLOUR), (analysis.b, B_COLOUR)) if side.requests
    ]
    height = 0.8 / len(sides)
    for index, (side, colour) in enumerate(sides):
        shares = [side.predicted[name] / side.requests for name in shown]
        rows = np.arange(len(shown)) + (index - (len(sides) - 1) / 2) * height
        axes.barh(rows, shares, height=height * 0.9, color=colour)
        for row, value in zip(rows, shares, strict=True):
            axes.text(value, row, f" {value:.1%}", va="center", fontsize=8, color=MUTED)
    axes.set_yticks(range(len(shown)), [_short(name) for name in shown])
    axes.tick_params(axis="y", labelcolor=INK, labelsize=9.5)
    axes.set_ylim(len(shown) - 0.45, -0.55)
    axes.set_xlim(0, axes.get_xlim()[1] * 1.08)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("share of the variant's requests")


def differences(axes: Axes, analysis: Analysis) -> None:
    """How much better or worse B is, metric by metric, on one scale."""
    note = f"{analysis.level:.0%} intervals, within epochs of the split"
    rows = gaps(analysis)
    if rows and rows[0].decides:
        note = f"{analysis.level:.0%} intervals; the first, for all looks together, decides"
    head(
        axes,
        "How B differs from A",
        "do not conclude from it: the split was not kept" if analysis.ratio.alarm else note,
    )
    if not rows:
        nothing(axes, "No comparison yet", analysis.verdict.sentence)
        return
    low_end = high_end = 0.0
    for row, (metric, gap, base, _) in enumerate(rows):
        scale = (1 if metric.higher_is_better else -1) / abs(base)
        value, *ends = (scale * number for number in (gap.value, gap.lower, gap.upper))
        low, high = sorted(ends)
        colour = MUTED if analysis.ratio.alarm or low <= 0 <= high else B_COLOUR if low > 0 else A_COLOUR
        axes.plot([low, high], [row, row], color=colour, linewidth=2.6, solid_capstyle="round")
        axes.plot(value, row, "o", color=colour, markersize=8, markeredgecolor="white", markeredgewidth=1.2)
        figures = f"{signed(gap.value)}  [{signed(gap.lower)}, {signed(gap.upper)}]"
        axes.text(1, row, figures, transform=axes.get_yaxis_transform(), ha="right", va="center", fontsize=9)
        low_end, high_end = min(low_end, low), max(high_end, high)
    axes.axvline(0, color=INK, linewidth=1, zorder=1.5)
    # The right 42 % hold the figures; both directions get room enough to be named.
    span = high_end - low_end
    low_end, high_end = min(low_end, -0.4 * span) - 0.05 * span, max(high_end, 0.35 * span) + 0.05 * span
    axes.set_xlim(low_end, low_end + (high_end - low_end) / 0.58)
    axes.set_ylim(len(rows) - 0.4, -0.95)
    axes.text(
        0, -0.68, "◀ A better   ", color=A_COLOUR, fontsize=8.5, fontweight="bold", ha="right", va="center"
    )
    axes.text(
        0, -0.68, "   B better ▶", color=B_COLOUR, fontsize=8.5, fontweight="bold", ha="left", va="center"
    )
    axes.text(
        1,
        -0.68,
        "B − A",
        transform=axes.get_yaxis_transform(),
        color=MUTED,
        fontsize=9,
        ha="right",
        va="center",
    )
    axes.set_yticks(range(len(rows)), [_two_lines(row) for row in rows])
    axes.tick_params(axis="y", labelcolor=INK, labelsize=9.5)
    axes.grid(visible=False, axis="y")
    axes.set_xticks([tick for tick in axes.get_xticks() if low_end <= tick <= high_end])
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0 if span > 0.04 else 1))
    axes.set_xlabel("improvement by B, in % of A's value", loc="left")


def values(axes: Axes, analysis: Analysis) -> None:
    """The metrics of A alone."""
    head(axes, "How good the variant is", f"{analysis.level:.0%} intervals; there is no B to compare with")
    entries = [entry for entry in analysis.comparisons if not math.isnan(entry.a.lower)]
    if not entries:
        nothing(axes, "No outcomes yet", "Post them to /feedback; how good the predictions are shows then.")
        return
    for row, entry in enumerate(entries):
        # Each metric has its own unit, so each interval is drawn in its own units about its own value.
        half = max(entry.a.upper - entry.a.value, entry.a.value - entry.a.lower) / abs(entry.a.value)
        axes.plot([-half, half], [row, row], color=A_COLOUR, linewidth=2.6, solid_capstyle="round")
        axes.plot(0, row, "o", color=A_COLOUR, markersize=8, markeredgecolor="white", markeredgewidth=1.2)
        text = f"{entry.a.value:.4g}   [{entry.a.lower:.4g}, {entry.a.upper:.4g}]"
        axes.text(0, row - 0.2, text, ha="center", va="bottom", fontsize=8.5, color=INK)
    axes.set_ylim(len(entries) - 0.4, -0.85)
    axes.set_yticks(range(len(entries)), [entry.metric.label for entry in entries])
    axes.tick_params(axis="y", labelcolor=INK, labelsize=9.5)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.5)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("interval, in % of the value")


def trust(axes: Axes, analysis: Analysis) -> None:
    """How far to trust a prediction: calibration of probabilities, or the distribution of errors."""
    if analysis.task is Task.REGRESSION:
        head(axes, "How far predictions miss", "prediction less outcome; 0 is a hit")
        if analysis.errors is None:
            nothing(axes, "No outcomes yet", "Errors show once outcomes are posted to /feedback.")
            return
        histogram(axes, analysis.errors, "error (prediction − outcome)", "share of outcomes")
        axes.axvline(0, color=INK, linewidth=1)
        return
    found = analysis.calibration
    title = "Do probabilities mean what they say?"
    if found is None or not (found.a or found.b):
        head(axes, title, "calibration")
        why = (
            "The records carry no probabilities."
            if found is None
            else "It shows once outcomes are posted to /feedback."
        )
        nothing(axes, "No calibration yet", why)
        return
    errors = [
        f"{name} {value:.3f}"
        for name, value in (("A", found.error_a), ("B", found.error_b))
        if not math.isnan(value)
    ]
    head(axes, title, f"on the dashed line they do; mean distance: {', '.join(errors)}")
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1.5)
    _reliability(axes, found.a, A_COLOUR, "o")
    _reliability(axes, found.b, B_COLOUR, "s")
    ends = [edge for part in (*found.a, *found.b) for edge in (part.predicted, part.lower, part.upper)]
    low, high = max(-0.02, min(ends) - 0.03), min(1.03, max(ends) + 0.03)
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    of = f"“{found.of}”" if analysis.positive else found.of
    axes.set_xlabel(f"predicted probability of {of} (ten groups of equal size)")
    axes.set_ylabel("how often it came true")


def course(axes: Axes, analysis: Analysis) -> None:
    """Requests over time, and the share of B against the split in force."""
    bins = analysis.timeline
    edges = [datetime.fromtimestamp(part.start, UTC) for part in bins]
    edges.append(datetime.fromtimestamp(bins[-1].end, UTC))
    middle = [first + (last - first) / 2 for first, last in pairwise(edges)]
    requests = [part.requests for part in bins]
    width = 0.86 * (edges[1] - edges[0])
    locator = AutoDateLocator(minticks=3)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.margins(x=0.025)
    if not analysis.b.requests:
        head(axes, "Requests over time", "all of them to A")
        axes.bar(middle, requests, width=width, color=A_COLOUR, alpha=0.6)
        axes.set_ylabel("requests")
        return
    head(axes, "Traffic to B over time", _split_note(analysis))
    volume = axes.twinx()
    bars = volume.bar(middle, requests, width=width, color="#E6E9EE")
    volume.set_ylim(0, 3.2 * max(requests))
    volume.grid(visible=False)
    volume.set_yticks([])
    volume.spines["right"].set_visible(False)
    axes.set_zorder(volume.get_zorder() + 1)
    axes.patch.set_visible(False)
    expected = axes.stairs([part.expected_b for part in bins], edges, baseline=None, color=INK, linewidth=1.6)
    came = axes.plot(middle, [part.share_b for part in bins], "o", color=B_COLOUR, markersize=5.5)[0]
    came.set(markeredgecolor="white", markeredgewidth=0.8)
    top = max(max(part.expected_b, part.share_b) for part in bins if part.requests)
    axes.set_ylim(0, max(0.1, 1.3 * top))
    axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= 1])
    axes.legend(
        [expected, came, bars],
        ["split in force", "share as it came", f"requests (highest bar {max(requests):,})"],
        loc="upper left",
        ncols=3,
        fontsize=8.5,
        frameon=False,
        borderaxespad=0.2,
        handlelength=1.4,
        columnspacing=1.6,
    )
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_ylabel("share of B")


def _split_note(analysis: Analysis) -> str:
    ratio = analysis.ratio
    if not ratio.units:
        return "no request was assigned by chance"
    kept = "NOT kept" if ratio.alarm else "kept"
    return (
        f"split {kept}: B {ratio.observed_b:,} of {ratio.units:,}, expected {ratio.expected_b:,.0f} "
        f"(p = {ratio.sequential_p:.2g} for all looks)"
    )


def _reliability(axes: Axes, bins: Sequence[CalibrationBin], colour: str, marker: str) -> None:
    if not bins:
        return
    x, y = [part.predicted for part in bins], [part.observed for part in bins]
    reach = [
        [part.observed - part.lower for part in bins],
        [part.upper - part.observed for part in bins],
    ]
    axes.errorbar(
        x,
        y,
        yerr=reach,
        color=colour,
        linewidth=1.4,
        elinewidth=1.1,
        marker=marker,
        markersize=5.5,
        markeredgecolor="white",
    )


def _positive_shares(analysis: Analysis) -> str:
    sides = [(name, side) for name, side in (("A", analysis.a), ("B", analysis.b)) if side.requests]
    if analysis.positive:
        shares = (f"{name} {side.predicted[analysis.positive] / side.requests:.1%}" for name, side in sides)
        return f"labelled “{analysis.positive}”: {', '.join(shares)}"
    return "mean: " + ", ".join(f"{name} {side.mean_prediction:.4g}" for name, side in sides)


class Gap(NamedTuple):
    """A row of B - A, the value of A by which it is scaled, and whether it is the paired one that decides."""

    metric: Metric
    gap: Difference | SequenceInterval
    base: float
    decides: bool


def gaps(analysis: Analysis) -> list[Gap]:
    """The A/B comparison of every metric; before it that of the same requests, where it decides."""
    rows = []
    look = analysis.look
    if look.decided_by is Evidence.PAIRED and look.metrics and look.metrics[0].paired is not None:
        rows.append(Gap(look.metrics[0].metric, look.metrics[0].paired, look.metrics[0].a, decides=True))
    for entry in analysis.comparisons:
        if entry.difference is not None:
            rows.append(Gap(entry.metric, entry.difference, entry.a.value, decides=False))
    return [row for row in rows if not math.isnan(row.gap.lower) and row.base and not math.isnan(row.base)]


def _two_lines(row: Gap) -> str:
    head, _, tail = row.metric.label.partition(" (")
    sense = "higher is better" if row.metric.higher_is_better else "lower is better"
    return f"{tail.rstrip(')') or head}\n{'same requests' if row.decides else sense}"


def _short(name: str) -> str:
    return name if len(name) <= 14 else f"{name[:6]}…{name[-7:]}"
