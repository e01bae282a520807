from __future__ import annotations

from dataclasses import replace

import pytest

from contender.domain.records import RunRecord, RunState, TaskEnd
from contender.errors import Conflict, StoreUnavailable
from contender.usecases.settle_run import Settled, SettleRun
from tests.support.fakes import FakeClock, MemoryRunRecords, RecordingObserver

KILLED = TaskEnd("Essential container exited", 137)
LAUNCHED = RunRecord(
    run_key="key",
    window="june",
    state=RunState.LAUNCHED,
    verdict="drift",
    reason="drifted",
    checked_at="2024-01-01T00:00:00.000Z",
    launched_at="2024-01-01T00:00:01.000Z",
    attempt=2,
    task_arn="arn:task/2",
)


class World:
    """The use case on fakes, with one record."""

    def __init__(self, record: RunRecord = LAUNCHED) -> None:
        self.runs = MemoryRunRecords()
        self.runs.create(record)
        self.observer = RecordingObserver()
        self.settle = SettleRun(self.runs, self.observer, FakeClock())

    @property
    def record(self) -> RunRecord:
        """The record as it stands."""
        return self.runs.records["key"]


def test_a_task_that_died_without_a_word_leaves_a_failed_record_that_says_how() -> None:
    world = World()
    assert world.settle("key", "arn:task/2", KILLED) is Settled.FAILED
    assert world.record == replace(
        LAUNCHED,
        state=RunState.FAILED,
        detail="the training ended without a word: Essential container exited, exit code 137 "
        "(killed: out of memory, or by hand)",
        finished_at="2023-11-14T22:13:20.000Z",
    )
    assert world.observer.problem_events == ["training_failed"]


def test_the_same_event_again_changes_nothing() -> None:
    world = World()
    world.settle("key", "arn:task/2", KILLED)
    before = world.record
    assert world.settle("key", "arn:task/2", TaskEnd("other", 1)) is Settled.REPORTED
    assert world.record is before


@pytest.mark.parametrize("state", [s for s in RunState if s is not RunState.LAUNCHED])
def test_what_the_training_wrote_itself_counts(state: RunState) -> None:
    world = World(replace(LAUNCHED, state=state))
    assert world.settle("key", "arn:task/2", TaskEnd("Essential container exited", 0)) is Settled.REPORTED
    assert world.record.state is state
    # The alarm on failed trainings counts those too that said why.
    assert world.observer.problem_events == (["training_failed"] if state is RunState.FAILED else [])


def test_the_end_of_an_earlier_attempt_does_not_touch_the_later_one() -> None:
    world = World()
    assert world.settle("key", "arn:task/1", KILLED) is Settled.SUPERSEDED
    assert world.record == LAUNCHED


def test_a_task_that_no_check_launched_is_nobodys() -> None:
    assert World().settle("someone", "arn:task/2", KILLED) is Settled.UNKNOWN


def test_an_end_that_comes_before_the_launch_is_written_down_is_to_be_told_again() -> None:
    world = World(replace(LAUNCHED, task_arn=None))
    with pytest.raises(Conflict, match="does not name its task yet"):
        world.settle("key", "arn:task/2", KILLED)
    assert world.record.state is RunState.LAUNCHED


def test_a_training_that_reports_at_the_same_moment_wins() -> None:
    world = World()
    seen = world.record
    world.runs.move("key", seen, state=RunState.SUCCEEDED.value, model_version="3")
    assert world.settle.fail(seen, KILLED) is Settled.REPORTED
    assert world.record.state is RunState.SUCCEEDED


def test_a_table_that_does_not_answer_is_told() -> None:
    world = World()
    world.runs.down = True
    with pytest.raises(StoreUnavailable):
        world.settle("key", "arn:task/2", KILLED)


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (TaskEnd("why"), "why"),
        (TaskEnd("why", 0), "why, exit code 0"),
        (TaskEnd("why", 139), "why, exit code 139 (crashed: segmentation fault)"),
    ],
)
def test_an_end_reads_well(end: TaskEnd, told: str) -> None:
    assert str(end) == told
