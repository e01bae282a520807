"""The gate: whether a new model may challenge the champion at all.

Both are scored on the same rows, which neither was trained on. Only a challenger that is clearly worse is
turned away: whether it is *better* is for the A/B test to say, on real traffic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contender.domain.dataset import Task
from contender.domain.release import Label

PROBABILITY_FLOOR = 1e-6
"""Smallest probability that a truth is scored with. A class that a model has never seen gets it, so that
one row costs at most -ln(1e-6) = 13.8 instead of infinity."""

_CELLS = 2_000_000
"""Row indices drawn at once: keeps the bootstrap's memory at 16 MB whatever the number of rows."""


class GateVerdict(StrEnum):
    """What the gate says."""

    FIRST = "first"
    """There is no champion: the model becomes it."""
    PASSED = "passed"
    REJECTED = "rejected"
    """Clearly worse than the champion."""


@dataclass(frozen=True, slots=True)
class GateSettings:
    """How the gate judges.

    Attributes:
        confidence: Confidence of the interval of the difference, in (0, 1). At 0.95 a challenger that is
            truly as good as the champion is turned away about once in 40 times.
        resamples: Bootstrap resamples; 1,000 puts about 25 beyond each end of a 95 % interval, which is
            what a percentile needs to be steady (Efron and Tibshirani 1993, section 19.3).
        min_rows: Fewest holdout rows on which a challenger may be turned away; below, an interval says
            more about chance than about the models.
    """

    confidence: float = 0.95
    resamples: int = 1_000
    min_rows: int = 30


@dataclass(frozen=True, slots=True)
class GateResult:
    """What the gate found.

    Attributes:
        verdict: What it says.
        reason: The same in plain English, with the figures.
        metric: ``log_loss`` or ``squared_error``, lower is better: the mean loss per row.
        challenger: The challenger's mean loss; NaN without rows.
        champion: The champion's; ``None`` when there is none or it could not be scored.
        difference: Challenger minus champion; positive when the challenger is worse.
        low: Lower end of the interval of the difference.
        high: Upper end.
        confidence: Confidence of that interval.
        rows: Holdout rows.
    """

    verdict: GateVerdict
    reason: str
    metric: str
    challenger: float
    champion: float | None
    difference: float | None
    low: float | None
    high: float | None
    confidence: float
    rows: int

    @property
    def may_serve(self) -> bool:
        """Whether the model gets an alias."""
        return self.verdict is not GateVerdict.REJECTED

    def to_dict(self) -> Mapping[str, object]:
        """Gives plain JSON types."""
        return {
            "verdict": self.verdict.value,
            "reason": self.reason,
            "metric": self.metric,
            "challenger": None if np.isnan(self.challenger) else self.challenger,
            "champion": self.champion,
            "difference": self.difference,
            "low": self.low,
            "high": self.high,
            "confidence": self.confidence,
            "rows": self.rows,
        }


def gate_metric(task: Task) -> str:
    """Names the loss that the gate compares.

    Log loss for classification: it is a proper scoring rule (Gneiting and Raftery 2007), a mean over rows,
    so that it can be compared row by row, and it sees a model whose probabilities went wrong while their
    order stayed right, which AUC does not. Squared error for regression, for the same reasons.
    """
    return "log_loss" if task is Task.CLASSIFICATION else "squared_error"


def log_loss_rows(
    truth: Sequence[Label],
    classes: Sequence[Label],
    probabilities: NDArray[np.floating[Any]],
    floor: float = PROBABILITY_FLOOR,
) -> NDArray[np.float64]:
    """Gives each row's log loss: minus the natural log of the probability that its true class got.

    Args:
        truth: True labels, n of them; classes that the model does not know are allowed.
        classes: The model's labels, k of them.
        probabilities: Shape (n, k), columns in the order of ``classes``; each row sums to 1.
        floor: Smallest probability that a truth is scored with, in (0, 1).

    Returns:
        Shape (n,): in [0, -ln(floor)]; a truth that the model does not know costs -ln(floor).

    Raises:
        ValueError: When the shapes do not fit.
    """
    if probabilities.shape != (len(truth), len(classes)):
        raise ValueError(
            f"probabilities have shape {probabilities.shape}, expected {(len(truth), len(classes))}"
        )
    # As text: one model may have learned labels as numbers and the other as texts.
    column_of = {str(label): column for column, label in enumerate(classes)}
    columns = np.array([column_of.get(str(label), -1) for label in truth], dtype=np.intp)
    known = columns >= 0
    given = np.zeros(len(truth), dtype=np.float64)
    given[known] = probabilities[np.flatnonzero(known), columns[known]]
    losses: NDArray[np.float64] = -np.log(np.clip(np.nan_to_num(given), floor, 1.0))
    return losses + 0.0  # turns -0.0 into 0.0


