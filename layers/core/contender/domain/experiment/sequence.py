"""Confidence sequences: intervals that hold at all times together, so that one may look whenever one likes.

The estimate is a ratio ``Δ = Σ xᵢ / Σ wᵢ`` whose increments ``xᵢ - wᵢ Δᵢ`` are martingale differences:
given all that came before, each is 0 on average. Then, with ``V = Σ (xᵢ - wᵢ Δ)²``::

    Δ ± se · k(q),   se = √V / Σ wᵢ,   k(q) = √( 2 (1 + 1/q) ln( √(1 + q) / α ) ),   q = c · Σ wᵢ / W*

holds simultaneously for all sample sizes with probability 1 - α. This is the asymptotic confidence sequence
of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic
confidence sequences", Annals of Statistics 52 (2024), in its form for martingale differences whose means
and variances may change: a normal mixture in the manner of Robbins, with ``ρ² V = q``. ``W*`` is the amount
of data for which it is made narrowest, by ``c = -W₋₁(-α²/e) - 1`` (W₋₁ is Lambert's; k is least where q =
c, and there k² = 1 + c). At 95 % k is 3.04 there, against the 1.96 of an interval that may be looked at
once. Asymptotic means: as exact as the central limit theorem is, so it is not used below a minimum number
of outcomes, and its rates are shown by simulation.

Two kinds of increments are used.

*Served* (A/B): ``x = (Z - p)(Y - m)``, ``w = p (1 - p)``, where Z says whether the request was B's, p is
the probability of that, known because the split was in force, Y the outcome's score, and m a forecast of Y
from earlier outcomes only. Since Z is drawn with p whatever else happens, ``E[x] = w (E[Y|B] - E[Y|A])``
for *every* request: neither a moving split nor a moving world can bias it, whoever moves them and for
whatever reason, so no strata need be formed; it equals the comparison within epochs, weighted by each
epoch's information n p (1 - p). That weight is the least noisy for a constant effect and stays bounded as p
goes to 0 or 1, where inverse probability weights explode (overlap weights: Li, Morgan and Zaslavsky,
"Balancing covariates via propensity score weighting", JASA 113, 2018; residualising: Robinson,
"Root-N-consistent semiparametric regression", Econometrica 56, 1988). If the effect itself changes, it
estimates its mean with these weights.

*Paired* (shadow): ``x = score(B) - score(A)`` on the same request, ``w = 1``.

Requests of one unit share Z. Their increments are summed by unit before they are squared, in ``GROUPS``
random groups of units, so that the state has one size whatever the number of units (random groups: Wolter,
"Introduction to Variance Estimation", 2007, chapter 2). Their sums are not martingale differences; but they
are positively correlated over time, and then looks resemble each other more than the sequence allows for
(Slepian's inequality): it errs on the safe side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import signal, special

from contender.domain.experiment.intervals import z_quantile

GROUPS = 1024
"""Random groups of units: the variance is then known to √(2/1024) = 4 %, the interval's width to 2 %."""

MEMORY = 1000
"""Outcomes over which the forecast of a score forgets: few enough to follow a world that moves within days,
so many that its own noise adds only 1/2000 to the variance. It can only cost width, never validity."""

_FORGET = 1 - 1 / MEMORY


class SequenceInterval(NamedTuple):
    """An estimate with the interval for all looks and the one for a single look.

    Attributes:
        value: B - A; NaN without data.
        lower: Lower end of the confidence sequence; NaN where there is no variance yet.
        upper: Its upper end.
        fixed_lower: Lower end of the interval that holds for one look at a time fixed beforehand.
        fixed_upper: Its upper end.
        standard_error: Of ``value``.
        outcomes: How many are behind it.
        information: ``Σ w``.
    """

    value: float
    lower: float
    upper: float
    fixed_lower: float
    fixed_upper: float
    standard_error: float
    outcomes: int
    information: float


