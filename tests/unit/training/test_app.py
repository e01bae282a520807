from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Callable

import pytest

from contender.domain.records import RunRecord, RunState
from contender.errors import TrainingFailed
from tests.support.fakes import MemoryRunRecords
from trainer.app import (
    FAILED,
    FROM_OUTSIDE,
    MISUSED,
    OUT_OF_TIME,
    STOPPED,
    TIMED_OUT,
    Stopped,
    _stop,
    main,
    supervise,
)
from trainer.job import Outcome
from trainer.steps import Steps

DONE = Outcome(RunState.SUCCEEDED, "7", "may challenge")


def launched(state: RunState = RunState.LAUNCHED) -> MemoryRunRecords:
    runs = MemoryRunRecords()
    runs.create(RunRecord("key", "w", state, "drift", "drifted", "2024-01-01T00:00:00.000Z", attempt=1))
    return runs


def supervised(runs: MemoryRunRecords, train: Callable[[], Outcome]) -> tuple[int, RunRecord | None, str]:
    log = io.StringIO()
    code = supervise(runs, "key", train, Steps(lambda: 0.0, log))
    return code, runs.get("key"), json.loads(log.getvalue().splitlines()[-1])["message"]


@pytest.mark.parametrize("outcome", [DONE, Outcome(RunState.REJECTED, "8", "clearly worse")])
def test_given_an_outcome_when_done_then_the_record_bears_it(outcome: Outcome) -> None:
    code, record, _ = supervised(launched(), lambda: outcome)

    assert code == 0
    assert record is not None
    assert (record.state, record.model_version, record.detail) == (
        outcome.state,
        outcome.model_version,
        outcome.detail,
    )
    assert record.finished_at


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (TrainingFailed("no candidate"), FAILED, "TrainingFailed: no candidate"),
        (ZeroDivisionError("x" * 5_000), FAILED, "ZeroDivisionError: x"),
        (Stopped(FROM_OUTSIDE, STOPPED), STOPPED, "stopped from outside"),
        (Stopped(OUT_OF_TIME, TIMED_OUT), TIMED_OUT, "TRAINING_LIMIT_SECONDS"),
        (MemoryError(), FAILED, "MemoryError"),
        (KeyboardInterrupt(), STOPPED, "stopped from outside"),
    ],
)
def test_given_any_end_when_training_does_not_finish_then_the_record_says_failed_and_why(
    error: BaseException, code: int, told: str
) -> None:
    def train() -> Outcome:
        raise error

    given, record, message = supervised(launched(), train)

    assert given == code
    assert record is not None
    assert record.state is RunState.FAILED
    assert told in (record.detail or "")
    assert len(record.detail or "") <= 1_000
    assert told in message


@pytest.mark.parametrize("state", [RunState.CHECKED, RunState.SUCCEEDED, RunState.FAILED])
def test_given_a_record_that_is_not_launched_when_started_then_nothing_is_trained(state: RunState) -> None:
    code, record, message = supervised(launched(state), lambda: pytest.fail("it trained"))

    assert code == FAILED
    assert record is not None
    assert record.state is state
    assert "nothing is trained" in message


def test_given_no_record_when_started_then_it_says_how_to_start() -> None:
    code, _, message = supervised(MemoryRunRecords(), lambda: DONE)

    assert code == FAILED
    assert "RUN_KEY" in message


def test_given_a_second_attempt_meanwhile_when_the_first_ends_then_it_leaves_the_record_alone() -> None:
    runs = launched()

    def train() -> Outcome:
        runs.move("key", [RunState.LAUNCHED], attempt=2)
        return DONE

    code, record, message = supervised(runs, train)

    assert code == FAILED
    assert record is not None
    assert (record.state, record.attempt) == (RunState.LAUNCHED, 2)
    assert "could not be moved" in message


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, STOPPED), (signal.SIGALRM, TIMED_OUT)])
def test_given_a_signal_when_it_comes_then_training_stops_and_a_second_one_is_ignored(
    number: signal.Signals, code: int
) -> None:
    before = {one: signal.signal(one, _stop) for one in (signal.SIGTERM, signal.SIGALRM)}
    try:
        with pytest.raises(Stopped) as stopped:
            os.kill(os.getpid(), number)
            signal.pause()
        assert stopped.value.code == code
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def test_given_an_empty_environment_when_started_then_every_variable_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main({}) == MISUSED

    told = capsys.readouterr().err
    assert all(name in told for name in ("DATA_BUCKET", "RUN_KEY", "MLFLOW_TRACKING_URI", "TRAIN_PREFIX"))
