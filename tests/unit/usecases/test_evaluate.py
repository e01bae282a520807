from __future__ import annotations

import json
import zlib
from dataclasses import replace

import pytest

from contender.domain.experiment import ExperimentState
from contender.domain.lifecycle import Deed, ExperimentRecord, HistoryEntry, Mode, Stage
from contender.domain.records import LOG_SHARDS, PromotionJob, TaskEnd
from contender.domain.release import release_key
from contender.errors import BadInput, StoreUnavailable
from contender.usecases.evaluate import Outcome
from contender.usecases.predict import iso_utc
from tests.support.evaluation import QUICK, Trial
from tests.support.world import MODEL_C, RELEASE, SPLIT, release_of


def state_of(record: ExperimentRecord) -> ExperimentState:
    return ExperimentState.from_dict(json.loads(zlib.decompress(record.state)))


def split_of(trial: Trial) -> str:
    return trial.world.parameters.stored[SPLIT].value


class TestVerdict:
    def test_a_better_challenger_is_promoted_by_a_task_in_auto(self) -> None:
        trial = Trial(Mode.AUTO)
        trial.pass_traffic(1_000, skill_a=0.6, skill_b=0.9)
        trial.settle()
        told = trial.evaluate()
        assert (told.outcome, told.finding, told.stage) == (Outcome.ACTING, "ship", "promoting")
        ((job, arn),) = trial.launcher.tasks.values()
        assert (job, arn) == (PromotionJob(told.experiment_id), told.task_arn)
        record = trial.record
        assert (record.champion_version, record.challenger_version) == ("1", "2")
        assert record.decided_at == iso_utc(trial.world.clock.now)
        evidence = json.loads(record.evidence)
        assert evidence["finding"] == "ship"
        assert evidence["metrics"]["log_loss"]["served"]["upper"] < 0
        assert evidence["sample_ratio"]["units"] == 1_000

    def test_a_worse_one_is_retired(self) -> None:
        trial = Trial(Mode.AUTO)
        trial.pass_traffic(1_000, skill_a=0.9, skill_b=0.6)
        trial.settle()
        told = trial.evaluate()
        assert (told.outcome, told.finding, told.stage) == (Outcome.ACTING, "keep", "retiring")

    @pytest.mark.parametrize(("skill", "finding"), [(0.9, "ship"), (0.3, "keep")])
    def test_in_advise_it_is_written_down_and_a_person_may_agree(self, skill: float, finding: str) -> None:
        trial = Trial(Mode.ADVISE)
        trial.pass_traffic(1_000, skill_b=skill)
        trial.settle()
        told = trial.evaluate()
        assert (told.outcome, told.finding, told.stage) == (Outcome.ADVISED, finding, "running")
        assert trial.record.finding == finding
        assert trial.launcher.tasks == {}
        assert trial.evaluate(Mode.AUTO).outcome is Outcome.ACTING
        assert len(trial.launcher.tasks) == 1

    def test_too_little_goes_on(self) -> None:
        trial = Trial(Mode.AUTO)
        trial.pass_traffic(20, skill_b=0.9)
        trial.settle()
        told = trial.evaluate()
        assert (told.outcome, told.finding, told.stage) == (Outcome.NOTHING, "continue", "running")

    def test_lost_records_are_invalid_and_never_promote(self) -> None:
        trial = Trial(Mode.AUTO)
        trial.pass_traffic(2_000, skill_b=0.95, lost_b=0.4)
        trial.settle()
        told = trial.evaluate()
        assert (told.outcome, told.finding, told.stage) == (Outcome.ADVISED, "invalid", "running")
        assert trial.launcher.tasks == {}
        assert split_of(trial) == "0.5"

    @pytest.mark.parametrize("b", [None])
    def test_without_a_challenger_there_is_nothing(self, b: None) -> None:
        trial = Trial()
        trial.world.publish(release_of(b=b))
        assert trial.evaluate().outcome is Outcome.NOTHING
        trial.world.parameters.put(RELEASE, "none")
        assert trial.evaluate().outcome is Outcome.NOTHING
        assert trial.log.calls == 0

    def test_a_manifest_that_is_not_what_its_name_says_is_refused(self) -> None:
        trial = Trial()
        trial.world.artifacts.put(release_key(trial.release.digest), b"{}")
        with pytest.raises(BadInput, match="does not hold what its name promises"):
            trial.evaluate()


