"""Outcomes that an experiment needs, before it starts."""

from __future__ import annotations

import math
from typing import NamedTuple

from scipy import special

from contender.domain.experiment.intervals import z_quantile
from contender.domain.experiment.sequence import multiplier
from contender.domain.experiment.settings import ExperimentSettings
from contender.errors import BadInput, Problem

_MOST = 1e12
"""Outcomes beyond which no experiment is planned."""
_LONGEST = 1e3
"""Largest n in units of that at which the standard error equals the effect: (k + z)² stays far below it."""


class Needed(NamedTuple):
    """Outcomes of both variants together, until a difference of the given size is found.

    Attributes:
        effect: Size of the difference.
        split: Share of B.
        fixed: With one look at the end, with the given power.
        sequential: With any number of looks, by when it is found with the given power.
        typical: With any number of looks, by when half of the experiments have found it.
    """

    effect: float
    split: float
    fixed: int
    sequential: int
    typical: int


def outcomes_needed(
    effect: float,
    deviation: float,
    split: float = 0.5,
    power: float = 0.8,
    settings: ExperimentSettings | None = None,
) -> Needed:
    """Computes how many outcomes show a difference.

    With one look the familiar ``n = (z_{α/2} + z_β)² σ² / (p (1 - p) δ²)`` (two-sided test of two means with
    common spread; for instance Lachin, "Introduction to sample size determination and power analysis for
    clinical trials", Controlled Clinical Trials 2, 1981).

    With any number of looks: in units of the n at which the standard error equals the effect, the estimate
    times t is a Brownian motion with drift 1, and the sequence is left when that crosses ``k(t) √t``. This
    boundary is concave, so its tangent at t lies above it, and the chance to cross the tangent by t, which
    is known exactly (Bachelier and Lévy: ``Φ((dt - a)/√t) + exp(2ad) Φ(-(dt + a)/√t)`` for intercept a and
    drift d left over), is a little less than that of crossing the boundary.

    Args:
        effect: Difference B - A to be found, ≠ 0, in the metric's units.
        deviation: Standard deviation σ of the metric over requests; of an accuracy a, ``√(a (1 - a))``. For
            the paired comparison that of the difference between both answers, with ``split`` 0.5 and a
            quarter of the result: pairs compare each request with itself.
        split: Share of B, in (0, 1).
        power: Chance of finding it, in (0, 1).
        settings: Gives level and planned outcomes.

    Returns:
        The numbers, rounded up; at least ``min_outcomes`` of each variant.

    Raises:
        BadInput: For arguments out of their ranges, or when more than 10¹² would be needed.
    """
    problems = [
        Problem(name, f"is {value:g}", fix)
        for name, value, good, fix in (
            ("effect", effect, effect != 0 and math.isfinite(effect), "give a number other than 0"),
            ("deviation", deviation, 0 < deviation < math.inf, "give a number above 0"),
            ("split", split, 0 < split < 1, "give a share above 0 and below 1"),
            ("power", power, 0 < power < 1, "give a chance above 0 and below 1"),
        )
        if not good
    ]
    if problems:
        raise BadInput(problems)
    settings = settings or ExperimentSettings()
    each = split * (1 - split)
    unit = deviation**2 / (each * effect**2)  # outcomes at which the standard error is the effect
    if unit * 40 > _MOST:
        raise BadInput.of("effect", f"is {effect:g}, too small to be found", "give a larger one")
    least = settings.min_outcomes / min(split, 1 - split)
    beta = z_quantile(2 * power - 1) if power >= 0.5 else -z_quantile(1 - 2 * power)
    fixed = (z_quantile(settings.level) + beta) ** 2 * unit
    return Needed(
        effect,
        split,
        math.ceil(max(fixed, least)),
        math.ceil(max(_crossed(power, unit, each, settings), least)),
        math.ceil(max(_crossed(0.5, unit, each, settings), least)),
    )


def _crossed(power: float, unit: float, each: float, settings: ExperimentSettings) -> float:
    """Smallest n by which the boundary is crossed with the given chance; bisection on ln n."""
    pace = unit * each / settings.planned_information

    def boundary(t: float) -> float:
        return float(multiplier(t * pace, settings.level)) * math.sqrt(t)

    def chance(t: float) -> float:
        step = 1e-4 * t
        slope = (boundary(t + step) - boundary(t - step)) / (2 * step)
        intercept, drift = boundary(t) - slope * t, 1 - slope
        ahead = special.ndtr((drift * t - intercept) / math.sqrt(t))
        # exp(…) Φ(…) in logs: the first is huge where the second is tiny.
        back = 2 * intercept * drift + special.log_ndtr(-(drift * t + intercept) / math.sqrt(t))
        return float(ahead + math.exp(min(back, 0.0)))

    low, high = math.log(0.01), math.log(_LONGEST)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if chance(math.exp(middle)) >= power else (middle, high)
    return unit * math.exp(high)
