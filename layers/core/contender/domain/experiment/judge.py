"""The rules by which an experiment is judged, in words that promise no more than the statistics do."""

from __future__ import annotations

import math

import numpy as np

from contender.domain.experiment.metrics import Metric
from contender.domain.experiment.sequence import SequenceInterval, multiplier
from contender.domain.experiment.settings import Evidence, ExperimentSettings
from contender.domain.experiment.verdict import Facts, Finding, Reason, Verdict
from contender.domain.experiment.wording import in_time, moment, p_text, rounded, signed

_HORIZON = 1000.0
"""Multiples of the outcomes so far beyond which no forecast is made."""


def judge(facts: Facts, settings: ExperimentSettings) -> Verdict:
    """Judges an experiment; may be asked at any time and any number of times.

    With the improvement that B brings (B - A, turned so that more is better) and its confidence sequence:

    ============  =========================================================================================
    ``INVALID``   the split was not kept, outcomes are missing unevenly, or a guardrail of B's is breached
    ``CONTINUE``  fewer than ``min_outcomes`` of a variant; or what follows would be ``SHIP`` or ``KEEP``, but
                  the requests with outcome span less than ``min_hours``
    ``KEEP``      the whole sequence lies below 0, or below ``margin``: B is not better by what would be
                  worth it, though it may be shown to be better
    ``SHIP``      the whole sequence lies above 0, and reaches ``margin``
    ``KEEP``      ``max_outcomes`` are reached
    ``CONTINUE``  otherwise
    ============  =========================================================================================

    The margin goes before ``SHIP``: both can come true between two looks, or while ``min_hours`` are waited
    for, and what is done must not depend on which was first. Both are statements of the same sequence, so
    each is wrong with probability 1 - ``level`` at most over all looks (the margin is a share of what A was
    seen to have, hence itself an estimate). ``SHIP`` does not say that B improves by ``margin``: it can be
    less, and has not been shown to be.
    """
    if invalid := _invalid(facts):
        return invalid
    verdict = _compared(facts, settings)
    decided = verdict.finding is not Finding.CONTINUE
    return _too_short(verdict, facts, settings) if decided and _left_s(facts, settings) > 0 else verdict


def _compared(facts: Facts, settings: ExperimentSettings) -> Verdict:
    if facts.fewest < settings.min_outcomes or math.isnan(facts.estimate.lower):
        return _too_early(facts, settings)
    label, estimate = facts.metric.label, facts.estimate
    low, value, high = improvement(estimate, facts.metric)
    margin = settings.margin * abs(facts.a_value)
    figures = _figures(facts, settings)
    caution = _caution(facts, settings)
    if high < 0:
        return Verdict(
            Finding.KEEP,
            f"Keep A: B is worse in {label}",
            f"{figures}: the interval excludes 0, and B is the worse one.",
            caution,
            (Reason.WORSE,),
        )
    if high < margin:
        return Verdict(
            Finding.KEEP,
            f"Keep A: B does not improve {label} by enough",
            f"{figures}: {'B is better, but' if low > 0 else 'B'} improves by less than {margin:.4g}, and a "
            f"new model must bring {100 * settings.margin:.3g}% of A's value as estimated "
            f"({facts.a_value:.4g}).",
            caution,
            (Reason.TOO_LITTLE,),
        )
    if low > 0:
        return Verdict(
            Finding.SHIP,
            f"Ship: B is better in {label}",
            f"{figures}: the interval excludes 0, and B is the better one.",
            caution,
            (Reason.BETTER,),
        )
    if facts.outcomes >= settings.max_outcomes:
        return Verdict(
            Finding.KEEP,
            f"Keep A: B was not shown to be better in {label}",
            f"{figures}: still undecided after the {settings.max_outcomes:,} outcomes that an experiment "
            "gets. That "
            "is no proof that B is not better.",
            caution,
            (Reason.BUDGET,),
        )
    more = _more(estimate, value, margin, facts.outcomes, settings, facts.decided_by)
    left = settings.max_outcomes - facts.outcomes
    ends = more is None or more > left
    more = left if more is None else min(more, left)
    seconds = more / facts.rate if facts.rate > 0 else None
    until = (
        "the experiment ends without a decision"
        if ends
        else "it is decided, if the difference stays as it is"
    )
    return Verdict(
        Finding.CONTINUE,
        f"Continue: no difference in {label} shown yet",
        f"{figures}: the interval contains 0, so these data do not tell the variants apart. That is not "
        "proof "
        f"that they are equal. About {rounded(more)} more outcomes{in_time(seconds)} until {until}.",
        caution,
        (Reason.UNDECIDED,),
        more,
        seconds,
    )


def _left_s(facts: Facts, settings: ExperimentSettings) -> float:
    """What is missing of ``min_hours``, in seconds."""
    return settings.min_hours * 3600 - (facts.last_at - facts.first_at)


def _too_short(verdict: Verdict, facts: Facts, settings: ExperimentSettings) -> Verdict:
    ends = moment(facts.first_at + settings.min_hours * 3600)
    return Verdict(
        Finding.CONTINUE,
        f"Continue: it stands at {verdict.finding.value.upper()}, but runs until {ends}",
        f"{verdict.sentence} It is acted on when the requests with outcome span {settings.min_hours:g} hours "
        f"(min_hours), which is {ends} at the earliest, if it still says so then: the interval holds for the "
        "days that were seen, and says nothing of the others.",
        verdict.caution,
        (Reason.TOO_SHORT,),
        more_seconds=_left_s(facts, settings),
    )


