"""The chart of the training benchmark: seconds and holdout AUC of both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from bench.drift_chart import GRID, STYLE, quiet
from bench.training_runs import BEST_BY_AUC, OURS, WINNER, Trained

MINE, ITS, PALE = "#0f766e", "#d9703a", "#f0b37e"

Bar = tuple[str, float, str]
"""Label, length and colour."""


def save_chart(found: Mapping[str, tuple[Sequence[Trained], Sequence[Trained]]], path: Path) -> None:
    """Draws the chart.

    Args:
        found: Window → runs of ours and of the peer.
        path: The PNG file.
    """
    seconds: list[Bar] = []
    auc: list[Bar] = []
    for window, (ours, peer) in found.items():
        for name, runs, colour in (("Contender's task", ours, MINE), ("compare_models()", peer, ITS)):
            seconds.append((f"{window}\n{name}", median(run.seconds for run in runs), colour))
        for name, runs, whose, colour in (
            ("Contender's model", ours, OURS, MINE),
            ("its winner", peer, WINNER, ITS),
            ("its best by AUC", peer, BEST_BY_AUC, PALE),
        ):
            auc.append((f"{window}\n{name}", median(run.best(whose) for run in runs), colour))
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
        _bars(axes[0], seconds, "{:,.0f} s", 0.0)
        axes[0].set_title("Seconds, from rows to a model", pad=10)
        _bars(axes[1], auc, "{:.3f}", 0.5)
        axes[1].set_title("AUC on the newest fifth (0.5 is a coin)", pad=10)
        figure.suptitle(
            "Training task beside PyCaret's defaults", x=0.01, ha="left", fontsize=14, fontweight="bold"
        )
        figure.get_layout_engine().set(w_pad=0.15, h_pad=0.12)  # type: ignore[union-attr]
        figure.savefig(path, dpi=150)
        plt.close(figure)


def _bars(axes: Axes, bars: Sequence[Bar], text: str, least: float) -> None:
    labels, values, colours = zip(*bars, strict=True)
    places = range(len(bars))
    axes.barh(places, values, height=0.62, color=colours)
    for place, value in zip(places, values, strict=True):
        axes.text(value, place, f" {text.format(value)}", va="center", ha="left", fontsize=9.5)
    axes.set_yticks(places, labels)
    axes.set_xlim(least, max(values) + (max(values) - least) * 0.2)
    axes.set_axisbelow(True)
    axes.invert_yaxis()
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    quiet(axes)
