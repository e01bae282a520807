"""The metrics of an experiment, each a mean over outcomes, and the AUC.

===================  =========================================================  ======
metric               per outcome                                                better
===================  =========================================================  ======
``auc``              not a mean: see :mod:`.auc`                                higher
``log_loss``         ``-ln p(what happened)``, p clipped to [ε, 1 - ε]          lower
``brier``            two classes ``(p₁ - y)²``; more: ``Σ_c (p_c - y_c)²``      lower
``accuracy``         1 when the predicted label happened, else 0                higher
``absolute_error``   ``\\|prediction - outcome\\|``                             lower
``squared_error``    ``(prediction - outcome)²``                                lower
===================  =========================================================  ======

The Brier score of two classes is the half of Brier's own sum over classes ("Verification of forecasts
expressed in terms of probability", Monthly Weather Review 78, 1950), as users of scikit-learn know it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contender.domain.dataset import Task
from contender.domain.experiment.auc import auc_difference, auc_estimate, class_ranking
from contender.domain.experiment.difference import (
    Difference,
    cells,
    clustered_difference,
    stratified_difference,
)
from contender.domain.experiment.intervals import LEVEL, Estimate, mean_estimate, proportion_estimate
from contender.domain.experiment.table import Columns

LOG_LOSS_EPSILON = float(np.finfo(np.float32).eps)
"""Clip of the log loss: the models answer in float32, so a 0 or 1 of theirs means no more than this."""


class Metric(NamedTuple):
    """A metric's names and sense.

    Attributes:
        name: Key in files.
        label: For people.
        higher_is_better: Its direction.
    """

    name: str
    label: str
    higher_is_better: bool


AUC = Metric("auc", "AUC", higher_is_better=True)
LOG_LOSS = Metric("log_loss", "Log loss", higher_is_better=False)
BRIER = Metric("brier", "Brier score", higher_is_better=False)
ACCURACY = Metric("accuracy", "Accuracy", higher_is_better=True)
ABSOLUTE_ERROR = Metric("absolute_error", "Absolute error (MAE)", higher_is_better=False)
SQUARED_ERROR = Metric("squared_error", "Squared error (MSE)", higher_is_better=False)
RMSE = Metric("rmse", "Root mean squared error", higher_is_better=False)


class Comparison(NamedTuple):
    """A metric of both variants.

    Attributes:
        metric: Which.
        a: Of the requests assigned to A.
        b: Of those assigned to B.
        difference: B - A within epochs; ``None`` for ``rmse``, whose difference is judged as that of the
            squared error.
    """

    metric: Metric
    a: Estimate
    b: Estimate
    difference: Difference | None


def compare_all(columns: Columns, positive: int, level: float = LEVEL) -> tuple[Comparison, ...]:
    """Computes every metric that the records allow.

    Args:
        columns: The records.
        positive: Index of the positive class of two (ignored otherwise).
        level: Coverage of the intervals.

    Returns:
        For classification AUC, log loss and Brier score (with probabilities) and accuracy; for regression
        absolute and squared error and RMSE. Estimates are NaN without outcomes.
    """
    if columns.task is Task.REGRESSION:
        error = columns.predicted - columns.outcome
        squared = _compare_mean(columns, SQUARED_ERROR, np.square(error), level)
        rmse = Comparison(RMSE, _root(squared.a), _root(squared.b), None)
        return _compare_mean(columns, ABSOLUTE_ERROR, np.abs(error), level), squared, rmse
    found: list[Comparison] = []
    if columns.probabilities.shape[1] >= 2:
        found.append(_compare_auc(columns, positive, level))
        for metric, values in probability_losses(columns, positive):
            found.append(_compare_mean(columns, metric, values, level))
    hits = (columns.predicted == columns.outcome).astype(np.float64)
    found.append(_compare_mean(columns, ACCURACY, hits, level))
    return tuple(found)


def probability_losses(columns: Columns, positive: int) -> tuple[tuple[Metric, NDArray[np.float64]], ...]:
    """Log loss and Brier score per record, shape [n]; meaningless where there is no usable outcome."""
    p = columns.probabilities
    rows = np.arange(len(columns))
    happened = np.where(columns.usable, columns.outcome, 0).astype(np.intp)
    p_happened = p[rows, happened]
    log_loss = -np.log(np.clip(p_happened, LOG_LOSS_EPSILON, 1 - LOG_LOSS_EPSILON))
    if p.shape[1] == 2:
        brier = np.square(p[:, positive] - (happened == positive))
    else:
        brier = np.square(p).sum(axis=1) - 2 * p_happened + 1
    return (LOG_LOSS, log_loss), (BRIER, brier)


def scored(columns: Columns) -> NDArray[np.bool_]:
    """Records with a usable outcome and probabilities, shape [n]."""
    bare: NDArray[np.bool_] = np.isnan(columns.probabilities).any(axis=1)
    return columns.usable & ~bare


def _compare_mean(columns: Columns, metric: Metric, values: NDArray[np.float64], level: float) -> Comparison:
    keep = columns.usable & ~np.isnan(values)
    values, is_b, epochs = values[keep], columns.is_b[keep], columns.epoch[keep]
    estimate = proportion_estimate if metric is ACCURACY else mean_estimate
    if columns.units is None:
        difference = stratified_difference(cells(values, is_b, epochs), level)
        return Comparison(
            metric, estimate(values[~is_b], None, level), estimate(values[is_b], None, level), difference
        )
    units = columns.units[keep]
    return Comparison(
        metric,
        estimate(values[~is_b], units[~is_b], level),
        estimate(values[is_b], units[is_b], level),
        clustered_difference(values, is_b, epochs, units, level),
    )


def _compare_auc(columns: Columns, positive: int, level: float) -> Comparison:
    keep = scored(columns)
    p, outcome = columns.probabilities[keep], columns.outcome[keep].astype(np.intp)
    is_b, epochs = columns.is_b[keep], columns.epoch[keep]
    units = None if columns.units is None else columns.units[keep]
    arms = [
        auc_estimate(
            class_ranking(p[arm], outcome[arm], positive), None if units is None else units[arm], level
        )
        for arm in (~is_b, is_b)
    ]
    return Comparison(AUC, arms[0], arms[1], auc_difference(p, outcome, positive, is_b, epochs, units, level))


def _root(squared: Estimate) -> Estimate:
    """The root of a mean square: bounds by the monotone map, standard error by the delta method."""
    value = math.sqrt(squared.value)
    return Estimate(
        value,
        math.sqrt(max(0.0, squared.lower)),
        math.sqrt(squared.upper),
        squared.outcomes,
        squared.standard_error / (2 * value) if value > 0 else math.nan,
    )
