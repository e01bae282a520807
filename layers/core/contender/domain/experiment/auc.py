"""Area under the ROC curve with DeLong's interval, for two classes and for many.

The AUC is the chance that a random positive scores above a random negative (ties count half). Its
variance comes from each outcome's *placement*: the share of the other side that it beats. DeLong, DeLong and
Clarke-Pearson, "Comparing the areas under two or more correlated ROC curves", Biometrics 44 (1988); by ranks,
in O(n log n): Sun and Xu, "Fast implementation of DeLong's algorithm", IEEE Signal Processing Letters 21
(2014).

For more than two classes: the unweighted mean of the one-vs-rest AUCs of the classes that occur. An outcome
plays a part in every class's curve, so its placements are summed over classes before they are squared: the
interval takes the curves' correlation into account. With two classes both ways agree exactly.

Everything is computed from how often each score occurs among positives and negatives, which is counted in
one pass (:mod:`.tally`). Where there are more different scores than a tally keeps, they are rounded; a pair
that rounding makes equal counts half instead of not at all or whole, so the AUC is off by at most half the
share of such pairs, ``½ Σ h_k m_k / (H M)``: the *bound*.

Where units repeat, placements are summed by unit: Obuchowski, "Nonparametric analysis of clustered ROC curve
data", Biometrics 53 (1997).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from contender.domain.experiment.difference import Difference, conclude, information, none_comparable
from contender.domain.experiment.intervals import LEVEL, Clusters, Estimate, unknown, z_quantile
from contender.domain.experiment.tally import Counts, Tally

MIN_PER_CLASS = 5
"""Outcomes of each class that each variant needs in an epoch for the epoch to enter a difference of AUCs:
with fewer, the two classes are separated by chance too often, and the variance estimate is then 0."""


class Curve:
    """A ROC curve, by the scores that occur.

    Args:
        hits: Scores where the outcome is the positive class.
        misses: The others.
        rounded: Whether equal scores may have been different.

    Attributes:
        value: The AUC; NaN when a side is empty.
        bound: By how much rounding may have moved ``value``, at most.
    """

    def __init__(self, hits: Counts, misses: Counts, *, rounded: bool = False) -> None:
        self._scores = np.union1d(hits.values, misses.values)
        h, m = np.zeros(self._scores.size), np.zeros(self._scores.size)
        h[np.searchsorted(self._scores, hits.values)] = hits.counts
        m[np.searchsorted(self._scores, misses.values)] = misses.counts
        self._hits, self._misses = int(h.sum()), int(m.sum())
        self.value, self.bound = math.nan, 0.0
        if self._hits and self._misses:
            self._beaten = (np.cumsum(m) - m / 2) / self._misses
            self._not_beaten_by = 1 - (np.cumsum(h) - h / 2) / self._hits
            self.value = float(np.dot(h, self._beaten)) / self._hits
            if rounded:
                self.bound = float(np.dot(h, m)) / self._hits / self._misses / 2

    def influence(self, scores: NDArray[np.float64], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
        """What each outcome adds to the error: over all, the sum of squares estimates the variance.

        Args:
            scores: Shape [n], of the counted ones.
            positive: Shape [n].

        Returns:
            Shape [n]; zeros when a side is empty. A side of one outcome adds no variance.
        """
        if math.isnan(self.value):
            return np.zeros(scores.size)
        at = np.searchsorted(self._scores, scores)
        m, n = self._hits, self._misses
        return np.where(
            positive,
            (self._beaten[at] - self.value) / math.sqrt(m * max(m - 1, 1)),
            (self._not_beaten_by[at] - self.value) / math.sqrt(n * max(n - 1, 1)),
        )


class ClassCurves:
    """Curves of a classifier: of the positive class when there are two, else one against the rest for each
    class that occurs.

    Args:
        curves: Class index → its curve.

    Attributes:
        value: The AUC, their unweighted mean; NaN when fewer than two classes occur.
        bound: As of :class:`Curve`.
    """

    def __init__(self, curves: dict[int, Curve]) -> None:
        self._curves = curves
        self.value = float(np.mean([curve.value for curve in curves.values()])) if curves else math.nan
        self.bound = float(np.mean([curve.bound for curve in curves.values()])) if curves else 0.0

    def influence(self, scores: NDArray[np.float64], outcomes: NDArray[np.intp]) -> NDArray[np.float64]:
        """As of :class:`Curve`; scores of shape [n, classes], class indices of shape [n]."""
        total = np.zeros(outcomes.size)
        for label, curve in self._curves.items():
            total += curve.influence(scores[:, label], outcomes == label)
        return total / max(len(self._curves), 1)


class AucComparison:
    """The AUC of both variants and its difference, post-stratified by epoch as in :mod:`.difference`.

    All outcomes are given to :meth:`count`; then all once more to :meth:`influences`, whose squares are
    summed up outside, by units where these repeat; then there are the estimates.

    Args:
        classes: How many.
        positive: Index of the positive class of two; used with two classes only.
        limit: Of the tally.
    """

    def __init__(self, classes: int, positive: int, limit: int | None = None) -> None:
        self._labels = [positive] if classes == 2 else list(range(classes))
        self._tally = Tally() if limit is None else Tally(limit)
        self._outcomes: Counter[tuple[int, bool, int]] = Counter()  # by epoch, variant, class
        self._arms: dict[bool, ClassCurves] = {}
        self._cells: dict[tuple[int, bool], ClassCurves] = {}
        self._weights: dict[int, float] = {}

    def count(
        self,
        scores: NDArray[np.float64],
        outcomes: NDArray[np.intp],
        is_b: NDArray[np.bool_],
        epochs: NDArray[np.int64],
    ) -> None:
        """Takes in outcomes: scores of shape [n, classes] without NaN, class indices, variants and epochs."""
        for epoch in np.unique(epochs):
            for arm in (False, True):
                here = (epochs == epoch) & (is_b == arm)
                p, happened = scores[here], outcomes[here]
                for label, count in zip(*np.unique(happened, return_counts=True), strict=True):
                    self._outcomes[int(epoch), arm, int(label)] += int(count)
                for label in self._labels:
                    for hit in (False, True):
                        self._tally.add((int(epoch), arm, label, hit), p[(happened == label) == hit, label])

    def influences(
        self,
        scores: NDArray[np.float64],
        outcomes: NDArray[np.intp],
        is_b: NDArray[np.bool_],
        epochs: NDArray[np.int64],
    ) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.bool_]]]:
        """Gives what outcomes add to the errors of ``a``, ``b`` and ``difference``, and which they are."""
        self._close()
        scores = self._tally.rounded(scores)
        for arm, name in ((False, "a"), (True, "b")):
            keep = is_b == arm
            yield name, self._arms[arm].influence(scores[keep], outcomes[keep]), keep
        keep = np.isin(epochs, list(self._weights))
        told = np.zeros(outcomes.size)
        for (epoch, arm), curves in self._cells.items():
            here = (epochs == epoch) & (is_b == arm)
            sign = self._weights[epoch] * (1 if arm else -1)
            told[here] = sign * curves.influence(scores[here], outcomes[here])
        yield "difference", told[keep], keep

    def estimate(self, arm: bool, clusters: Clusters, level: float = LEVEL) -> Estimate:
        """AUC of a variant with DeLong's interval, cut to [0, 1]; without one where the classes are
        perfectly separated, since the variance estimate is then 0 and would claim certainty."""
        self._close()
        value = self._arms[arm].value
        count = sum(n for (_, of_b, _), n in self._outcomes.items() if of_b == arm)
        if not clusters.variance > 0:
            return unknown(count, value)
        error = math.sqrt(clusters.variance)
        half = z_quantile(level) * error
        return Estimate(value, max(0.0, value - half), min(1.0, value + half), count, error)

    def difference(self, clusters: Clusters, level: float = LEVEL) -> Difference:
        """AUC of B less AUC of A, independent samples, with a normal interval; epochs in which a variant
        lacks ``MIN_PER_CLASS`` outcomes of a class are left out and counted."""
        self._close()
        epochs = {epoch for epoch, _, _ in self._outcomes}
        total = sum(n for (epoch, _, _), n in self._outcomes.items() if epoch in self._weights)
        dropped = sum(self._outcomes.values()) - total
        if not self._weights:
            return none_comparable(len(epochs), dropped)
        value = sum(
            weight * (self._cells[epoch, True].value - self._cells[epoch, False].value)
            for epoch, weight in self._weights.items()
        )
        used = len(self._weights)
        return conclude(value, clusters.variance, math.inf, total, used, len(epochs) - used, dropped, level)

    @property
    def bound(self) -> float:
        """By how much rounding may have moved either AUC or their difference, at most; 0 when nothing was
        rounded."""
        self._close()
        apart = sum(self._weights[epoch] * curves.bound for (epoch, _), curves in self._cells.items())
        return max(apart, *(curves.bound for curves in self._arms.values()))

    def _close(self) -> None:
        if self._arms:
            return
        epochs = sorted({epoch for epoch, _, _ in self._outcomes})
        self._arms = {arm: self._curves(epochs, arm) for arm in (False, True)}
        needed = {label for _, _, label in self._outcomes}
        told = {
            epoch: information(*(self._total(epoch, arm) for arm in (False, True)))
            for epoch in epochs
            if len(needed) >= 2
            and all(
                self._outcomes[epoch, arm, label] >= MIN_PER_CLASS
                for arm in (False, True)
                for label in needed
            )
        }
        self._weights = {epoch: weight / sum(told.values()) for epoch, weight in told.items()}
        self._cells = {(epoch, arm): self._curves([epoch], arm) for epoch in told for arm in (False, True)}

    def _total(self, epoch: int, arm: bool) -> int:
        return sum(n for (its, of_b, _), n in self._outcomes.items() if (its, of_b) == (epoch, arm))

    def _curves(self, epochs: list[int], arm: bool) -> ClassCurves:
        happened = {label for epoch, of_b, label in self._outcomes if of_b == arm and epoch in epochs}
        if len(happened) < 2:
            return ClassCurves({})
        rounded = self._tally.relative_error > 0

        def scores(label: int, hit: bool) -> Counts:
            return self._tally.counts(*((epoch, arm, label, hit) for epoch in epochs))

        labels = self._labels if len(self._labels) == 1 else sorted(happened)
        return ClassCurves(
            {label: Curve(scores(label, True), scores(label, False), rounded=rounded) for label in labels}
        )
