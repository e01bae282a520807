"""Every verdict and what brings it about."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from contender.domain.experiment import (
    Columns,
    Evidence,
    ExperimentSettings,
    Finding,
    Look,
    Reason,
    read,
    replay,
)
from contender.errors import BadInput
from tests.support.experiments import experiment


def look(columns: Columns, settings: ExperimentSettings | None = None) -> Look:
    settings = settings or ExperimentSettings()
    return read(replay(columns, settings), settings)


def test_given_a_better_b_then_ship() -> None:
    verdict = look(experiment(3000, skill_b=1.6)).verdict
    assert (verdict.finding, verdict.reasons) == (Finding.SHIP, (Reason.BETTER,))
    assert verdict.more_outcomes is None


def test_given_a_worse_b_then_keep() -> None:
    verdict = look(experiment(3000, skill_b=0.4)).verdict
    assert (verdict.finding, verdict.reasons) == (Finding.KEEP, (Reason.WORSE,))


def test_given_a_b_that_cannot_be_better_by_enough_then_keep_though_it_is_not_worse() -> None:
    columns = experiment(6000, skill_b=1.0, seed=3)
    strict, lax = ExperimentSettings(margin=0.01), ExperimentSettings(margin=0.3)
    assert look(columns, strict).verdict.finding is Finding.CONTINUE
    verdict = look(columns, lax).verdict
    assert (verdict.finding, verdict.reasons) == (Finding.KEEP, (Reason.TOO_LITTLE,))
    assert "30% of A's value as estimated (" in verdict.sentence


def test_given_a_b_that_is_better_but_by_less_than_the_margin_then_keep_and_both_are_said() -> None:
    columns = experiment(3000, skill_b=1.6)
    assert look(columns, ExperimentSettings(margin=0.02)).verdict.finding is Finding.SHIP
    found = look(columns, ExperimentSettings(margin=0.9))
    estimate = found.metrics[0].served
    assert estimate.upper < 0  # of a loss: B is shown to be better
    assert (found.verdict.finding, found.verdict.reasons) == (Finding.KEEP, (Reason.TOO_LITTLE,))
    assert "B is better, but improves by less than" in found.verdict.sentence


def test_given_an_experiment_that_ran_out_then_keep_and_no_proof_is_claimed() -> None:
    columns = experiment(1000, skill_b=1.0, seed=3)
    verdict = look(columns, ExperimentSettings(max_outcomes=900)).verdict
    assert (verdict.finding, verdict.reasons) == (Finding.KEEP, (Reason.BUDGET,))
    assert "no proof" in verdict.sentence


def test_given_few_outcomes_then_continue_and_say_how_many_more() -> None:
    verdict = look(experiment(150, skill_b=3.0)).verdict
    assert (verdict.finding, verdict.reasons) == (Finding.CONTINUE, (Reason.TOO_EARLY,))
    assert verdict.more_outcomes is not None
    assert 20 < verdict.more_outcomes < 120
    assert verdict.more_seconds == pytest.approx(verdict.more_outcomes, rel=0.05)  # one outcome a second


def test_given_no_difference_yet_then_continue_until_as_many_more_as_it_says_would_decide() -> None:
    columns = experiment(900, skill_b=1.25, seed=6)
    first = look(columns).verdict
    assert (first.finding, first.reasons) == (Finding.CONTINUE, (Reason.UNDECIDED,))
    assert first.more_outcomes is not None
    # The same outcomes over again: estimate and spread stay where they are.
    times = math.ceil(1 + first.more_outcomes / 900)
    again = columns.take(np.tile(np.arange(900), times))
    again = replace(
        again,
        at=again.at + 900 * np.repeat(np.arange(times), 900),
        outcome_at=again.outcome_at + 900 * np.repeat(np.arange(times), 900),
        unit=np.arange(900 * times, dtype=np.uint64),
        units=None,
    )
    assert look(again).verdict.finding is Finding.SHIP


def test_given_lost_records_then_invalid_for_the_split_alone() -> None:
    verdict = look(experiment(8000, skill_b=2.0, lost=0.15)).verdict
    assert (verdict.finding, verdict.reasons) == (Finding.INVALID, (Reason.SAMPLE_RATIO,))


def test_given_outcomes_that_b_does_not_get_then_invalid() -> None:
    found = look(experiment(8000, skill_b=2.0, unheard=0.15))
    assert (found.verdict.finding, found.verdict.reasons) == (Finding.INVALID, (Reason.MISSING_OUTCOMES,))
    assert not found.ratio.alarm


def test_given_a_breached_guardrail_then_invalid_however_good_b_is() -> None:
    columns = experiment(3000, skill_b=2.0)
    slow = replace(columns, latency_ms=np.where(columns.is_b, 250.0, 1.0))
    verdict = look(slow).verdict
    assert (verdict.finding, verdict.reasons) == (Finding.INVALID, (Reason.GUARDRAIL,))
    assert "slower than 100 ms" in verdict.headline


def test_given_shadows_then_the_paired_estimate_is_much_narrower_and_agrees() -> None:
    (entry, *_) = look(experiment(3000, skill_b=1.2, shadow=True)).metrics
    assert entry.paired is not None
    assert entry.gap is not None
    assert entry.gap.lower < 0 < entry.gap.upper
    assert entry.paired.standard_error < 0.8 * entry.served.standard_error
    assert entry.paired.outcomes == 3000


def test_given_shadows_that_may_decide_then_they_decide_sooner() -> None:
    columns = experiment(1200, skill_b=1.3, shadow=True, seed=2)
    paired = ExperimentSettings(decide_by=Evidence.PAIRED)
    assert look(columns).verdict.finding is Finding.CONTINUE
    found = look(columns, paired)
    assert found.verdict.finding is Finding.SHIP
    assert found.decided_by is Evidence.PAIRED
    assert "whatever was predicted" in found.verdict.caution


def test_given_outcomes_that_depend_on_what_was_predicted_then_the_paired_estimate_is_not_believed() -> None:
    columns = experiment(8000, skill_b=1.0, shadow=True, influence=0.5)
    found = look(columns, ExperimentSettings(decide_by=Evidence.PAIRED))
    assert found.decided_by is Evidence.SERVED
    assert found.belief.startswith("Not to be believed: the A/B comparison")


def test_given_few_shadows_then_the_paired_estimate_is_not_believed() -> None:
    columns = experiment(2000, skill_b=1.6, shadow=True)
    some = replace(columns, has_shadow=columns.has_shadow & (np.arange(2000) % 4 > 0))
    found = look(some, ExperimentSettings(decide_by=Evidence.PAIRED))
    assert found.decided_by is Evidence.SERVED
    assert "only 75.0%" in found.belief


def test_given_a_split_of_0_then_shadows_alone_decide() -> None:
    columns = experiment(1500, skill_b=1.6, split=0.0, shadow=True)
    assert look(columns).verdict.reasons == (Reason.TOO_EARLY,)
    found = look(columns, ExperimentSettings(decide_by=Evidence.PAIRED))
    assert found.verdict.finding is Finding.SHIP
    assert "no A/B comparison yet" in found.belief


def test_given_agreement_then_it_is_known_before_any_outcome() -> None:
    columns = experiment(500, skill_b=1.0, shadow=True)
    silent = replace(columns, usable=np.zeros(500, dtype=bool))
    agreement = look(silent).agreement
    same = float((columns.predicted == columns.shadow_predicted).mean())
    assert agreement.same_share == pytest.approx(same)
    apart = np.abs(columns.probabilities - columns.shadow_probabilities)[:, 0].mean()
    assert agreement.mean_distance == pytest.approx(apart)


def test_given_settings_out_of_range_then_each_is_named() -> None:
    with pytest.raises(BadInput) as caught:
        ExperimentSettings(level=1.0, margin=-0.1, planned_outcomes=0)
    assert [problem.field for problem in caught.value.problems] == ["level", "margin", "planned_outcomes"]


@pytest.mark.parametrize(("skill", "name"), [(1.6, "SHIP"), (0.4, "KEEP")])
def test_given_less_than_the_hours_it_must_run_then_continue_and_say_until_when(
    skill: float, name: str
) -> None:
    columns = experiment(3000, skill_b=skill)  # a request a second: 50 minutes
    verdict = look(columns, ExperimentSettings(min_hours=1.0)).verdict
    assert (verdict.finding, verdict.reasons) == (Finding.CONTINUE, (Reason.TOO_SHORT,))
    ends = datetime.fromtimestamp(math.ceil((columns.at.min() + 3600) / 60) * 60, UTC)
    assert f"stands at {name}, but runs until {ends:%Y-%m-%d %H:%M} UTC" in verdict.headline
    assert "the interval excludes 0" in verdict.sentence
    assert verdict.more_seconds == pytest.approx(3600 - 2999)
    assert verdict.more_outcomes is None


def test_given_requests_that_span_the_hours_then_they_are_no_obstacle() -> None:
    columns = experiment(3000, skill_b=1.6)
    for hours in (0.0, 2999 / 3600):
        assert look(columns, ExperimentSettings(min_hours=hours)).verdict.finding is Finding.SHIP


def test_given_an_experiment_that_ran_out_before_its_hours_then_it_goes_on() -> None:
    columns = experiment(1000, skill_b=1.0, seed=3)
    verdict = look(columns, ExperimentSettings(max_outcomes=900, min_hours=24.0)).verdict
    assert (verdict.finding, verdict.reasons) == (Finding.CONTINUE, (Reason.TOO_SHORT,))


def test_given_harm_then_no_hour_is_waited_for() -> None:
    columns = experiment(3000, skill_b=1.0)
    broken = replace(columns, fallback=columns.is_b & (np.arange(len(columns)) % 5 == 0))
    verdict = look(broken, ExperimentSettings(min_hours=168.0)).verdict
    assert (verdict.finding, verdict.reasons) == (Finding.INVALID, (Reason.GUARDRAIL,))


def test_given_undecided_then_the_hours_are_not_spoken_of() -> None:
    verdict = look(experiment(900, skill_b=1.25, seed=6), ExperimentSettings(min_hours=168.0)).verdict
    assert verdict.reasons == (Reason.UNDECIDED,)


@pytest.mark.parametrize("hours", [-1.0, math.nan, 9000.0])
def test_given_hours_out_of_range_then_they_are_named(hours: float) -> None:
    with pytest.raises(BadInput, match="min_hours"):
        ExperimentSettings(min_hours=hours)
