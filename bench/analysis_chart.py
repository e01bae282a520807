"""The chart of the analysis benchmark: time and memory of both sides by the number of records."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from bench.analysis_runs import Measures, Subject
from bench.drift_chart import GRID, STYLE, quiet

LOOKS = {Subject.OURS: ("Contender", "#0f766e"), Subject.PEER: ("TypeDeserializer, pandas", "#d9703a")}
"""Subject → name and colour."""


def save_chart(measures: Measures, path: Path) -> None:
    """Draws the chart.

    Args:
        measures: Records → who → runs.
        path: The PNG file.
    """
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
        _lines(axes[0], measures, "seconds", "Seconds, gzipped DynamoDB JSON to the verdict", "{:,.1f} s")
        _lines(axes[1], measures, "peak_mb", "Peak memory in MB", "{:,.0f} MB")
        axes[0].legend(frameon=False, loc="upper right")
        figure.suptitle(
            "Analysis of an export of the prediction log", x=0.01, ha="left", fontsize=14, fontweight="bold"
        )
        figure.get_layout_engine().set(w_pad=0.15, h_pad=0.12)  # type: ignore[union-attr]
        figure.savefig(path, dpi=150)
        plt.close(figure)


def _lines(axes: Axes, measures: Measures, what: str, title: str, text: str) -> None:
    largest = max(getattr(runs, what) for found in measures.values() for runs in found.values())
    for subject, (name, colour) in LOOKS.items():
        points = [
            (records / 1e6, getattr(found[subject], what))
            for records, found in measures.items()
            if subject in found
        ]
        axes.plot(*zip(*points, strict=True), "o-", color=colour, linewidth=2, label=name)
        for records, found in measures.items():
            if subject not in found:
                continue
            value = getattr(found[subject], what)
            above = value == max(getattr(runs, what) for runs in found.values()) and len(found) > 1
            axes.annotate(
                text.format(value), (records / 1e6, value), (0, 8 if above else -15),
                textcoords="offset points", ha="center", color=colour, fontsize=9.5,
            )  # fmt: skip
    axes.set_ylim(-0.1 * largest, 1.2 * largest)
    axes.set_xlim(-0.05 * max(measures) / 1e6, 1.1 * max(measures) / 1e6)
    axes.set_xticks([records / 1e6 for records in measures])
    axes.set_xlabel("million records")
    axes.set_axisbelow(True)
    axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.set_title(title, pad=10)
    quiet(axes)
