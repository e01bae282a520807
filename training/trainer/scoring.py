"""A model's figures on the holdout, and the gate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import r2_score, roc_auc_score

from contender.adapters.onnx_model import OnnxModel, Predictions
from contender.domain.dataset import Task
from contender.domain.promotion import (
    GateResult,
    GateVerdict,
    gate_metric,
    judge,
    log_loss_rows,
    squared_error_rows,
    without_champion,
)
from contender.domain.release import ModelRef
from contender.errors import ModelUnusable, NotFound
from contender.ports import Registry
from trainer.data import TrainingData


def losses(
    data: TrainingData, model: OnnxModel, predictions: Predictions | None = None
) -> NDArray[np.float64]:
    """Gives each row's loss, as the gate compares it.

    Args:
        data: Rows with their truth.
        model: The model.
        predictions: Its answers for these rows, when they are known already.

    Returns:
        Shape (n,): log loss for classification, squared error for regression.

    Raises:
        ModelUnusable: When the model does not fit these data.
    """
    answers = predictions or model.predict_many(data.columns)
    if data.dataset.task is Task.CLASSIFICATION:
        if answers.probabilities is None or model.classes is None:
            raise ModelUnusable("the model is a regression, the data set a classification")
        return log_loss_rows(data.target.tolist(), model.classes, answers.probabilities)
    if answers.probabilities is not None:
        raise ModelUnusable("the model is a classification, the data set a regression")
    return squared_error_rows(data.target, answers.labels)


def holdout_metrics(data: TrainingData, model: OnnxModel, predictions: Predictions) -> dict[str, float]:
    """Gives the figures that people look at, from the very graph that will serve.

    Args:
        data: The holdout.
        model: The model.
        predictions: Its answers for these rows.

    Returns:
        ``auc`` (one against the rest, weighted, for three or more classes; absent when the holdout lacks a
        class), ``log_loss``, ``brier`` (mean squared distance of the probabilities, halved so that two
        classes give the usual score; in [0, 1]) and ``accuracy``; or ``rmse``, ``mae`` and ``r2``.
    """
    loss = losses(data, model, predictions)
    if model.classes is None or predictions.probabilities is None:
        errors = predictions.labels.astype(np.float64) - data.target
        return {
            "rmse": float(np.sqrt(loss.mean())),
            "mae": float(np.abs(errors).mean()),
            "r2": float(r2_score(data.target, predictions.labels)) if len(data) > 1 else float("nan"),
        }
    truth = np.array([str(label) for label in data.target.tolist()])
    classes = np.array([str(label) for label in model.classes])
    hits = (truth[:, None] == classes[None, :]).astype(np.float64)
    probabilities = predictions.probabilities.astype(np.float64)
    # A class that the model does not know counts as one more column, in which it always says 0.
    unknown = 1.0 - hits.sum(axis=1)
    metrics = {
        "log_loss": float(loss.mean()),
        "brier": float((((probabilities - hits) ** 2).sum(axis=1) + unknown).mean() / 2),
        "accuracy": float((predictions.labels.astype(str) == truth).mean()),
    }
    seen = hits.sum(axis=0)
    if (seen > 0).all() and (seen < len(truth)).all():
        share = seen / seen.sum()
        each = [roc_auc_score(hits[:, column], probabilities[:, column]) for column in range(len(classes))]
        metrics["auc"] = float(each[1] if len(classes) == 2 else np.dot(share, each))
    return metrics


def gate(
    data: TrainingData,
    challenger: NDArray[np.float64],
    registry: Registry,
    load_model: Callable[[bytes, ModelRef], OnnxModel],
    seed: int,
) -> tuple[GateResult, ModelRef | None]:
    """Compares a new model with the champion on the holdout.

    Args:
        data: The holdout.
        challenger: The new model's loss per row.
        registry: Knows the champion.
        load_model: Loads it.
        seed: Seed of the bootstrap.

    Returns:
        What the gate says, and the champion if there is one. A champion that cannot be loaded or scored on
        these rows is no reason to turn a model away.

    Raises:
        StoreUnavailable: When the registry does not answer.
    """
    metric = gate_metric(data.dataset.task)
    champion = registry.by_alias("champion")
    if champion is None:
        reason = "there is no champion: the first model becomes it"
        return without_champion(metric, challenger, reason, GateVerdict.FIRST), None
    try:
        theirs = losses(data, load_model(registry.model_bytes(champion), champion))
    except (ModelUnusable, NotFound) as error:
        reason = f"may challenge: champion version {champion.model_version} cannot be scored here: {error}"
        return without_champion(metric, challenger, reason), champion
    return judge(metric, challenger, theirs, np.random.default_rng(seed)), champion
