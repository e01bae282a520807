"""The chart of the router's benchmark: how long an answer takes beside the peers, on a scale of tenfolds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from bench.drift_chart import GRID, INK, MUTED
from bench.router_runs import Run, Subject

OURS, THEIRS = "#0f766e", "#d9703a"
ANSWERS = {
    Subject.HANDLER: "Contender, event into the handler",
    Subject.HTTP: "Contender, HTTP on loopback",
    Subject.LOGGED: "Contender, record acknowledged by the table",
    Subject.SERVE: "mlflow models serve, HTTP on loopback",
}
MODELS = {
    Subject.MODEL: "Contender (ONNX Runtime)",
    Subject.SKLEARN: "scikit-learn pipeline",
    Subject.PYFUNC: "mlflow.pyfunc",
    Subject.PYCARET: "PyCaret predict_model",
}
STARTS = {
    Subject.COLD_MODEL: "Contender, model file alone",
    Subject.COLD: "Contender, the whole router",
    Subject.PEER_COLD: "mlflow.pyfunc",
}
PEERS = frozenset({Subject.SERVE, Subject.SKLEARN, Subject.PYFUNC, Subject.PYCARET, Subject.PEER_COLD})


def save_chart(found: Mapping[Subject, Run], path: Path) -> None:
    """Draws the chart.

    Args:
        found: Subject → medians; every subject.
        path: The PNG file.
    """
    style = {
        "font.family": "DejaVu Sans", "font.size": 10, "text.color": INK, "axes.labelcolor": INK,
        "xtick.color": MUTED, "ytick.color": INK, "axes.edgecolor": GRID, "axes.titlesize": 12,
        "axes.titleweight": "bold", "axes.titlelocation": "left",
    }  # fmt: skip
    with mpl.rc_context(style):
        figure, axes = plt.subplots(2, 2, figsize=(14, 6.4), layout="constrained")
        _bars(axes[0][0], found, ANSWERS, "p50_ms", "One answer: p50 in ms, log scale", log=True)
        _bars(axes[0][1], found, MODELS, "p50_ms", "One prediction alone: p50 in ms, log scale", log=True)
        _bars(axes[1][0], found, STARTS, "seconds", "Fresh process to first answer, in seconds", log=False)
        _bars(axes[1][1], found, STARTS, "peak_mb", "Peak memory of it, in MB", log=False)
        figure.suptitle(
            "One flight at a time: the same LightGBM pipeline on both sides",
            x=0.01, ha="left", fontsize=14, fontweight="bold",
        )  # fmt: skip
        figure.get_layout_engine().set(w_pad=0.15, h_pad=0.12)  # type: ignore[union-attr]
        figure.savefig(path, dpi=150)
        plt.close(figure)


def _bars(
    axes: Axes,
    found: Mapping[Subject, Run],
    names: Mapping[Subject, str],
    figure: str,
    title: str,
    *,
    log: bool,
) -> None:
    values = [found[subject].figures[figure] for subject in names]
    colors = [THEIRS if subject in PEERS else OURS for subject in names]
    places = range(len(values))
    least = min(values) / 3 if log else 0.0  # a bar on a log scale starts somewhere
    axes.barh(places, [value - least for value in values], left=least, height=0.62, color=colors)
    for place, value in zip(places, values, strict=True):
        digits = 3 if value < 1 else 2 if value < 10 else 0
        axes.annotate(f"{value:,.{digits}f}", (value, place), (5, 0), textcoords="offset points", va="center")
    if log:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlim(least, max(values) * (4 if log else 1.2))
    axes.set_yticks(places, list(names.values()))
    axes.set_axisbelow(True)
    axes.invert_yaxis()
    axes.set_title(title, pad=10)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)
    axes.minorticks_off()
