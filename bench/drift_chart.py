"""The chart of the drift benchmark: time and memory beside the peers, and how ours grow with the rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes

from bench.charts import OURS, PALE_OURS, PALE_THEIRS, THEIRS, chart, finish, quiet
from bench.drift_runs import Subject
from bench.runs import Medians

LOOKS = {
    Subject.OURS: ("Contender", OURS),
    Subject.OURS_KEPT: ("Contender, profile kept", PALE_OURS),
    Subject.SCIPY: ("SciPy loop, KS only", "#94a3b8"),
    Subject.EVIDENTLY_KS: ("Evidently, KS and χ²", PALE_THEIRS),
    Subject.EVIDENTLY: ("Evidently, default", THEIRS),
}
"""Subject → name and colour."""


def save_chart(
    measures: Mapping[int, Mapping[Subject, Medians]], growing: Mapping[int, Medians], path: Path
) -> None:
    """Draws the chart.

    Args:
        measures: Rows → subject → its runs.
        growing: Rows → runs of ours against a kept profile; may be empty.
        path: The PNG file.
    """
    largest = max(measures)
    panels = 3 if growing else 2
    title = "Drift check of 15 numeric and 5 categorical columns, Parquet in S3 to report"
    with chart(title, path, 1, panels, (5.4 * panels, 4.6)) as axes:
        _bars(axes[0], measures[largest], "seconds", f"Seconds, 2 × {largest:,} rows")
        _bars(axes[1], measures[largest], "peak_mb", f"Peak memory in MB (largest), 2 × {largest:,} rows")
        axes[1].set_yticklabels([])
        if growing:
            _growth(axes[2], growing)


def _bars(axes: Axes, found: Mapping[Subject, Medians], what: str, title: str) -> None:
    subjects = list(found)
    values = [getattr(found[subject], what) for subject in subjects]
    axes.barh(range(len(subjects)), values, height=0.62, color=[LOOKS[subject][1] for subject in subjects])
    top = max(values)
    for place, (subject, value) in enumerate(zip(subjects, values, strict=True)):
        label = f"{value:,.2f}" if value < 10 else f"{value:,.0f}"
        if subject not in (Subject.OURS, Subject.OURS_KEPT):
            ratio = value / values[0]
            label += f"   {ratio:.0f} × ours" if ratio >= 10 else f"   {ratio:.1f} × ours"
        axes.text(value + top * 0.015, place, label, va="center", ha="left", fontsize=9.5)
    axes.set_yticks(range(len(subjects)), [LOOKS[subject][0] for subject in subjects])
    axes.set_xlim(0, top * 1.34)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.invert_yaxis()
    finish(axes, title, "x")


def _growth(axes: Axes, growing: Mapping[int, Medians]) -> None:
    millions = [rows / 1e6 for rows in growing]
    seconds, memory = LOOKS[Subject.OURS][1], LOOKS[Subject.EVIDENTLY][1]
    axes.plot(millions, [runs.seconds for runs in growing.values()], "o-", color=seconds, linewidth=2)
    axes.set_ylim(0, 1.35 * max(runs.seconds for runs in growing.values()))
    axes.set_xlim(0, max(millions) * 1.08)
    axes.set_xticks(millions)
    axes.set_xlabel("million current rows")
    axes.set_ylabel("seconds", color=seconds)
    other = axes.twinx()
    other.plot(millions, [runs.peak_mb for runs in growing.values()], "s--", color=memory, linewidth=2)
    other.set_ylim(0, 2.2 * max(runs.peak_mb for runs in growing.values()))
    other.set_ylabel("peak MB", color=memory)
    for rows, runs in growing.items():
        axes.annotate(
            f"{runs.seconds:.1f} s", (rows / 1e6, runs.seconds), (0, 8), textcoords="offset points",
            ha="center", color=seconds, fontsize=9.5,
        )  # fmt: skip
        other.annotate(
            f"{runs.peak_mb:,.0f} MB", (rows / 1e6, runs.peak_mb), (0, 8), textcoords="offset points",
            ha="center", color=memory, fontsize=9.5,
        )  # fmt: skip
    finish(axes, "Larger windows, profile kept: time and memory", "y")
    quiet(other)
