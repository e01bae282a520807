"""The chart of the training benchmark: seconds and holdout AUC of both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from matplotlib.axes import Axes

from bench.charts import OURS as MINE
from bench.charts import PALE_THEIRS, THEIRS, chart, finish
from bench.training_runs import BEST_BY_AUC, OURS, WINNER, Trained

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
        for name, runs, colour in (("Contender's task", ours, MINE), ("compare_models()", peer, THEIRS)):
            seconds.append((f"{window}\n{name}", median(run.seconds for run in runs), colour))
        for name, runs, whose, colour in (
            ("Contender's model", ours, OURS, MINE),
            ("its winner", peer, WINNER, THEIRS),
            ("its best by AUC", peer, BEST_BY_AUC, PALE_THEIRS),
        ):
            auc.append((f"{window}\n{name}", median(run.best(whose) for run in runs), colour))
    with chart("Training task beside PyCaret's defaults", path, 1, 2, (11, 4.2)) as axes:
        _bars(axes[0], seconds, "Seconds, from rows to a model", "{:,.0f} s", 0.0)
        _bars(axes[1], auc, "AUC on the newest fifth (0.5 is a coin)", "{:.3f}", 0.5)


def _bars(axes: Axes, bars: Sequence[Bar], title: str, text: str, least: float) -> None:
    labels, values, colours = zip(*bars, strict=True)
    places = range(len(bars))
    axes.barh(places, values, height=0.62, color=colours)
    for place, value in zip(places, values, strict=True):
        axes.text(value, place, f" {text.format(value)}", va="center", ha="left", fontsize=9.5)
    axes.set_yticks(places, labels)
    axes.set_xlim(least, max(values) + (max(values) - least) * 0.2)
    axes.invert_yaxis()
    finish(axes, title, "x")
