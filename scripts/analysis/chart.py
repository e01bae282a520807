"""The report as one picture: what the variants predict, how they differ, how far to trust them, and when."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from pathlib import Path

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from contender.domain.experiment import Analysis, VariantSummary
from scripts.analysis import panels
from scripts.analysis.canvas import A_COLOUR, B_COLOUR, FAINT, INK, MUTED
from scripts.analysis.report import Report

_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#EDEFF2",
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
}


def draw(report: Report, path: Path) -> None:
    """Writes the picture as a PNG of about 2,000 by 1,400 pixels."""
    analysis = report.analysis
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(12.6, 8.9), dpi=160, facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.subplots(
            2,
            2,
            gridspec_kw={
                "left": 0.07,
                "right": 0.97,
                "top": 0.765,
                "bottom": 0.09,
                "hspace": 0.46,
                "wspace": 0.27,
            },
        )
        _heading(figure, report)
        panels.predictions(axes[0, 0], analysis)
        if analysis.b.requests:
            panels.differences(axes[0, 1], analysis)
        else:
            panels.values(axes[0, 1], analysis)
        panels.trust(axes[1, 0], analysis)
        panels.course(axes[1, 1], analysis)
        figure.savefig(path)


def _heading(figure: Figure, report: Report) -> None:
    analysis = report.analysis
    verdict = analysis.verdict
    figure.text(0.03, 0.955, verdict.headline, fontsize=19, fontweight="bold", va="center")
    sentence = "\n".join(textwrap.wrap(verdict.sentence, 165))
    figure.text(0.03, 0.925, sentence, fontsize=9.5, color=MUTED, va="top", linespacing=1.45)
    x = 0.03
    for name, summary, colour in (("A", analysis.a, A_COLOUR), ("B", analysis.b, B_COLOUR)):
        if not summary.requests:
            continue
        figure.text(x, 0.857, "■", fontsize=13, color=colour, va="center")
        text = figure.text(x + 0.016, 0.857, _legend(name, summary), fontsize=10, va="center")
        width = text.get_window_extent(figure.canvas.get_renderer()).width / figure.bbox.width
        x += width + 0.045
    figure.text(0.03, 0.022, _footer(report), fontsize=8, color=MUTED, va="center")


def _legend(name: str, summary: VariantSummary) -> str:
    role = {"A": "champion", "B": "challenger"}[name]
    version = f" v{summary.model_version}" if summary.model_version else ""
    return f"{name}: {role}{version}, {summary.requests:,} requests, {summary.outcomes:,} outcomes"


def _footer(report: Report) -> str:
    analysis = report.analysis
    parts = [
        f"{report.target} ({analysis.task.value})" if report.target else analysis.task.value.capitalize()
    ]
    parts.append(f"{analysis.requests:,} requests, {_period(analysis)}")
    parts.append(f"release {report.release[:12]}")
    parts.append(f"{analysis.level:.0%} intervals {validity(analysis)}")
    if analysis.a.fallbacks or analysis.b.fallbacks:
        parts.append(f"{analysis.a.fallbacks + analysis.b.fallbacks:,} fallbacks, counted where assigned")
    return "\n".join(textwrap.wrap("   ·   ".join(parts), 155))


def validity(analysis: Analysis) -> str:
    """How many looks the intervals hold for that the picture shows."""
    gaps = panels.gaps(analysis)
    if not gaps:
        return "for one look"
    return f"for one look ({'verdict, first row' if gaps[0].decides else 'verdict'}: all looks)"


def _period(analysis: Analysis) -> str:
    ends = (analysis.timeline[0].start, analysis.timeline[-1].end)
    first, last = (f"{datetime.fromtimestamp(end, UTC):%Y-%m-%d %H:%M}" for end in ends)
    return f"{first} to {last} UTC"
