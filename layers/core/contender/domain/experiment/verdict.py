"""What may be said of an experiment, in words that promise no more than the statistics do."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import NamedTuple

from contender.domain.experiment.metrics import Comparison
from contender.domain.experiment.srm import SampleRatio


class Finding(StrEnum):
    """The outcome of one look."""

    B_BETTER = "b_better"
    A_BETTER = "a_better"
    UNDECIDED = "undecided"
    NO_COMPARISON = "no_comparison"
    INVALID = "invalid"


class Verdict(NamedTuple):
    """One finding and its reason.

    Attributes:
        finding: Which.
        headline: A few words, for a title.
        sentence: The finding with its figures.
        caution: What the finding rests on, and what it does not allow.
    """

    finding: Finding
    headline: str
    sentence: str
    caution: str


_SMALLEST_P = 1e-4
"""p-values below it are not spelt out: their digits depend on the far tail of an approximation."""

_ONE_LOOK = (
    "The interval holds for one look at a time fixed beforehand and for this one metric; looking again and "
    "again and stopping at the first significant result errs far more often than {error:.0%}."
)


def judge(primary: Comparison, ratio: SampleRatio, level: float) -> Verdict:
    """Judges the primary metric once, at a fixed horizon.

    Args:
        primary: The metric that was chosen before looking.
        ratio: Sample ratio check; its alarm makes every comparison invalid.
        level: Coverage of the interval; a difference is significant when it excludes 0.

    Returns:
        The verdict.
    """
    label = primary.metric.label
    difference = primary.difference
    caution = _ONE_LOOK.format(error=1 - level)
    if ratio.alarm:
        return Verdict(
            Finding.INVALID,
            "Invalid: the split was not kept",
            f"B got {ratio.observed_b:,} of {ratio.units:,} units where the split promised "
            f"{ratio.expected_b:,.0f} (p {_p(ratio.p_value)}): requests are lost or moved somewhere, and "
            "the variants cannot be compared.",
            "Find the cause before reading any difference below.",
        )
    if difference is None or math.isnan(difference.lower):
        return Verdict(Finding.NO_COMPARISON, "No comparison yet", _why_none(primary), "")
    figures = (
        f"{label} {_signed(difference.value)} for B against A ({level:.0%} interval "
        f"{_signed(difference.lower)} to {_signed(difference.upper)}, p {_p(difference.p_value)}, "
        f"{difference.outcomes:,} outcomes"
        + (f", within {difference.epochs} split epochs)" if difference.epochs > 1 else ")")
    )
    if difference.lower <= 0 <= difference.upper:
        return Verdict(
            Finding.UNDECIDED,
            f"No difference in {label} shown",
            f"{figures}: the interval contains 0, so these data do not tell the variants apart. That is not "
            "proof that they are equal.",
            caution,
        )
    b_better = (difference.value > 0) == primary.metric.higher_is_better
    winner = "B" if b_better else "A"
    return Verdict(
        Finding.B_BETTER if b_better else Finding.A_BETTER,
        f"{winner} is better in {label}",
        f"{figures}: the difference is significant, and {winner} is the better one.",
        caution,
    )


def _why_none(primary: Comparison) -> str:
    if primary.a.outcomes == 0 and primary.b.outcomes == 0:
        return "No outcome has come back yet: post them to /feedback, export again, and compare then."
    if primary.b.outcomes == 0:
        return "No outcome of a request assigned to B is there: B is not compared with A."
    if primary.a.outcomes == 0:
        return "No outcome of a request assigned to A is there: B is not compared with A."
    return (
        f"{primary.metric.label} cannot be compared: no epoch of the split has enough outcomes of both "
        f"variants ({primary.a.outcomes:,} of A and {primary.b.outcomes:,} of B in all), or they do not vary."
    )


def _signed(value: float) -> str:
    return f"{value:+.4f}" if abs(value) < 1 else f"{value:+.4g}"


def _p(value: float) -> str:
    return f"= {value:.2g}" if value >= _SMALLEST_P else f"< {_SMALLEST_P:g}"