class TestGuardrail:
    @pytest.mark.parametrize("mode", list(Mode))
    def test_a_breach_sets_the_split_to_zero_once_in_every_mode(self, mode: Mode) -> None:
        trial = Trial(mode)
        trial.pass_traffic(600, skill_b=0.9, fallbacks_b=0.2)
        trial.settle()
        told = trial.evaluate()
        assert (told.outcome, told.finding, told.stage) == (Outcome.STOPPED, "invalid", "running")
        assert split_of(trial) == "0.0"
        (entry,) = trial.experiments.history(9)
        assert (entry.deed, entry.experiment_id) == (Deed.STOPPED, told.experiment_id)
        assert json.loads(entry.evidence)["reasons"] == ["guardrail"]
        assert trial.world.observer.problem_events == ["guardrail_breached"]
        trial.world.parameters.put(SPLIT, "0.1")  # a person who knows why
        trial.settle()
        assert trial.evaluate().outcome is Outcome.ADVISED
        assert split_of(trial) == "0.1"
        assert trial.launcher.tasks == {}


class TestIncrement:
    def test_what_is_read_and_how_often_depends_on_what_is_new_alone(self) -> None:
        trial = Trial()
        costs = []
        for _ in range(6):
            calls, rows = trial.log.calls, trial.log.handed_over
            trial.pass_traffic(100)
            trial.settle()
            told = trial.evaluate()
            assert (told.requests, told.outcomes) == (100, 100)
            costs.append((trial.log.calls - calls, trial.log.handed_over - rows))
        assert costs == [(2 * LOG_SHARDS, 200)] * 6

    def test_the_same_comes_out_as_of_one_look_at_everything(self) -> None:
        often, once = Trial(), Trial()
        for _ in range(5):
            often.pass_traffic(100, skill_b=0.7, told=0.8, shadow=True)
            often.settle()
            often.evaluate()
            once.pass_traffic(100, skill_b=0.7, told=0.8, shadow=True)
            once.settle()
        once.evaluate()
        a, b = state_of(often.record), state_of(once.record)
        for name in ("requests_a", "requests_b", "outcomes", "agreement"):
            assert getattr(a, name) == getattr(b, name)
        assert a.metrics["log_loss"].a.count == b.metrics["log_loss"].a.count
        assert a.metrics["log_loss"].served.value == pytest.approx(
            b.metrics["log_loss"].served.value, rel=0.2
        )

    def test_the_latest_seconds_are_left_for_the_next_time(self) -> None:
        trial = Trial()
        trial.pass_traffic(100, seconds=100.0)
        first = trial.evaluate()
        assert 60 <= first.requests <= 75
        trial.settle()
        assert first.requests + trial.evaluate().requests == 100

    @pytest.mark.parametrize("part_limit", [2, 7, 1_000])
    def test_a_backlog_is_read_in_parts_and_nothing_is_lost_or_counted_twice(self, part_limit: int) -> None:
        trial = Trial(part_limit=part_limit)
        trial.pass_traffic(300, told=0.7)
        trial.settle()
        for _ in range(30):
            trial.evaluate()
        state = state_of(trial.record)
        assert state.requests_a + state.requests_b == 300
        assert state.outcomes == len(trial.world.log.outcomes)

    def test_of_two_at_once_one_counts(self) -> None:
        trial = Trial()
        trial.pass_traffic(100)
        trial.settle()
        other = trial.evaluator()
        faster = []

        def meanwhile() -> None:
            trial.log.before_read = lambda: None
            faster.append(other())

        trial.log.before_read = meanwhile
        slower = trial.evaluate()
        assert (faster[0].outcome, slower.outcome) == (Outcome.NOTHING, Outcome.OVERTAKEN)
        state = state_of(trial.record)
        assert state.requests_a + state.requests_b == state.outcomes == 100

    def test_other_settings_begin_anew_from_the_first_record(self) -> None:
        trial = Trial()
        trial.pass_traffic(100)
        trial.settle()
        trial.evaluate()
        told = trial.evaluator(settings=replace(QUICK, latency_limit_ms=0.5))()
        assert told.requests == 100
        assert state_of(trial.record).requests_a + state_of(trial.record).requests_b == 100

    def test_a_state_that_cannot_be_read_begins_anew(self) -> None:
        trial = Trial()
        trial.pass_traffic(100)
        trial.settle()
        trial.evaluate()
        key = trial.record.experiment_id
        trial.experiments.records[key] = replace(trial.record, state=b"of another format")
        assert trial.evaluate().requests == 100

    def test_a_log_that_is_down_loses_nothing(self) -> None:
        trial = Trial()
        trial.pass_traffic(100)
        trial.settle()
        trial.log.down = True
        with pytest.raises(StoreUnavailable):
            trial.evaluate()
        trial.log.down = False
        assert trial.evaluate().requests == 100


