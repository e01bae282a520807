"""Every metric of both variants and its difference, at a fixed horizon, from a log that is read in parts."""

from __future__ import annotations

import math

import numpy as np

from contender.domain.dataset import Task
from contender.domain.experiment.auc import AucComparison
from contender.domain.experiment.columns import Columns, Order
from contender.domain.experiment.difference import (
    Cell,
    Influence,
    cells,
    merged_cells,
    stratified_difference,
)
from contender.domain.experiment.intervals import (
    LEVEL,
    Estimate,
    UnitSums,
    mean_estimate,
    proportion_estimate,
)
from contender.domain.experiment.log import Log
from contender.domain.experiment.metrics import (
    ACCURACY,
    AUC,
    METRICS,
    RMSE,
    Comparison,
    Metric,
    outcome_scores,
    scored,
)
from contender.domain.experiment.moments import Moments


def compare_all(log: Log, positive: int, level: float = LEVEL) -> tuple[Comparison, ...]:
    """Computes every metric that the records allow, each at a fixed horizon.

    The log is read once for sums, and once more for the errors of the AUC and of units that repeat: what one
    record adds to these follows from the sums of all.

    Args:
        log: The records.
        positive: Index of the positive class of two (ignored otherwise).
        level: Coverage of the intervals.

    Returns:
        For classification log loss and Brier score (with probabilities), accuracy and AUC; for regression
        absolute and squared error and RMSE; the custom value where a record has one. Estimates are NaN
        without outcomes.
    """
    strata: dict[str, list[Cell]] = {}
    auc: AucComparison | None = None
    for part in log.batches(Order.ANY):
        for scores in outcome_scores(part):
            keep = ~np.isnan(scores.served)
            found = cells(scores.served[keep], part.is_b[keep], part.epoch[keep])
            strata[scores.metric.name] = merged_cells([strata.get(scores.metric.name, []), found])
        if log.task is Task.CLASSIFICATION and part.probabilities.shape[1] >= 2:
            auc = auc or AucComparison(len(log.classes), positive)
            keep = scored(part)
            auc.count(
                part.probabilities[keep],
                part.outcome[keep].astype(np.intp),
                part.is_b[keep],
                part.epoch[keep],
            )
    sums = _errors(log, strata, auc)
    metrics = [metric for name, metric in METRICS.items() if name in strata]
    compared = [_compared(metric, strata[metric.name], sums, log.clustered, level) for metric in metrics]
    if log.task is Task.REGRESSION:
        squared = compared[1]
        compared.insert(2, Comparison(RMSE, _root(squared.a), _root(squared.b), None))
    elif auc is not None:
        a, b = (auc.estimate(arm, sums.of(f"auc {name}"), level) for name, arm in (("a", False), ("b", True)))
        gap = auc.difference(sums.of("auc difference"), level)
        compared.insert(3, Comparison(AUC, a, b, gap, auc.bound))
    return tuple(compared)


def _errors(log: Log, strata: dict[str, list[Cell]], auc: AucComparison | None) -> UnitSums:
    """What needs a second reading: errors of the AUC, and where units repeat those of the means."""
    sums = UnitSums()
    if auc is None and not log.clustered:
        return sums
    influence = {name: Influence(found) for name, found in strata.items()}
    means = {name: tuple(_both(found)) for name, found in strata.items()}
    for part in log.batches(Order.UNIT if log.clustered else Order.ANY):
        if log.clustered:
            for scores in outcome_scores(part):
                name, keep = scores.metric.name, ~np.isnan(scores.served)
                values, kept = scores.served[keep], part.take(keep)
                told, which = influence[name].of(values, kept.is_b, kept.epoch)
                sums.add(f"{name} difference", told, kept.unit[which])
                for arm, (side, mine) in zip(means[name], (("a", ~kept.is_b), ("b", kept.is_b)), strict=True):
                    its = (values[mine] - arm.mean) / max(arm.count, 1)
                    sums.add(f"{name} {side}", its, kept.unit[mine])
        if auc is not None:
            _add_auc(sums, auc, part.take(scored(part)), log.clustered)
    return sums


def _add_auc(sums: UnitSums, auc: AucComparison, part: Columns, clustered: bool) -> None:
    outcomes = part.outcome.astype(np.intp)
    for name, influence, keep in auc.influences(part.probabilities, outcomes, part.is_b, part.epoch):
        sums.add(f"auc {name}", influence, part.unit[keep] if clustered else None)


def _both(strata: list[Cell]) -> tuple[Moments, Moments]:
    a, b = Moments(), Moments()
    for cell in strata:
        a, b = a.merge(cell.a), b.merge(cell.b)
    return a, b


def _compared(
    metric: Metric, strata: list[Cell], sums: UnitSums, clustered: bool, level: float
) -> Comparison:
    estimate = proportion_estimate if metric is ACCURACY else mean_estimate
    a, b = (
        estimate(moments, sums.of(f"{metric.name} {side}") if clustered else None, level)
        for moments, side in zip(_both(strata), "ab", strict=True)
    )
    clusters = sums.of(f"{metric.name} difference") if clustered else None
    return Comparison(metric, a, b, stratified_difference(strata, level, clusters))


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
