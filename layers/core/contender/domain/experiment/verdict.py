"""What may be said of an experiment, and done, and what that rests on."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import NamedTuple

from contender.domain.experiment.guardrails import Guardrail
from contender.domain.experiment.metrics import Metric
from contender.domain.experiment.sequence import SequenceInterval
from contender.domain.experiment.settings import Evidence
from contender.domain.experiment.srm import SampleRatio


class Finding(StrEnum):
    """What is to be done."""

    SHIP = "ship"
    """B is better: promote it."""
    KEEP = "keep"
    """B is worse, or not better by enough, or was not shown to be in the time it had: retire it."""
    CONTINUE = "continue"
    """Nothing is shown yet."""
    INVALID = "invalid"
    """The variants cannot be compared, or B harms: find the cause."""


class Reason(StrEnum):
    """Why."""

    BETTER = "better"
    WORSE = "worse"
    TOO_LITTLE = "too_little"
    BUDGET = "budget"
    UNDECIDED = "undecided"
    TOO_EARLY = "too_early"
    TOO_SHORT = "too_short"
    """It would be decided, but has not run for ``min_hours`` yet."""
    SAMPLE_RATIO = "sample_ratio"
    MISSING_OUTCOMES = "missing_outcomes"
    GUARDRAIL = "guardrail"


class Verdict(NamedTuple):
    """One finding and its reasons.

    Attributes:
        finding: Which.
        headline: A few words, for a title.
        sentence: The finding with its figures.
        caution: What the finding rests on, and what it does not allow.
        reasons: Why; several only for ``INVALID``.
        more_outcomes: About how many further outcomes decide, if the estimate stays where it is; ``None``
            where it is decided or cannot be said.
        more_seconds: The same in time, at the rate of outcomes so far.
    """

    finding: Finding
    headline: str
    sentence: str
    caution: str
    reasons: tuple[Reason, ...] = ()
    more_outcomes: int | None = None
    more_seconds: float | None = None


class Facts(NamedTuple):
    """What a verdict is made of.

    Attributes:
        metric: The primary metric.
        estimate: B - A, by the estimate that decides.
        decided_by: Which that is.
        a_value: A's mean.
        scored: Outcomes, of any request.
        outcomes_a: Those of A's requests that chance could have given to B.
        outcomes_b: The same of B.
        ratio: Split among requests.
        outcome_ratio: Split among records with outcome.
        guardrails: As they stand.
        rate: Outcomes per second so far; NaN where unknown.
        first_at: Time of the earliest request with outcome, in epoch seconds; NaN without.
        last_at: Time of the latest.
        challenger: Whether there is a B at all; ``None`` when unknown.
    """

    metric: Metric
    estimate: SequenceInterval
    decided_by: Evidence
    a_value: float
    scored: int
    outcomes_a: int
    outcomes_b: int
    ratio: SampleRatio
    outcome_ratio: SampleRatio
    guardrails: tuple[Guardrail, ...]
    rate: float
    first_at: float
    last_at: float
    challenger: bool | None = None

    @property
    def to_b(self) -> bool:
        """Whether any request was assigned to B: its guardrails have a share then."""
        return any(not math.isnan(entry.share_b) for entry in self.guardrails)

    @property
    def outcomes(self) -> int:
        """Those behind the estimate that decides."""
        both = self.outcomes_a + self.outcomes_b
        return self.estimate.outcomes if self.decided_by is Evidence.PAIRED else both

    @property
    def fewest(self) -> int:
        """Those of the side that has fewer."""
        fewer = min(self.outcomes_a, self.outcomes_b)
        return self.estimate.outcomes if self.decided_by is Evidence.PAIRED else fewer
