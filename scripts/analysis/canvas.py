"""Colours, titles and shapes that the chart's panels share."""

from __future__ import annotations

import textwrap
from typing import Any

from matplotlib.ticker import PercentFormatter

from contender.domain.experiment.shape import Histogram

INK, MUTED, FAINT = "#1F2933", "#6B7480", "#C9CED6"
A_COLOUR, B_COLOUR = "#3D6FB4", "#E2762B"
"""Blue and orange: told apart with every common colour blindness, and in grey print by lightness."""
TITLE_INDENT = 0.04
"""How far left of its axes a panel's title starts, as a share of the figure's width: over the tick labels."""


Axes = Any
"""Matplotlib's axes; its types do not help here."""


def head(axes: Axes, title: str, note: str) -> None:
    """Heads a panel: what it shows, and one line on how to read it."""
    place, figure = axes.get_position(), axes.figure
    x = place.x0 - TITLE_INDENT
    figure.text(x, place.y1 + 0.040, title, fontsize=12, fontweight="bold", va="baseline")
    figure.text(x, place.y1 + 0.017, note, fontsize=9, color=MUTED, va="baseline")


def nothing(axes: Axes, headline: str, why: str) -> None:
    """Fills a panel that has nothing to show with the reason."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_facecolor("#F6F7F9")
    axes.text(
        0.5,
        0.56,
        headline,
        transform=axes.transAxes,
        ha="center",
        fontsize=11,
        color=MUTED,
        fontweight="bold",
    )
    axes.text(
        0.5, 0.46, _wrapped(why), transform=axes.transAxes, ha="center", va="top", fontsize=9, color=MUTED
    )


def histogram(axes: Axes, found: Histogram, label: str, what: str) -> None:
    """Draws both variants over common bins, each as shares of its own total."""
    for counts, colour in ((found.a, A_COLOUR), (found.b, B_COLOUR)):
        total = sum(counts)
        if total:
            shares = [count / total for count in counts]
            axes.stairs(shares, found.edges, fill=True, color=colour, alpha=0.22)
            axes.stairs(shares, found.edges, color=colour, linewidth=1.7)
    axes.set_ylim(bottom=0)
    axes.margins(x=0.01)
    axes.yaxis.set_major_formatter(PercentFormatter(1))  # as many decimals as its steps need
    axes.set_xlabel(label)
    axes.set_ylabel(what)


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, 62))


def signed(value: float) -> str:
    """Writes a difference with its sign."""
    form = "+.3f" if abs(value) < 10 else "+,.3g" if abs(value) < 1000 else "+,.0f"
    text = format(value, form)
    return text.replace("-", "−")
