from __future__ import annotations

import json
from dataclasses import replace
from threading import Barrier, Thread

import pytest

from contender.domain.drift import DriftSettings
from contender.domain.records import Reason, RunRecord, RunState, TaskEnd, TrainingJob
from contender.errors import BadInput, NotFound, StoreUnavailable
from contender.usecases.launch_training import LAUNCH_GRACE_S, STOP_MARGIN_S, Action, CheckResult
from tests.support.drift_world import DRIFTED, TRAINING_LIMIT_S, DriftWorld, columns, drifted_world
from tests.support.world import RELEASE


@pytest.fixture
def world() -> DriftWorld:
    return drifted_world()


def record(world: DriftWorld) -> RunRecord:
    (only,) = world.runs.records.values()
    return only


class TestWithoutAChampion:
    def test_the_first_model_is_trained_on_the_reference(self) -> None:
        world = DriftWorld()
        result = world.check()()
        assert (result.window, result.verdict, result.action) == ("reference", "no_champion", Action.LAUNCHED)
        ((job, arn),) = world.launcher.tasks.values()
        assert job == TrainingJob(result.run_key, Reason.NO_CHAMPION, "reference/", "")
        assert result.task_arn == arn == record(world).task_arn
        assert record(world).state is RunState.LAUNCHED
        assert result.report_uri is None
        assert world.windows.opened == []

    def test_a_second_check_finds_it_handled(self) -> None:
        world = DriftWorld()
        world.check()()
        result = world.check()()
        assert (result.action, result.verdict) == (Action.ALREADY_HANDLED, "no_champion")
        assert len(world.launcher.calls) == 1

    @pytest.mark.parametrize("value", ["none", " none\n", None])
    def test_no_parameter_is_no_champion_either(self, value: str | None) -> None:
        world = DriftWorld()
        if value is None:
            world.parameters.delete(RELEASE)
        else:
            world.parameters.put(RELEASE, value)
        assert world.check()().verdict == "no_champion"

    def test_a_new_reference_is_trained_on_anew(self) -> None:
        world = DriftWorld()
        world.check()()
        world.put("reference/data.parquet", columns(), b"other rows")
        assert world.check()().action is Action.LAUNCHED


class TestVerdict:
    def test_a_window_like_the_reference_leads_to_nothing(self, world: DriftWorld) -> None:
        world.put("current/june/data.parquet", columns())
        result = world.check()()
        assert (result.window, result.verdict, result.action) == ("june", "no_drift", Action.NOTHING)
        assert record(world).state is RunState.CHECKED
        assert world.launcher.calls == []

    def test_a_window_too_small_leads_to_nothing(self, world: DriftWorld) -> None:
        world.put("current/june/data.parquet", columns(rows=10))
        result = world.check()()
        assert (result.verdict, result.action) == ("insufficient_data", Action.NOTHING)

    def test_drift_launches_a_training_on_the_window(self, world: DriftWorld) -> None:
        result = world.check()()
        assert (result.verdict, result.action) == ("drift", Action.LAUNCHED)
        ((job, arn),) = world.launcher.tasks.values()
        report_key = f"reports/june/{result.run_key}.json"
        assert job == TrainingJob(result.run_key, Reason.DRIFT, "current/june/", report_key)
        stored = record(world)
        assert (stored.state, stored.attempt, stored.task_arn) == (RunState.LAUNCHED, 1, arn)
        assert stored.launched_at == stored.checked_at == "2023-11-14T22:13:20.000Z"

    def test_a_window_without_a_declared_column_is_reported_and_not_trained_on(self) -> None:
        world = DriftWorld()
        world.crown()
        broken = {name: sample for name, sample in columns().items() if name != "age"}
        world.put("current/june/data.parquet", broken)
        first, again = world.check()(), world.check()()
        assert (first.verdict, first.action) == ("drift", Action.NOTHING)
        assert first.reason.endswith("not trained on: age absent or of another type")
        assert again == first
        assert record(world).state is RunState.REJECTED
        assert not world.launcher.tasks

    def test_the_report_lies_under_its_key(self, world: DriftWorld) -> None:
        result = world.check()()
        key = f"reports/june/{result.run_key}.json"
        assert result.report_uri == f"s3://artifacts/{key}"
        assert world.artifacts.types[key] == "application/json"
        report = json.loads(world.artifacts.content[key], parse_constant=pytest.fail)
        assert (report["window"], report["run_key"], report["verdict"]) == ("june", result.run_key, "drift")
        assert report["checked_at"] == "2023-11-14T22:13:20.000Z"

    def test_an_unreadable_window_is_an_error_and_leaves_no_record(self, world: DriftWorld) -> None:
        world.windows.samples.clear()
        with pytest.raises(BadInput, match="cannot be read"):
            world.check()()
        assert world.runs.records == {}

    def test_a_report_that_cannot_be_stored_leaves_no_record(self, world: DriftWorld) -> None:
        world.artifacts.down = True
        with pytest.raises(StoreUnavailable):
            world.check()()
        assert world.runs.records == {}
        assert world.launcher.calls == []


