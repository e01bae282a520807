"""Domain classifier: can one tell from a whole row which window it comes from?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.stats import rankdata

from contender.domain.dataset import Kind
from contender.domain.drift.design import Design, make_design
from contender.domain.drift.results import ClassifierResult, Driver, Verdict
from contender.domain.drift.rows import SampledRows
from contender.domain.drift.settings import ClassifierSettings

_BLOCK = 100
"""Relabellings scored at a time: bounds the memory, never changes the result."""
_MINOR = 0.1
"""A feature with less than this share of the largest drop in AUC is noise, and not named."""


class _Fold(NamedTuple):
    test: NDArray[np.intp]
    hat: NDArray[np.float64]
    """Shape ``(terms, rows)``: labels ↦ coefficients; 0 for the rows of the test fold."""


def domain_classifier(
    reference: SampledRows,
    current: SampledRows,
    features: Mapping[str, Kind],
    settings: ClassifierSettings,
    generator: np.random.Generator,
) -> ClassifierResult:
    """Tests whether rows of two windows can be told apart, all columns together.

    A ridge regression of the label (which window) on the terms of ``make_design`` is fitted on all folds but
    one and scores that one; the AUC is averaged over folds. That regression is Newton's first step of a
    logistic one from zero (and Fisher's discriminant): where windows barely differ, which is where it
    matters, further steps gain nothing. In return it is linear in the labels, so that the whole procedure,
    folds and fits, is repeated for every relabelling at the price of a matrix product. Terms, folds and
    penalty do not look at the labels, so under no drift all labellings are equally likely and the p-value
    is exact for independent rows, whatever their distribution.

    What it sees that column-wise tests cannot: changed correlation of two numeric columns, and many small
    shifts that add up. What it cannot see: changes of how a categorical column goes with any other, of three
    columns at once, and of two numeric columns in ways that leave the mean product of their scores alone.

    Args:
        reference: Rows of the reference.
        current: Rows of the current window.
        features: Declared features and their kinds.
        settings: Thresholds and sizes.
        generator: Source of randomness; the same state gives the same result.

    Returns:
        The result.

    References:
        Friedman (2003), On multivariate goodness-of-fit and two-sample testing, PHYSTAT. Lopez-Paz and
        Oquab (2017), Revisiting classifier two-sample tests, ICLR. Phipson and Smyth (2010), Permutation
        p-values should never be zero, Statistical Applications in Genetics and Molecular Biology 9.
    """
    reference = reference.at_most(settings.rows, generator)
    current = current.at_most(settings.rows, generator)
    least = settings.min_rows
    if min(reference.rows, current.rows) < least:
        reason = f"The columns together need at least {least:,} rows of each window."
        return _untested(reason, reference, current, (), settings)
    design = make_design(reference, current, features, settings.pair_columns, settings.categories, generator)
    if not design.terms:
        reason = "No column varies, so there is nothing to tell the windows apart by."
        return _untested(reason, reference, current, design.left_out, settings, Verdict.NO_DRIFT)
    share = current.rows / (reference.rows + current.rows)
    labels = np.repeat([-share, 1 - share], [reference.rows, current.rows])  # sum to 0
    folds = _fit(design.matrix, settings.folds, settings.ridge, generator)
    auc = float(_aucs(design.matrix, labels[:, np.newaxis], folds)[0])
    reached = 1
    for start in range(0, settings.relabellings, _BLOCK):
        count = min(_BLOCK, settings.relabellings - start)
        shuffled = generator.permuted(np.repeat(labels[:, np.newaxis], count, axis=1), axis=0)
        reached += int((_aucs(design.matrix, shuffled, folds) >= auc - 1e-12).sum())
    p_value = reached / (settings.relabellings + 1)
    drifted = p_value <= settings.alpha and auc >= settings.auc_threshold
    drivers = _drivers(design, labels, folds, auc, settings, generator) if drifted else ()
    return ClassifierResult(
        verdict=Verdict.DRIFT if drifted else Verdict.NO_DRIFT,
        reason=_reason(auc, p_value, drifted, drivers, settings),
        auc=auc,
        p_value=p_value,
        threshold=settings.auc_threshold,
        reference_rows=reference.rows,
        current_rows=current.rows,
        drivers=drivers,
        left_out=design.left_out,
    )


def _fit(
    matrix: NDArray[np.float64], folds: int, ridge: float, generator: np.random.Generator
) -> list[_Fold]:
    rows = matrix.shape[0]
    fitted = []
    for test in np.array_split(generator.permutation(rows), folds):
        train = matrix.copy()
        train[test] = 0.0  # the terms are centred, so this leaves the rows out and needs no intercept
        gram = train.T @ train
        gram[np.diag_indices_from(gram)] += ridge * rows
        fitted.append(_Fold(test, cho_solve(cho_factor(gram), train.T)))
    return fitted


def _aucs(
    matrix: NDArray[np.float64], labels: NDArray[np.float64], folds: list[_Fold]
) -> NDArray[np.float64]:
    """AUC of each labelling; ``labels`` has the shape ``(rows, labellings)``."""
    return _mean_auc([matrix[fold.test] @ (fold.hat @ labels) for fold in folds], labels, folds)


def _mean_auc(
    scores: list[NDArray[np.float64]], labels: NDArray[np.float64], folds: list[_Fold]
) -> NDArray[np.float64]:
    total = np.zeros(labels.shape[1])
    for score, fold in zip(scores, folds, strict=True):
        new = labels[fold.test] > 0
        n = new.sum(axis=0)
        pairs = n * (fold.test.size - n)
        wins = (rankdata(score, axis=0) * new).sum(axis=0) - n * (n + 1) / 2
        # A fold of one window only tells nothing; with min_rows of each it practically never occurs.
        total += np.divide(wins, pairs, out=np.full(n.size, 0.5), where=pairs > 0)
    return total / len(folds)


def _drivers(
    design: Design,
    labels: NDArray[np.float64],
    folds: list[_Fold],
    auc: float,
    settings: ClassifierSettings,
    generator: np.random.Generator,
) -> tuple[Driver, ...]:
    column = labels[:, np.newaxis]
    coefficients = [fold.hat @ column for fold in folds]
    scores = [design.matrix[fold.test] @ c for fold, c in zip(folds, coefficients, strict=True)]
    order = generator.permutation(design.matrix.shape[0])
    found = []
    for name in design.features:
        terms, values = design.shuffled(name, order)
        change = values - design.matrix[:, terms]
        moved = [
            score + change[fold.test] @ c[terms]
            for score, fold, c in zip(scores, folds, coefficients, strict=True)
        ]
        found.append(Driver(name, auc - float(_mean_auc(moved, column, folds)[0])))
    found.sort(key=lambda driver: (-driver.auc_drop, driver.name))
    least = max(0.0, found[0].auc_drop * _MINOR)
    return tuple(driver for driver in found[: settings.drivers] if driver.auc_drop > least)


def _reason(
    auc: float, p_value: float, drifted: bool, drivers: tuple[Driver, ...], settings: ClassifierSettings
) -> str:
    told = f"AUC = {auc:.3f}, threshold {settings.auc_threshold:.3g}, p = {p_value:.2g}"
    if drifted:
        names = ", ".join(driver.name for driver in drivers[:3])
        by = f", above all by {names}" if names else ""
        return f"Rows of the two windows can be told apart ({told}){by}."
    if auc >= settings.auc_threshold:
        return f"Rows of the two windows can perhaps be told apart, but it may be chance ({told})."
    return f"Rows of the two windows can hardly be told apart, all columns together ({told})."


def _untested(
    reason: str,
    reference: SampledRows,
    current: SampledRows,
    left_out: tuple[str, ...],
    settings: ClassifierSettings,
    verdict: Verdict = Verdict.INSUFFICIENT_DATA,
) -> ClassifierResult:
    return ClassifierResult(
        verdict, reason, None, None, settings.auc_threshold, reference.rows, current.rows, (), left_out
    )
