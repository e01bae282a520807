"""A person retires the challenger, by the steps of a verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contender.domain.lifecycle import Stage
from contender.domain.records import PromotionJob
from contender.errors import BadInput, Conflict, NotFound
from contender.experiment_ports import SAVE_TRIES
from contender.usecases.evaluate import Outcome
from contender.usecases.predict import iso_utc
from contender.usecases.retire import MAX_REASON, Retire
from tests.support.evaluation import MemoryExperiments, Trial
from tests.support.world import RELEASE, release_of


def retire(trial: Trial, experiments: MemoryExperiments | None = None) -> Retire:
    world = trial.world
    return Retire(world.artifacts, world.parameters, experiments or trial.experiments, RELEASE, world.clock)


@pytest.fixture
def trial() -> Trial:
    return Trial()


def test_a_stopped_challenger_is_retired_and_the_next_evaluation_launches_the_task(trial: Trial) -> None:
    trial.pass_traffic(1_000, fallbacks_b=0.3)
    trial.settle()
    assert trial.evaluate().outcome is Outcome.STOPPED
    decided = retire(trial)(" it falls over ", "ann")
    assert (decided.stage, decided.decided_by) == (Stage.RETIRING, "ann")
    assert decided.sentence == "Retired by hand: it falls over"
    assert decided.decided_at == iso_utc(trial.world.clock.now)
    assert decided.stopped_at
    assert trial.launcher.tasks == {}
    told = trial.evaluate()
    assert (told.outcome, told.stage) == (Outcome.ACTING, "retiring")
    assert "it falls over" in told.reason
    ((job, _),) = trial.launcher.tasks.values()
    assert job == PromotionJob(decided.experiment_id)


def test_one_that_nobody_has_looked_at_yet_is_the_same_experiment(trial: Trial) -> None:
    decided = retire(trial)("a mistake", "ann")
    assert (decided.champion_version, decided.challenger_version) == ("1", "2")
    told = trial.evaluate()
    assert (told.experiment_id, told.outcome) == (decided.experiment_id, Outcome.ACTING)
    assert list(trial.experiments.records) == [decided.experiment_id]


def test_two_who_want_it_retire_it_once(trial: Trial) -> None:
    first = retire(trial)("slow", "ann")
    assert retire(trial)("ugly", "bob") == first
    trial.evaluate()
    trial.evaluate()
    assert len(trial.launcher.tasks) == 1


def test_an_evaluation_that_writes_at_the_same_moment_is_not_written_over(trial: Trial) -> None:
    class Busy(MemoryExperiments):
        def save(self, record):  # type: ignore[no-untyped-def]
            if record.stage is Stage.RETIRING and len(meanwhile) < wanted:
                meanwhile.append(super().save(replace(record, stage=Stage.RUNNING, finding="continue")))
            return super().save(record)

    meanwhile: list[object] = []
    wanted = 1
    experiments = Busy()
    decided = retire(trial, experiments)("slow", "ann")
    assert (decided.stage, decided.finding, decided.revision) == (Stage.RETIRING, "continue", 2)
    wanted = 10**6
    experiments.records.clear()
    with pytest.raises(Conflict, match="changed all the time"):
        retire(trial, experiments)("slow", "ann")
    assert len(meanwhile) == 1 + SAVE_TRIES


def test_one_that_is_being_promoted_is_left_alone(trial: Trial) -> None:
    record = retire(trial)("slow", "ann")
    trial.experiments.save(replace(record, stage=Stage.PROMOTING))
    with pytest.raises(Conflict, match=r"version 2 is just being promoted.*rollback"):
        retire(trial)("slow", "ann")


@pytest.mark.parametrize("stage", [Stage.RETIRED, Stage.SUPERSEDED])
def test_one_whose_experiment_is_over_is_named(trial: Trial, stage: Stage) -> None:
    record = retire(trial)("slow", "ann")
    trial.experiments.save(replace(record, stage=stage, detail="long ago"))
    with pytest.raises(NotFound, match=f"is over, {stage.value}: long ago"):
        retire(trial)("slow", "ann")


def test_without_a_challenger_there_is_nothing_to_retire(trial: Trial) -> None:
    trial.world.publish(release_of(b=None))
    with pytest.raises(NotFound, match="no challenger is in force"):
        retire(trial)("slow", "ann")
    trial.world.parameters.put(RELEASE, "none")
    with pytest.raises(NotFound, match="no challenger is in force"):
        retire(trial)("slow", "ann")


@pytest.mark.parametrize("reason", ["", "  ", "x" * (MAX_REASON + 1)])
def test_it_needs_a_reason(trial: Trial, reason: str) -> None:
    with pytest.raises(BadInput, match="reason"):
        retire(trial)(reason, "ann")
    assert trial.experiments.records == {}
