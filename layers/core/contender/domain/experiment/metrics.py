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
``value``            what feedback says that the request was worth              higher
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
from contender.domain.experiment.columns import Columns
from contender.domain.experiment.difference import Difference
from contender.domain.experiment.intervals import Estimate

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
VALUE = Metric("value", "Value per request", higher_is_better=True)
METRICS = {
    metric.name: metric for metric in (LOG_LOSS, BRIER, ACCURACY, ABSOLUTE_ERROR, SQUARED_ERROR, VALUE)
}
"""Those that are a mean over outcomes, so that they can decide."""


class Comparison(NamedTuple):
    """A metric of both variants.

    Attributes:
        metric: Which.
        a: Of the requests assigned to A.
        b: Of those assigned to B.
        difference: B - A within epochs; ``None`` for ``rmse``, whose difference is judged as that of the
            squared error.
        bound: How far the values may be from the exact ones, at most; 0 for all but the AUC of very many
            different scores (:mod:`.auc`).
    """

    metric: Metric
    a: Estimate
    b: Estimate
    difference: Difference | None
    bound: float = 0.0


class Scores(NamedTuple):
    """A metric of each record.

    Attributes:
        metric: Which.
        served: Shape [n], of the answer that was served; NaN where there is no usable outcome.
        shadow: Shape [n], what the variant that did not serve would have scored, if the outcome were the
            same; NaN also where it was not asked. ``None`` where that makes no sense.
    """

    metric: Metric
    served: NDArray[np.float64]
    shadow: NDArray[np.float64] | None


def outcome_scores(columns: Columns) -> tuple[Scores, ...]:
    """Scores every record by every metric that is a mean, the default primary metric first."""
    found: list[Scores] = []
    usable, shadowed = columns.usable, columns.usable & columns.has_shadow
    if columns.task is Task.REGRESSION:
        errors = [
            np.where(where, predicted - columns.outcome, math.nan)
            for where, predicted in ((usable, columns.predicted), (shadowed, columns.shadow_predicted))
        ]
        found += [
            Scores(ABSOLUTE_ERROR, np.abs(errors[0]), np.abs(errors[1])),
            Scores(SQUARED_ERROR, np.square(errors[0]), np.square(errors[1])),
        ]
    else:
        if columns.probabilities.shape[1] >= 2:
            happened = np.where(usable, columns.outcome, 0).astype(np.intp)
            served = _probability_losses(columns.probabilities, happened, usable)
            shadow: list[NDArray[np.float64]] | list[None] = [None, None]
            if columns.shadow_probabilities.shape[1] >= 2:
                shadow = _probability_losses(columns.shadow_probabilities, happened, shadowed)
            found += [
                Scores(metric, own, other)
                for metric, own, other in zip((LOG_LOSS, BRIER), served, shadow, strict=True)
            ]
        hits = [
            np.where(where, (predicted == columns.outcome).astype(np.float64), math.nan)
            for where, predicted in ((usable, columns.predicted), (shadowed, columns.shadow_predicted))
        ]
        found.append(Scores(ACCURACY, *hits))
    if np.isfinite(columns.value).any():
        found.append(Scores(VALUE, columns.value, None))
    return tuple(found)


def _probability_losses(
    p: NDArray[np.float64], happened: NDArray[np.intp], where: NDArray[np.bool_]
) -> list[NDArray[np.float64]]:
    """Log loss and Brier score; NaN outside of ``where``."""
    p_happened = np.where(where, p[np.arange(happened.size), happened], math.nan)
    log_loss = -np.log(np.clip(p_happened, LOG_LOSS_EPSILON, 1 - LOG_LOSS_EPSILON))
    whole = np.square(p).sum(axis=1) - 2 * p_happened + 1
    return [log_loss, np.square(1 - p_happened) if p.shape[1] == 2 else whole]


def scored(columns: Columns) -> NDArray[np.bool_]:
    """Records with a usable outcome and probabilities, shape [n]."""
    bare: NDArray[np.bool_] = np.isnan(columns.probabilities).any(axis=1)
    return columns.usable & ~bare


def score_of(columns: Columns, metric: Metric) -> NDArray[np.float64]:
    """One metric of each record, shape [n]; NaN where there is none."""
    for scores in outcome_scores(columns):
        if scores.metric is metric:
            return scores.served
    return np.full(len(columns), math.nan)
