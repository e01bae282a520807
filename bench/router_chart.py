"""The chart of the router's benchmark: how long an answer takes beside the peers, on a scale of tenfolds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes

from bench.charts import OURS, THEIRS, chart, finish
from bench.router_runs import Medians, Subject

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


def save_chart(found: Mapping[Subject, Medians], path: Path) -> None:
    """Draws the chart.

    Args:
        found: Subject → its runs; every subject.
        path: The PNG file.
    """
    title = "One flight at a time: the same LightGBM pipeline on both sides"
    with chart(title, path, 2, 2, (14, 6.4)) as axes:
        _bars(axes[0][0], found, ANSWERS, "p50_ms", "One answer: p50 in ms, log scale", log=True)
        _bars(axes[0][1], found, MODELS, "p50_ms", "One prediction alone: p50 in ms, log scale", log=True)
        _bars(axes[1][0], found, STARTS, "seconds", "Fresh process to first answer, in seconds", log=False)
        _bars(axes[1][1], found, STARTS, "peak_mb", "Peak memory of it, in MB (largest)", log=False)


def _bars(
    axes: Axes,
    found: Mapping[Subject, Medians],
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
    axes.invert_yaxis()
    finish(axes, title, "x")
    axes.minorticks_off()
