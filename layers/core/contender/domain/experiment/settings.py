"""What an experiment is decided by; every threshold with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from contender.errors import BadInput, Problem

_YEAR_H = 8_760.0
"""No experiment may be told to wait longer: the log forgets (``PredictionRetentionDays``)."""


class Evidence(StrEnum):
    """Which estimate decides."""

    SERVED = "served"
    """The A/B comparison: what each variant's own requests led to. Always valid."""
    PAIRED = "paired"
    """Both variants' answers to the same requests, where the log has the shadow's. Needs far fewer outcomes,
    and is right only where an outcome would have been the same whatever was predicted (weather, arrivals;
    not: clicks on what was recommended). Choosing it declares just that; it is used only while the log
    does not contradict it."""


@dataclass(frozen=True, slots=True)
class ExperimentSettings:
    """How an experiment is judged.

    Attributes:
        metric: The one metric that decides, chosen before looking; ``None`` for log loss (without
            probabilities accuracy; for regression absolute error). Log loss is a proper score: only true
            probabilities win it, and it sees what a change of labels alone does not.
        level: Coverage of every interval, over all looks together for a confidence sequence. At 0.95 a B
            that is no better ships once in 40 experiments, however often one looks.
        planned_outcomes: Outcomes (at an even split) at which the A/B sequence is narrowest. 10,000 tell
            apart accuracies some 2.5 points apart; a sequence tuned for 10,000 is at most a fifth wider than
            the best one from 1,200 to 300,000, so the number need not be right.
        planned_pairs: The same of the paired sequence. 2,000: two models mostly agree, so that their paired
            difference varies several times less than the difference between requests.
        min_outcomes: Outcomes of each variant before anything is decided: the sequences rest on a central
            limit theorem, and a skewed loss needs about 100 terms for it.
        margin: Smallest improvement that is worth a new model, as a share of A's value. Below 2 % the metric
            moves about as much when the same algorithm is trained on another sample; B is kept out as
            soon as the sequence shows that it improves by less, even if it is shown to be better. A gain of
            half of it is thus retired every second time, a smaller one mostly, a larger one more seldom.
        min_hours: Hours that the requests with outcome must span, from the first to the last, before SHIP or
            KEEP is said. An interval that is valid at any time speaks of the days that were seen, not of a
            weekend that was not, nor of what users do once B is no longer new. A week (168) sees every day
            of the week once; 0, the default, asks for none: the stack's parameter ``MinExperimentHours``
            sets a week, and a laptop's sets 0. Guardrails and ``INVALID`` never wait.
        max_outcomes: Outcomes after which an undecided experiment ends with KEEP, so that it does not block
            the next challenger for ever. 100,000 outcomes resolve differences of about 1 point.
        decide_by: Which estimate decides.
        min_shadow_share: Share of outcomes that must have a shadow before the paired estimate may decide:
            shadows that fail are not a random sample.
        alarm_below: p-value of every alarm (sample ratio, missing outcomes, guardrails), for all looks
            together: an experiment is called off by mistake once in a thousand.
        fallback_limit: Share of B's requests that A may have to answer because B failed. 1 %: a model that
            fails more often is broken.
        latency_limit_ms: How long a prediction may take. 100 ms: what a caller notices.
        latency_share: Share of B's predictions that may take longer (so it is a limit for the 99th
            percentile).
        value_higher_is_better: Sense of the custom value that feedback may give.
    """

    metric: str | None = None
    level: float = 0.95
    planned_outcomes: int = 10_000
    planned_pairs: int = 2_000
    min_outcomes: int = 100
    margin: float = 0.02
    min_hours: float = 0.0
    max_outcomes: int = 100_000
    decide_by: Evidence = Evidence.SERVED
    min_shadow_share: float = 0.9
    alarm_below: float = 0.001
    fallback_limit: float = 0.01
    latency_limit_ms: float = 100.0
    latency_share: float = 0.01
    value_higher_is_better: bool = True

    def __post_init__(self) -> None:
        """Checks ranges. Raises ``BadInput`` naming each setting that is out of its own."""
        problems = [
            Problem(name, f"is {getattr(self, name)}", f"set it to a number above {low:g} and below {high:g}")
            for name, low, high in (
                ("level", 0.0, 1.0),
                ("min_shadow_share", 0.0, 1.0),
                ("alarm_below", 0.0, 1.0),
                ("fallback_limit", 0.0, 1.0),
                ("latency_share", 0.0, 1.0),
                ("latency_limit_ms", 0.0, float("inf")),
                ("margin", -1e-12, 1.0),
                ("min_hours", -1e-12, _YEAR_H),
            )
            if not low < getattr(self, name) < high
        ]
        problems += [
            Problem(name, f"is {getattr(self, name)}", f"set it to at least {low}")
            for name, low in (
                ("planned_outcomes", 1),
                ("planned_pairs", 1),
                ("min_outcomes", 2),
                ("max_outcomes", 1),
            )
            if getattr(self, name) < low
        ]
        if problems:
            raise BadInput(problems)

    @property
    def planned_information(self) -> float:
        """``Σ p(1-p)`` at the planned outcomes: a quarter each at an even split."""
        return self.planned_outcomes / 4