class TestOnce:
    def test_the_same_drift_is_trained_once_and_not_even_read_twice(self, world: DriftWorld) -> None:
        first = world.check()()
        second = world.check()()
        assert second.action is Action.ALREADY_HANDLED
        assert (second.run_key, second.task_arn) == (first.run_key, first.task_arn)
        assert len(world.windows.opened) == 2  # reference and window, once
        assert len(world.launcher.calls) == 1

    @pytest.mark.parametrize("state", [RunState.SUCCEEDED, RunState.REJECTED, RunState.LAUNCHED])
    def test_what_ended_or_runs_is_handled_for_good(self, world: DriftWorld, state: RunState) -> None:
        run_key = world.check()().run_key
        world.runs.move(run_key, [RunState.LAUNCHED], state=state.value)
        world.clock.now += 10 * LAUNCH_GRACE_S
        result = world.check()()
        assert (result.action, state.value in result.reason) == (Action.ALREADY_HANDLED, True)

    def test_of_two_checks_at_once_one_launches(self, world: DriftWorld) -> None:
        both_have_checked = Barrier(2, timeout=10)
        move = world.runs.move

        def move_together(run_key: str, expected: object, **changes: object) -> RunRecord:
            if isinstance(expected, RunRecord):
                both_have_checked.wait()
            return move(run_key, expected, **changes)  # type: ignore[arg-type]

        world.runs.move = move_together  # type: ignore[assignment, method-assign]
        results: list[CheckResult] = []
        threads = [Thread(target=lambda: results.append(world.check()())) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert sorted(result.action.value for result in results) == ["already_handled", "launched"]
        assert len(world.launcher.calls) == 1
        assert len(world.runs.records) == 1

    def test_a_changed_file_is_a_new_check(self, world: DriftWorld) -> None:
        first = world.check()()
        world.put("current/june/data.parquet", DRIFTED, b"other rows")
        second = world.check()()
        assert second.run_key != first.run_key
        assert second.action is Action.LAUNCHED

    def test_a_changed_reference_is_a_new_check(self, world: DriftWorld) -> None:
        first = world.check()()
        world.put("reference/more.parquet", columns())
        assert world.check()().run_key != first.run_key

    def test_changed_settings_are_a_new_check(self, world: DriftWorld) -> None:
        first = world.check()()
        world.settings = DriftSettings(alpha=0.01)
        assert world.check()().run_key != first.run_key

    def test_a_changed_declaration_is_a_new_check(self, world: DriftWorld) -> None:
        first = world.check()()
        document = json.loads(world.data.content["dataset.json"])
        del document["features"]["age"]
        world.data.put("dataset.json", json.dumps(document).encode())
        assert world.check()().run_key != first.run_key

    def test_markers_and_empty_objects_change_nothing(self, world: DriftWorld) -> None:
        first = world.check()()
        for key in ("reference/", "current/", "current/june/", "current/june/_SUCCESS", "current/july/"):
            world.data.put(key, b"")
        world.data.put("current/stray.csv", b"not in a window")
        second = world.check()()
        assert (second.run_key, second.action) == (first.run_key, Action.ALREADY_HANDLED)


class TestFailure:
    def test_a_failed_training_is_tried_again_under_a_new_token(self, world: DriftWorld) -> None:
        run_key = world.check()().run_key
        world.runs.move(run_key, [RunState.LAUNCHED], state="failed", detail="no memory")
        result = world.check()()
        assert result.action is Action.LAUNCHED
        stored = record(world)
        assert (stored.attempt, stored.state, stored.detail) == (2, RunState.LAUNCHED, None)
        assert world.launcher.calls == [f"{run_key[:48]}-1", f"{run_key[:48]}-2"]
        assert result.task_arn == stored.task_arn == "arn:task/2"

    def test_a_refused_launch_is_recorded_raised_and_tried_again(self, world: DriftWorld) -> None:
        world.launcher.down = True
        with pytest.raises(StoreUnavailable, match="ecs"):
            world.check()()
        assert record(world).state is RunState.FAILED
        assert "the task was not started: ecs" in (record(world).detail or "")
        world.launcher.down = False
        assert world.check()().action is Action.LAUNCHED
        assert record(world).attempt == 2

    @pytest.fixture
    def died(self, world: DriftWorld) -> DriftWorld:
        """A launch that died between the record and the task."""
        run_key = world.check()().run_key
        world.runs.records[run_key] = replace(record(world), task_arn=None)
        return world

    def test_a_launch_that_died_is_left_alone_within_the_grace(self, died: DriftWorld) -> None:
        died.clock.now += LAUNCH_GRACE_S
        assert died.check()().action is Action.ALREADY_HANDLED

    def test_after_the_grace_it_is_taken_up_under_the_same_token(self, died: DriftWorld) -> None:
        died.clock.now += LAUNCH_GRACE_S + 0.001
        result = died.check()()
        assert (result.action, result.task_arn) == (Action.LAUNCHED, "arn:task/1")
        assert died.launcher.calls == [f"{result.run_key[:48]}-1"] * 2
        assert len(died.launcher.tasks) == 1
        assert record(died).attempt == 1

    def test_a_task_that_ends_before_its_arn_is_written_keeps_its_end(self, world: DriftWorld) -> None:
        launch = world.launcher.launch

        def fast(job: TrainingJob, token: str) -> str:
            arn = launch(job, token)
            world.runs.move(job.run_key, [RunState.LAUNCHED], state="succeeded", model_version="2")
            return arn

        world.launcher.launch = fast  # type: ignore[method-assign]
        world.check()()
        stored = record(world)
        assert (stored.state, stored.model_version, stored.task_arn) == (
            RunState.SUCCEEDED,
            "2",
            "arn:task/1",
        )


class TestSilentDeath:
    """A task that ends without reporting, and nobody was told."""

    def test_the_next_check_trains_again(self, world: DriftWorld) -> None:
        world.check()()
        world.launcher.ends["arn:task/1"] = TaskEnd("Essential container exited", 137)
        result = world.check()()
        assert (result.action, result.task_arn) == (Action.LAUNCHED, "arn:task/2")
        assert (record(world).state, record(world).attempt) == (RunState.LAUNCHED, 2)
        ((event, detail),) = world.observer.problems
        assert (event, "exit code 137" in detail) == ("training_failed", True)

    def test_a_training_that_reports_meanwhile_is_handled(self, world: DriftWorld) -> None:
        run_key = world.check()().run_key

        def end_and_report(_: str) -> TaskEnd:
            world.runs.move(run_key, [RunState.LAUNCHED], state="succeeded", model_version="2")
            return TaskEnd("Essential container exited", 0)

        world.launcher.ended = end_and_report  # type: ignore[method-assign]
        result = world.check()()
        assert result.action is Action.ALREADY_HANDLED
        assert "succeeded" in result.reason

    def test_a_task_unknown_to_ecs_is_new_at_first_and_gone_later(self, world: DriftWorld) -> None:
        world.check()()
        world.launcher.ended = _unknown  # type: ignore[method-assign]
        assert world.check()().action is Action.ALREADY_HANDLED
        world.clock.now += LAUNCH_GRACE_S + 1
        assert world.check()().action is Action.LAUNCHED

    def test_a_task_that_outlives_its_limit_is_stopped_and_tried_again(self, world: DriftWorld) -> None:
        world.check()()
        world.clock.now += TRAINING_LIMIT_S + STOP_MARGIN_S
        assert world.check()().action is Action.ALREADY_HANDLED
        assert not world.launcher.ends
        world.clock.now += 1
        assert world.check()().action is Action.LAUNCHED
        assert "ran longer than the 14400 s" in world.launcher.ends["arn:task/1"].reason

    def test_while_ecs_does_not_answer_the_task_counts_as_running(self, world: DriftWorld) -> None:
        world.check()()
        world.launcher.down = True
        assert world.check()().action is Action.ALREADY_HANDLED
        assert world.observer.problem_events == ["task_not_asked_for"]


def _unknown(task_arn: str) -> TaskEnd | None:
    raise NotFound(task_arn)