def improvement(estimate: SequenceInterval, metric: Metric) -> tuple[float, float, float]:
    """B - A turned so that more is better: lower end, value, upper end."""
    if metric.higher_is_better:
        return estimate.lower, estimate.value, estimate.upper
    return -estimate.upper, -estimate.value, -estimate.lower


def _invalid(facts: Facts) -> Verdict | None:
    reasons, headlines, sentences = list[Reason](), list[str](), list[str]()
    ratio, of_outcomes = facts.ratio, facts.outcome_ratio
    if ratio.alarm:
        reasons.append(Reason.SAMPLE_RATIO)
        headlines.append("the split was not kept")
        sentences.append(
            f"B got {ratio.observed_b:,} of {ratio.units:,} units where the split promised "
            f"{ratio.expected_b:,.0f} (p {p_text(ratio.sequential_p)}): requests are lost or moved "
            "somewhere, and "
            "the variants cannot be compared."
        )
    elif of_outcomes.alarm:  # lost requests lack their outcomes too: that would be no second reason
        reasons.append(Reason.MISSING_OUTCOMES)
        headlines.append("outcomes are missing unevenly")
        sentences.append(
            f"Of the outcomes that came, {of_outcomes.observed_b:,} of {of_outcomes.units:,} are of B's "
            "units where "
            f"the split promised {of_outcomes.expected_b:,.0f} (p {p_text(of_outcomes.sequential_p)}): "
            "they go missing "
            "or come late more often for one variant, and those that came cannot be compared."
        )
    for guardrail in facts.guardrails:
        if guardrail.breached:
            reasons.append(Reason.GUARDRAIL)
            headlines.append(f"B breaches a guardrail ({guardrail.label})")
            sentences.append(
                f"{guardrail.share_b:.1%} of B's requests: {guardrail.label}; the limit is "
                f"{guardrail.limit:.1%}, A has {guardrail.share_a:.1%} (p {p_text(guardrail.p_value)})."
            )
    if not reasons:
        return None
    return Verdict(
        Finding.INVALID,
        "Invalid: " + "; ".join(headlines),
        " ".join(sentences),
        "Find the cause before reading any difference below.",
        tuple(reasons),
    )


def _too_early(facts: Facts, settings: ExperimentSettings) -> Verdict:
    if facts.challenger is False and not facts.to_b:
        return Verdict(
            Finding.CONTINUE,
            "Nothing to compare: this release has no challenger",
            "A answers every request until a challenger has been trained and released.",
            "",
            (Reason.TOO_EARLY,),
        )
    a, b, needed = facts.outcomes_a, facts.outcomes_b, settings.min_outcomes
    if facts.decided_by is Evidence.PAIRED and facts.fewest < needed:
        a = b = facts.fewest
        why = f"{a:,} outcomes of requests answered by both are there; the interval needs {needed:,}."
    elif a == b == 0 < facts.scored and not facts.to_b:
        why = "No request went to B: there is no challenger in this release, or its split was 0 all the time."
    elif a == b == 0 < facts.scored:
        why = (
            "The split was 0 or 1 for every outcome so far: no request was assigned by chance to be compared."
        )
    elif a == 0 and b == 0:
        why = "No outcome has come back yet: post them to /feedback, and compare then."
    elif b == 0 or a == 0:
        missing = "B" if b == 0 else "A"
        why = f"No outcome of a request assigned to {missing} is there: B is not compared with A."
    elif facts.fewest < needed:
        why = (
            f"{a:,} outcomes of A and {b:,} of B are there; the intervals need {needed:,} of each before "
            "they can be relied on."
        )
    else:
        why = f"{facts.metric.label} does not vary: there is nothing to estimate an error from."
    more = None
    if min(a, b) > 0:
        more = max(math.ceil((needed - n) * facts.outcomes / n) for n in (a, b))
        more = more if more > 0 else None
    seconds = more / facts.rate if more and facts.rate > 0 else None
    if more:
        why += f" About {rounded(more)} more outcomes{in_time(seconds)} at the present split."
    return Verdict(
        Finding.CONTINUE, "Continue: no comparison yet", why, "", (Reason.TOO_EARLY,), more, seconds
    )


def _more(
    estimate: SequenceInterval,
    value: float,
    margin: float,
    outcomes: int,
    settings: ExperimentSettings,
    decided_by: Evidence,
) -> int | None:
    """Outcomes until the sequence leaves 0 or falls below the margin, if value, spread and split stay."""
    planned = settings.planned_pairs if decided_by is Evidence.PAIRED else settings.planned_information
    times = np.geomspace(1.0, _HORIZON, 1400)
    half = multiplier(times * estimate.information / planned, settings.level)
    half = half * estimate.standard_error / np.sqrt(times)
    decided = (value - half > 0) | (value + half < margin)
    return math.ceil((float(times[decided.argmax()]) - 1) * outcomes) if decided.any() else None


def _figures(facts: Facts, settings: ExperimentSettings) -> str:
    estimate = facts.estimate
    paired = facts.decided_by is Evidence.PAIRED
    what = f"{estimate.outcomes:,} requests answered by both" if paired else f"{facts.outcomes:,} outcomes"
    return (
        f"{facts.metric.label} {signed(estimate.value)} for B against A ({settings.level:.0%} interval "
        f"{signed(estimate.lower)} to {signed(estimate.upper)}, {what})"
    )


def _caution(facts: Facts, settings: ExperimentSettings) -> str:
    looks = (
        f"The interval holds at every look together ({settings.level:.0%}), so one may stop whenever one "
        "likes; it is "
        f"about {facts.metric.label} alone."
    )
    if facts.decided_by is Evidence.PAIRED:
        looks += " It takes outcomes to be the same whatever was predicted."
    return looks