class TestLife:
    def decided(self, mode: Mode = Mode.AUTO) -> Trial:
        trial = Trial(mode)
        trial.pass_traffic(1_000, skill_b=0.9)
        trial.settle()
        trial.evaluate()
        return trial

    def test_while_a_task_acts_nothing_is_read_or_launched(self) -> None:
        trial = self.decided()
        calls = trial.log.calls
        assert trial.evaluate().outcome is Outcome.ACTING
        assert (trial.log.calls, len(trial.launcher.tasks)) == (calls, 1)

    def test_a_task_that_died_is_launched_again(self) -> None:
        trial = self.decided()
        trial.launcher.ends[trial.record.task_arn] = TaskEnd("killed", 137)
        assert trial.evaluate().outcome is Outcome.ACTING
        assert trial.record.attempt == 2
        assert len(trial.launcher.tasks) == 2
        assert trial.world.observer.problem_events == ["promotion_died"]

    def test_a_task_that_was_not_started_is_started_by_the_next_evaluation(self) -> None:
        trial = Trial(Mode.AUTO)
        trial.pass_traffic(1_000, skill_b=0.9)
        trial.settle()
        trial.launcher.down = True
        with pytest.raises(StoreUnavailable):
            trial.evaluate()
        assert trial.record.stage is Stage.PROMOTING
        trial.launcher.down = False
        assert trial.evaluate().outcome is Outcome.ACTING
        assert trial.launcher.calls[0] == trial.launcher.calls[1]  # ECS starts no second

    def test_what_is_not_finished_is_taken_up_though_another_release_is_in_force(self) -> None:
        trial = self.decided()
        trial.launcher.ends[trial.record.task_arn] = TaskEnd("killed", 137)
        trial.world.publish(release_of(b=None))
        assert trial.evaluate().outcome is Outcome.NOTHING
        assert len(trial.launcher.tasks) == 2

    @pytest.mark.parametrize("stage", [Stage.PROMOTED, Stage.RETIRED, Stage.SUPERSEDED])
    def test_what_is_settled_stays_settled(self, stage: Stage) -> None:
        trial = self.decided()
        trial.experiments.records[trial.record.experiment_id] = replace(trial.record, stage=stage)
        assert trial.evaluate().outcome is Outcome.SETTLED

    def test_a_release_that_was_replaced_before_a_verdict_has_ended(self) -> None:
        trial = Trial()
        trial.pass_traffic(20)
        trial.settle()
        first = trial.evaluate()
        trial.world.publish(release_of(b=MODEL_C))
        trial.settle()
        second = trial.evaluate()
        assert first.experiment_id != second.experiment_id
        assert trial.experiments.records[first.experiment_id].stage is Stage.ENDED

    def test_a_release_that_is_taken_up_again_is_an_experiment_of_its_own(self) -> None:
        trial = self.decided()
        first = trial.record
        trial.world.publish(release_of(b=None))
        trial.settle()
        trial.world.publish(trial.release)
        trial.settle()
        trial.pass_traffic(40)
        trial.settle()
        told = trial.evaluate()
        assert told.experiment_id > first.experiment_id
        assert (told.requests, told.stage) == (40, "running")

    def test_one_that_a_rollback_began_is_acted_on_by_a_person_alone(self) -> None:
        trial = self.decided()
        at = iso_utc(trial.world.clock.now)
        trial.world.publish(trial.release)
        back = HistoryEntry(at, Deed.ROLLED_BACK, "a person", "x", trial.release.digest)
        trial.experiments.append(back)
        trial.experiments.records.clear()
        trial.pass_traffic(1_000, skill_b=0.9)
        trial.settle()
        told = trial.evaluate()
        assert (told.outcome, told.finding, told.stage) == (Outcome.ADVISED, "ship", "running")
        assert "only a person" in told.reason
        assert trial.evaluate(Mode.AUTO).outcome is Outcome.ACTING