def squared_error_rows(
    truth: NDArray[np.floating[Any]], predicted: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """Gives each row's squared error; both arguments have shape (n,)."""
    errors: NDArray[np.float64] = np.asarray(predicted, np.float64) - np.asarray(truth, np.float64)
    return errors**2


def without_champion(
    metric: str,
    challenger: NDArray[np.float64],
    reason: str,
    verdict: GateVerdict = GateVerdict.PASSED,
    settings: GateSettings | None = None,
) -> GateResult:
    """Lets a model through that cannot be compared.

    Args:
        metric: See :func:`gate_metric`.
        challenger: Its loss per row.
        reason: Why there is nothing to compare with, in plain English.
        verdict: ``FIRST`` when there is no champion, ``PASSED`` when it cannot be scored on these rows.
        settings: How the gate judges.

    Returns:
        A result without figures of a champion.
    """
    confidence = (settings or GateSettings()).confidence
    mean = float(challenger.mean()) if len(challenger) else float("nan")
    return GateResult(verdict, reason, metric, mean, None, None, None, None, confidence, len(challenger))


def judge(
    metric: str,
    challenger: NDArray[np.float64],
    champion: NDArray[np.float64],
    rng: np.random.Generator,
    settings: GateSettings | None = None,
) -> GateResult:
    """Compares the models by a paired percentile bootstrap of the mean difference of their losses.

    Paired, because most of a row's loss is the row's own doing and cancels in the difference. Rows are
    resampled as if they were independent.

    Args:
        metric: See :func:`gate_metric`.
        challenger: Its loss per row, shape (n,).
        champion: The champion's loss on the same rows.
        rng: Source of the resamples.
        settings: How the gate judges.

    Returns:
        ``REJECTED`` when the whole interval lies above zero, ``PASSED`` otherwise, with too few rows too.

    Raises:
        ValueError: When the arguments differ in length.
    """
    settings = settings or GateSettings()
    if challenger.shape != champion.shape:
        raise ValueError(f"losses of {len(challenger)} and {len(champion)} rows cannot be paired")
    rows = len(challenger)
    if rows == 0:
        return without_champion(metric, challenger, "the holdout has no rows", settings=settings)
    differences = challenger - champion
    means = _resampled_means(differences, settings.resamples, rng)
    tail = (1 - settings.confidence) / 2
    low, high = (float(end) for end in np.quantile(means, (tail, 1 - tail)))
    mean, theirs, difference = float(challenger.mean()), float(champion.mean()), float(differences.mean())
    verdict = GateVerdict.PASSED
    name = metric.replace("_", " ")
    figures = (
        f"{name} {mean:.4g} against the champion's {theirs:.4g} on {rows} rows, difference "
        f"{difference:+.4g} ({settings.confidence:.0%} interval {low:+.4g} to {high:+.4g})"
    )
    if rows < settings.min_rows:
        reason = f"may challenge: {rows} holdout rows are too few to turn a model away; {figures}"
    elif low > 0:
        verdict = GateVerdict.REJECTED
        reason = f"clearly worse than the champion: {figures}"
    else:
        better = "clearly better" if high < 0 else "not clearly worse"
        reason = f"may challenge, {better}: {figures}"
    return GateResult(verdict, reason, metric, mean, theirs, difference, low, high, settings.confidence, rows)


def _resampled_means(
    values: NDArray[np.float64], resamples: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    means = np.empty(resamples)
    step = max(1, _CELLS // len(values))
    for start in range(0, resamples, step):
        count = min(step, resamples - start)
        means[start : start + count] = values[rng.integers(0, len(values), (count, len(values)))].mean(axis=1)
    return means
