"""How the charts of all benchmarks look."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

INK, MUTED, GRID = "#1f2933", "#66727f", "#e4e8ec"
OURS, THEIRS = "#0f766e", "#d9703a"
PALE_OURS, PALE_THEIRS = "#5eb5ab", "#f0b37e"
"""Of a second bar of the same side."""
STYLE = {
    "font.family": "DejaVu Sans", "font.size": 10, "text.color": INK, "axes.labelcolor": INK,
    "xtick.color": MUTED, "ytick.color": INK, "axes.edgecolor": GRID, "axes.titlesize": 12,
    "axes.titleweight": "bold", "axes.titlelocation": "left",
}  # fmt: skip
"""Matplotlib's settings."""


@contextmanager
def chart(title: str, path: Path, rows: int, columns: int, size: tuple[float, float]) -> Iterator[Any]:
    """Makes a figure, and saves it at the end of the block.

    Args:
        title: Above all panels.
        path: The PNG file.
        rows: Panels below each other.
        columns: Panels beside each other.
        size: Width and height in inches.

    Yields:
        The axes, as ``matplotlib.pyplot.subplots`` gives them.
    """
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained")
        yield axes
        figure.suptitle(title, x=0.01, ha="left", fontsize=14, fontweight="bold")
        figure.get_layout_engine().set(w_pad=0.15, h_pad=0.12)  # type: ignore[union-attr]
        figure.savefig(path, dpi=150)
        plt.close(figure)


def finish(axes: Axes, title: str, grid: str) -> None:
    """Gives a panel its title and the grid of one axis (``x`` or ``y``), and takes frame and ticks away."""
    axes.set_axisbelow(True)
    axes.set_title(title, pad=10)
    axes.grid(axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]
    quiet(axes)


def quiet(axes: Axes) -> None:
    """Takes frame and ticks away."""
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
