from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from runpy import run_module
from typing import Any

import pytest

from contender.domain.records import RunRecord, RunState
from contender.errors import TrainingFailed
from tests.support.fakes import MemoryRunRecords, launched
from trainer import app, helpers
from trainer.app import FAILED, MISUSED, main, supervise
from trainer.job import Outcome
from trainer.steps import Steps
from trainer.stopping import FROM_OUTSIDE, OUT_OF_TIME, STOPPED, TIMED_OUT, Stopped, Stops

DONE = Outcome(RunState.SUCCEEDED, "7", "may challenge")


def supervised(runs: MemoryRunRecords, train: Callable[[], Outcome]) -> tuple[int, RunRecord | None, str]:
    log = io.StringIO()
    code = supervise(runs, "key", train, Steps(lambda: 0.0, log), Stops(60.0))
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("moment", ["claim", "training", "end"])
def test_given_a_signal_at_any_moment_and_once_more_then_the_record_says_failed(
    number: signal.Signals, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = launched()

    def told(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            if name == moment:
                os.kill(os.getpid(), number)
            return real(*given, **more)

        return call

    monkeypatch.setattr(runs, "get", told("claim", runs.get))
    monkeypatch.setattr(runs, "move", told("end", runs.move))
    with Stops(60.0) as stops:
        code = supervise(
            runs, "key", told("training", lambda: DONE), Steps(lambda: 0.0, io.StringIO()), stops
        )
        record = runs.get("key")

    assert code == STOPPED
    assert record is not None
    assert (record.state, record.detail) == (RunState.FAILED, FROM_OUTSIDE)


def test_given_a_stop_that_a_library_makes_its_own_error_then_the_record_says_what_it_was() -> None:
    runs = launched()
    log = io.StringIO()

    def train() -> Outcome:
        try:
            os.kill(os.getpid(), signal.SIGALRM)
            signal.pause()
        except Stopped:
            raise ImportError("initialization failed") from None
        raise AssertionError("no signal came")

    with Stops(60.0) as stops:
        code = supervise(runs, "key", train, Steps(lambda: 0.0, log), stops)
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)

    record = runs.get("key")
    assert code == TIMED_OUT
    assert record is not None
    assert (record.state, record.detail) == (RunState.FAILED, OUT_OF_TIME)


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """``python -m trainer`` without helpers, in this process; signals do nothing, as to process 1."""
    monkeypatch.setattr(helpers, "helpers", nullcontext)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    before = {one: signal.signal(one, signal.SIG_IGN) for one in (signal.SIGTERM, signal.SIGINT)}
    yield monkeypatch
    for one, handler in before.items():
        signal.signal(one, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_given_a_signal_while_the_program_is_still_imported_then_it_ends_also_as_process_1(
    program: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    program.setattr(app, "main", lambda *_: os.kill(os.getpid(), number))

    with pytest.raises(SystemExit) as ended:
        run_module("trainer", run_name="__main__")

    assert ended.value.code == STOPPED


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_given_an_end_that_is_written_down_when_told_once_more_then_the_exit_code_is_its_own(
    program: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    @contextmanager
    def slow_helpers() -> Iterator[None]:
        yield
        os.kill(os.getpid(), number)

    ended: list[int] = []
    program.setattr(helpers, "helpers", slow_helpers)
    program.setattr(app, "main", lambda *_: TIMED_OUT)
    program.setattr(os, "_exit", ended.append)
    run_module("trainer", run_name="__main__")

    assert ended == [TIMED_OUT]


def test_given_an_empty_environment_when_started_then_every_variable_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main({}) == MISUSED

    told = capsys.readouterr().err
    assert all(name in told for name in ("DATA_BUCKET", "RUN_KEY", "MLFLOW_TRACKING_URI", "TRAIN_PREFIX"))
