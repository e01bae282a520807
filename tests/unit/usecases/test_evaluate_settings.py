"""How an evaluation follows its settings: hours that an experiment has to run, and a value that decides."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from contender.domain.lifecycle import Mode
from contender.domain.records import Feedback
from contender.usecases.evaluate import Outcome
from contender.usecases.predict import iso_utc
from tests.support.evaluation import QUICK, Trial
from tests.support.world import SPLIT

AN_HOUR = replace(QUICK, min_hours=1.0)


@pytest.mark.parametrize("skill", [0.9, 0.3])
def test_before_its_hours_are_over_nothing_is_done_and_until_when_is_said(skill: float) -> None:
    trial = Trial(Mode.AUTO, AN_HOUR)
    trial.pass_traffic(1_000, skill_b=skill)
    trial.settle()
    told = trial.evaluate()
    assert (told.outcome, told.finding, told.stage) == (Outcome.NOTHING, "continue", "running")
    assert "but runs until" in told.reason
    evidence = json.loads(trial.record.evidence)
    assert (evidence["reasons"], evidence["min_hours"]) == (["too_short"], 1.0)
    assert trial.launcher.tasks == {}
    trial.pass_traffic(1_000, skill_b=skill, seconds=3_600.0)
    trial.settle()
    assert trial.evaluate().outcome is Outcome.ACTING


def test_a_person_cannot_agree_before_either() -> None:
    trial = Trial(Mode.ADVISE, AN_HOUR)
    trial.pass_traffic(1_000, skill_b=0.9)
    trial.settle()
    assert trial.evaluate(Mode.AUTO).outcome is Outcome.NOTHING


def test_a_breached_guardrail_does_not_wait() -> None:
    trial = Trial(Mode.ADVISE, AN_HOUR)
    trial.pass_traffic(1_000, fallbacks_b=0.3)
    trial.settle()
    assert trial.evaluate().outcome is Outcome.STOPPED
    assert float(trial.world.parameters.stored[SPLIT].value) == 0.0


def test_where_the_value_decides_it_is_said_which_feedback_counts() -> None:
    trial = Trial(settings=replace(QUICK, metric="value"))
    trial.pass_traffic(100, told=0.0)
    for number, name in enumerate(list(trial.world.log.records)):
        now = iso_utc(trial.world.clock.now)
        trial.world.log.set_outcome(name, Feedback(1, None if number % 2 else 2.5), now)
    trial.settle()
    for name in list(trial.world.log.records)[1::2]:
        trial.world.log.set_outcome(name, Feedback(value=2.5), iso_utc(trial.world.clock.now))
    trial.settle()
    told = trial.evaluate()
    assert told.outcomes == 100
    assert "send outcome and value in one" in told.reason
    assert "send outcome and value in one" not in Trial().evaluate().reason
