"""What people look at: how well a model separates, how honest its probabilities are, what it looks at."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score, roc_curve

from contender.adapters.onnx_model import OnnxModel, Predictions
from contender.domain.dataset import Task
from trainer.data import TrainingData
from trainer.scoring import losses

BINS = 10
IMPORTANCE_ROWS = 2_000
"""Rows on which importance is measured: enough for a ranking, and quick."""

IMPORTANCE_REPEATS = 3
MAX_BARS = 20
MAX_CURVES = 8

INK, ACCENT, SOFT, GRID = "#1f2933", "#2463a6", "#9fb3c8", "#e4e7eb"
PALETTE = ("#2463a6", "#d9822b", "#3a8f5c", "#a23b72", "#6b5ca5", "#c0392b", "#16808a", "#7b8794")


def make_plots(
    data: TrainingData, model: OnnxModel, predictions: Predictions, importances: Mapping[str, float]
) -> dict[str, bytes]:
    """Draws the plots of a task.

    Args:
        data: The holdout.
        model: The model.
        predictions: Its answers for the holdout.
        importances: See :func:`permutation_importance`.

    Returns:
        File name → PNG: ``roc.png`` and ``calibration.png``, or ``residuals.png`` and
        ``predicted_vs_actual.png``; and ``importance.png``.
    """
    # The font that comes with Matplotlib: PyCaret's libraries ask for ones that a container lacks.
    with rc_context({"font.family": "DejaVu Sans"}):
        return {file: _png(figure) for file, figure in _draw(data, model, predictions, importances).items()}


def _draw(
    data: TrainingData, model: OnnxModel, predictions: Predictions, importances: Mapping[str, float]
) -> dict[str, Figure]:
    plots: dict[str, Figure] = {}
    if data.dataset.task is Task.CLASSIFICATION and predictions.probabilities is not None:
        truth = np.array([str(label) for label in data.target.tolist()])
        classes = [str(label) for label in model.classes or ()]
        plots["roc.png"] = _figure(lambda axes: _roc(axes, truth, classes, predictions.probabilities))
        plots["calibration.png"] = _calibration(truth, classes, predictions.probabilities)
    else:
        answers = predictions.labels.astype(np.float64)
        plots["residuals.png"] = _figure(lambda axes: _residuals(axes, data.target, answers))
        plots["predicted_vs_actual.png"] = _figure(lambda axes: _diagonal(axes, data.target, answers))
    plots["importance.png"] = _importance(importances, data.dataset.task)
    return plots


def permutation_importance(data: TrainingData, model: OnnxModel, seed: int) -> dict[str, float]:
    """Measures how much worse the model gets when a feature's values are shuffled among the rows.

    It asks nothing of the algorithm, so that figures of different models compare (Breiman 2001).

    Args:
        data: The holdout; a sample of it is used.
        model: The model.
        seed: Seed of sample and shuffles.

    Returns:
        Feature → mean rise of the gate's loss, largest first; about 0 for a feature that is not used.
    """
    rng = np.random.default_rng(seed)
    if len(data) > IMPORTANCE_ROWS:
        data = data.take(np.sort(rng.choice(len(data), IMPORTANCE_ROWS, replace=False)))
    columns = data.columns
    base = losses(data, model).mean()
    rises: dict[str, float] = {}
    for name, values in columns.items():
        shuffled = [
            losses(data, model, model.predict_many({**columns, name: rng.permutation(values)})).mean()
            for _ in range(IMPORTANCE_REPEATS)
        ]
        rises[name] = float(np.mean(shuffled) - base)
    return dict(sorted(rises.items(), key=lambda item: -item[1]))


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _figure(draw: Callable[[Axes], None], size: tuple[float, float] = (6.4, 5.2)) -> Figure:
    figure = Figure(figsize=size, dpi=130, layout="constrained")
    draw(_styled(figure.add_subplot()))
    return figure


def _styled(axes: Axes) -> Axes:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(SOFT)
    axes.tick_params(colors=INK, labelsize=9)
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    return axes


def _titled(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title, loc="left", fontsize=12, fontweight="bold", color=INK)
    axes.set_xlabel(x, color=INK)
    axes.set_ylabel(y, color=INK)


def _shown(classes: list[str], truth: NDArray[Any]) -> list[tuple[int, str]]:
    """The classes to draw: the second of two, else the most frequent that are there."""
    counts = {label: int((truth == label).sum()) for label in classes}
    present = [(column, label) for column, label in enumerate(classes) if 0 < counts[label] < len(truth)]
    if len(classes) == 2:
        return [entry for entry in present if entry[0] == 1]
    return sorted(present, key=lambda entry: -counts[entry[1]])[:MAX_CURVES]


def _roc(axes: Axes, truth: NDArray[Any], classes: list[str], probabilities: Any) -> None:
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=1, linestyle="--")
    shown = _shown(classes, truth)
    for color, (column, label) in zip(PALETTE, shown, strict=False):
        hits = truth == label
        false, true, _ = roc_curve(hits, probabilities[:, column])
        auc = roc_auc_score(hits, probabilities[:, column])
        axes.plot(false, true, color=color, linewidth=2, label=f"{label}  (AUC {auc:.3f})")
        if len(shown) == 1:
            axes.fill_between(false, true, color=color, alpha=0.08, linewidth=0)
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    if shown:
        axes.legend(loc="lower right", frameon=False, title="class")
    _titled(axes, "ROC on the holdout", "share of other rows caught", "share of the class caught")


def _calibration(truth: NDArray[Any], classes: list[str], probabilities: Any) -> Figure:
    figure = Figure(figsize=(6.4, 6.2), dpi=130, layout="constrained")
    upper, lower = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    _styled(upper)
    _styled(lower)
    upper.plot([0, 1], [0, 1], color=SOFT, linewidth=1, linestyle="--")
    shown = _shown(classes, truth)
    for color, (column, label) in zip(PALETTE, shown, strict=False):
        given = probabilities[:, column]
        # Equal numbers of rows per point, so that every point is equally sure.
        parts = np.array_split(np.argsort(given, kind="stable"), min(BINS, len(given)))
        said = np.array([given[part].mean() for part in parts])
        share = np.array([(truth[part] == label).mean() for part in parts])
        error = np.abs(_wilson(share, np.array([len(part) for part in parts])) - share)
        upper.errorbar(
            said,
            share,
            yerr=error,
            color=color,
            marker="o",
            markersize=5,
            linewidth=1.8,
            capsize=2,
            label=label,
        )
        lower.hist(given, bins=np.linspace(0, 1, 41).tolist(), color=color, alpha=0.55)
    upper.set_ylim(-0.02, 1.02)
    lower.set_xlim(-0.02, 1.02)
    if shown:
        upper.legend(loc="upper left", frameon=False, title="class")
    _titled(upper, "Calibration on the holdout", "", "observed share (95 % interval)")
    lower.set_xlabel("predicted probability", color=INK)
    lower.set_ylabel("rows", color=INK)
    return figure


def _wilson(share: NDArray[Any], rows: NDArray[Any]) -> NDArray[np.float64]:
    """Ends of the 95 % interval of shares, shape (2, n), inside [0, 1] (Wilson 1927)."""
    z = 1.96
    middle = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    reach = z / (1 + z**2 / rows) * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    return np.stack([np.minimum(middle - reach, share), np.maximum(middle + reach, share)])


def _residuals(axes: Axes, truth: NDArray[Any], answers: NDArray[Any]) -> None:
    axes.axhline(0, color=INK, linewidth=1)
    axes.scatter(answers, truth - answers, s=_dot(len(truth)), color=ACCENT, alpha=0.45, linewidths=0)
    parts = np.array_split(np.argsort(answers, kind="stable"), min(BINS, len(answers)))
    axes.plot(
        [answers[part].mean() for part in parts],
        [(truth - answers)[part].mean() for part in parts],
        color=PALETTE[1],
        linewidth=2,
        marker="o",
        markersize=5,
        label="mean of a tenth of the rows",
    )
    axes.legend(frameon=False)
    _titled(axes, "Residuals on the holdout", "predicted", "actual minus predicted")


def _diagonal(axes: Axes, truth: NDArray[Any], answers: NDArray[Any]) -> None:
    ends = [min(truth.min(), answers.min()), max(truth.max(), answers.max())]
    axes.plot(ends, ends, color=SOFT, linewidth=1, linestyle="--")
    axes.scatter(answers, truth, s=_dot(len(truth)), color=ACCENT, alpha=0.45, linewidths=0)
    _titled(axes, "Predicted and actual on the holdout", "predicted", "actual")


def _importance(importances: Mapping[str, float], task: Task) -> Figure:
    bars = list(importances.items())[:MAX_BARS]
    loss = "log loss" if task is Task.CLASSIFICATION else "squared error"

    def draw(axes: Axes) -> None:
        names = [name if len(name) <= 30 else f"{name[:29]}…" for name, _ in bars]
        axes.barh(range(len(bars)), [rise for _, rise in bars], color=ACCENT, height=0.65)
        axes.set_yticks(range(len(bars)), names)
        axes.invert_yaxis()
        axes.axvline(0, color=INK, linewidth=1)
        axes.grid(visible=False, axis="y")
        _titled(axes, "What the model looks at", f"rise of {loss} when the feature is shuffled", "")

    return _figure(draw, (6.8, 1.4 + 0.3 * max(len(bars), 3)))


def _dot(rows: int) -> float:
    return float(np.clip(20_000 / max(rows, 1), 4, 30))
