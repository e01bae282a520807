"""The chart of the analysis benchmark: time and memory of both sides by the number of records."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes

from bench.analysis_runs import Measures, Subject
from bench.charts import OURS, THEIRS, chart, finish

LOOKS = {Subject.OURS: ("Contender", OURS), Subject.PEER: ("TypeDeserializer, pandas", THEIRS)}
"""Subject → name and colour."""


def save_chart(measures: Measures, path: Path) -> None:
    """Draws the chart.

    Args:
        measures: Records → who → runs.
        path: The PNG file.
    """
    with chart("Analysis of an export of the prediction log", path, 1, 2, (11, 4.4)) as axes:
        _lines(axes[0], measures, "seconds", "Seconds, gzipped DynamoDB JSON to the verdict", "{:,.1f} s")
        _lines(axes[1], measures, "peak_mb", "Peak memory in MB (largest)", "{:,.0f} MB")
        axes[0].legend(frameon=False, loc="upper right")


def _lines(axes: Axes, measures: Measures, what: str, title: str, text: str) -> None:
    largest = max(getattr(runs, what) for found in measures.values() for runs in found.values())
    for subject, (name, colour) in LOOKS.items():
        mine = {records: found for records, found in measures.items() if subject in found}
        points = [(records / 1e6, getattr(found[subject], what)) for records, found in mine.items()]
        axes.plot(*zip(*points, strict=True), "o-", color=colour, linewidth=2, label=name)
        for (millions, value), found in zip(points, mine.values(), strict=True):
            above = len(found) > 1 and value == max(getattr(runs, what) for runs in found.values())
            axes.annotate(
                text.format(value), (millions, value), (0, 8 if above else -15),
                textcoords="offset points", ha="center", color=colour, fontsize=9.5,
            )  # fmt: skip
    axes.set_ylim(-0.1 * largest, 1.2 * largest)
    axes.set_xlim(-0.05 * max(measures) / 1e6, 1.1 * max(measures) / 1e6)
    axes.set_xticks([records / 1e6 for records in measures])
    axes.set_xlabel("million records")
    finish(axes, title, "y")
