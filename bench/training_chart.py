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
from bench.training_runs import Trained

OURS, PEER = "#0f766e", "#d9703a"


def save_chart(found: Mapping[str, tuple[Sequence[Trained], Sequence[Trained]]], path: Path) -> None:
    """Draws the chart.

    Args:
        found: Window → runs of ours and of the peer.
        path: The PNG file.
    """
    labels, seconds, auc, colours = [], [], [], []
    for window, sides in found.items():
        for name, runs, colour in zip(
            ("Contender's task", "compare_models()"), sides, (OURS, PEER), strict=True
        ):
            labels.append(f"{window}\n{name}")
            seconds.append(median(run.seconds for run in runs))
            auc.append(median(run.best for run in runs))
            colours.append(colour)
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
        _bars(axes[0], labels, seconds, colours, "{:,.0f} s", (0, max(seconds) * 1.18))
        axes[0].set_title("Seconds, from rows to a model", pad=10)
        _bars(axes[1], labels, auc, colours, "{:.4f}", (0.5, max(auc) + (max(auc) - 0.5) * 0.2))
        axes[1].set_title("AUC on the newest fifth (0.5 is a coin)", pad=10)
        axes[1].set_yticklabels([])
        figure.suptitle(
            "Training task beside PyCaret's defaults", x=0.01, ha="left", fontsize=14, fontweight="bold"
        )
        figure.get_layout_engine().set(w_pad=0.15, h_pad=0.12)  # type: ignore[union-attr]
        figure.savefig(path, dpi=150)
        plt.close(figure)


def _bars(
    axes: Axes,
    labels: Sequence[str],
    values: Sequence[float],
    colours: Sequence[str],
    text: str,
    limits: tuple[float, float],
) -> None:
    places = range(len(labels))
    axes.barh(places, values, height=0.62, color=colours)
    for place, value in zip(places, values, strict=True):
        axes.text(value, place, f" {text.format(value)}", va="center", ha="left", fontsize=9.5)
    axes.set_yticks(places, labels)
    axes.set_xlim(*limits)
    axes.set_axisbelow(True)
    axes.invert_yaxis()
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    quiet(axes)