class Forecast(NamedTuple):
    """A mean that forgets: sum and count of earlier scores, both discounted."""

    total: float = 0.0
    weight: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class RunningEstimate:
    """Sufficient statistics of a confidence sequence; those of two parts merge into those of the whole.

    Attributes:
        count: Outcomes.
        x: ``Σ x``.
        w: ``Σ w``.
        xx: ``Σ x²`` over requests that are units of their own.
        xw: ``Σ x w`` over the same.
        ww: ``Σ w²`` over the same.
        groups: Shape [2, GROUPS], sums of x and w of the other units; empty while there are none.
    """

    count: int = 0
    x: float = 0.0
    w: float = 0.0
    xx: float = 0.0
    xw: float = 0.0
    ww: float = 0.0
    groups: NDArray[np.float64] | None = None

    def add(
        self,
        x: NDArray[np.float64],
        w: NDArray[np.float64],
        unit: NDArray[np.uint64],
        alone: NDArray[np.bool_],
    ) -> RunningEstimate:
        """Takes in further outcomes.

        Args:
            x: Shape [n], increments, no NaN.
            w: Shape [n], their weights, ≥ 0.
            unit: Shape [n], hash of the unit.
            alone: Shape [n], whether the unit has no other request.

        Returns:
            The statistics of all.
        """
        x1, w1 = x[alone], w[alone]
        groups: NDArray[np.float64] | None = None
        if not alone.all():
            code = (unit[~alone] % GROUPS).astype(np.intp)
            parts = [np.bincount(code, part[~alone], GROUPS) for part in (x, w)]
            groups = np.stack(parts).astype(np.float64)
        part = RunningEstimate(
            int(x.size),
            float(x.sum()),
            float(w.sum()),
            float(np.dot(x1, x1)),
            float(np.dot(x1, w1)),
            float(np.dot(w1, w1)),
            groups,
        )
        return self.merge(part)

    def merge(self, other: RunningEstimate) -> RunningEstimate:
        """Gives the statistics of both parts together."""
        groups = other.groups if self.groups is None else self.groups
        if self.groups is not None and other.groups is not None:
            groups = self.groups + other.groups
        return RunningEstimate(
            self.count + other.count,
            self.x + other.x,
            self.w + other.w,
            self.xx + other.xx,
            self.xw + other.xw,
            self.ww + other.ww,
            groups,
        )

    @property
    def value(self) -> float:
        """``Σ x / Σ w``; NaN without information."""
        return self.x / self.w if self.w > 0 else math.nan

    @property
    def standard_error(self) -> float:
        """Of :attr:`value`; NaN without information or spread."""
        if not self.w > 0:
            return math.nan
        value = self.value
        variance = self.xx - 2 * value * self.xw + value * value * self.ww
        if self.groups is not None:
            variance += float(np.square(self.groups[0] - value * self.groups[1]).sum())
        # Rounding leaves a trace where all increments are equal.
        return math.sqrt(variance) / self.w if variance > 1e-12 * self.xx else math.nan

    def interval(self, planned: float, level: float) -> SequenceInterval:
        """Gives the estimate with both intervals.

        Args:
            planned: ``W*``, the information for which the sequence is narrowest, > 0.
            level: Coverage, in (0, 1).
        """
        return interval_of(self.value, self.standard_error, self.count, self.w, planned, level)

    def to_dict(self) -> dict[str, object]:
        """Gives plain JSON types."""
        groups = None if self.groups is None else self.groups.tolist()
        return {
            **{name: getattr(self, name) for name in ("count", "x", "w", "xx", "xw", "ww")},
            "groups": groups,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, object]) -> RunningEstimate:
        """Reads what :meth:`to_dict` gave. Raises ``KeyError`` and ``TypeError`` for anything else."""
        groups = document["groups"]
        numbers = {name: float(document[name]) for name in ("x", "w", "xx", "xw", "ww")}  # type: ignore[arg-type]
        return cls(
            count=int(document["count"]),  # type: ignore[call-overload]
            groups=None if groups is None else np.array(groups, dtype=np.float64),
            **numbers,
        )


def interval_of(
    value: float, error: float, count: int, information: float, planned: float, level: float
) -> SequenceInterval:
    """Puts both intervals around an estimate; NaN bounds for a NaN error."""
    half = error * float(multiplier(information / planned, level)) if information > 0 else math.nan
    once = error * z_quantile(level)
    return SequenceInterval(
        value, value - half, value + half, value - once, value + once, error, count, information
    )


def multiplier(progress: NDArray[np.float64] | float, level: float) -> NDArray[np.float64]:
    """Half-width of the confidence sequence in standard errors, ``k`` above.

    Args:
        progress: ``Σ w / W*``, > 0, any shape.
        level: Coverage of all looks together, in (0, 1).

    Returns:
        Of the same shape; √(1 + c) at progress 1 is the least.
    """
    alpha = 1 - level
    q = _tuning(alpha) * np.asarray(progress, dtype=np.float64)
    found: NDArray[np.float64] = np.sqrt(2 * (1 + 1 / q) * np.log(np.sqrt(1 + q) / alpha))
    return found


def served_increments(
    scores: NDArray[np.float64],
    is_b: NDArray[np.bool_],
    probability_b: NDArray[np.float64],
    before: Forecast | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], Forecast]:
    """Increments of the A/B comparison.

    Args:
        scores: Shape [..., n], in the order in which outcomes became known (the last axis), no NaN.
        is_b: The same shape, whether each request was B's.
        probability_b: Of a shape that broadcasts, the probability of that.
        before: Forecast from earlier outcomes (one experiment only); ``None`` at the start, where the first
            outcome has nothing to be forecast from and gets no weight.

    Returns:
        x and w, of the shape of ``scores``, and the forecast from all outcomes.
    """
    before = before or Forecast()
    count = scores.shape[-1]
    start = np.full((*scores.shape[:-1], 1), before.total)
    if count:
        # total[i] = FORGET · total[i-1] + score[i]
        totals = signal.lfilter([1.0], [1.0, -_FORGET], scores, axis=-1, zi=_FORGET * start)[0]
        totals = np.concatenate([start, totals], axis=-1)
    else:
        totals = start
    power = _FORGET ** np.arange(count + 1)
    weights = power * before.weight + (1 - power) * MEMORY
    known = weights[:-1] > 0
    forecast = np.divide(totals[..., :-1], weights[:-1], out=np.zeros(scores.shape), where=known)
    surprise = scores - forecast
    # Where scores never vary, what rounding leaves of them must not pass for variance.
    surprise = np.where(np.abs(surprise) > 1e-12 * np.abs(scores), surprise, 0.0)
    x = np.where(known, (is_b - probability_b) * surprise, 0.0)
    w = np.broadcast_to(np.where(known, probability_b * (1 - probability_b), 0.0), scores.shape)
    after = Forecast(float(totals[..., -1]), float(weights[-1])) if scores.ndim == 1 else before
    return x, w, after


def _tuning(alpha: float) -> float:
    """``c``: the q at which the multiplier is least."""
    return float(-special.lambertw(-alpha * alpha / math.e, k=-1).real - 1)
