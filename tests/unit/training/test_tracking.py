from __future__ import annotations

from pathlib import Path
from threading import Event

import mlflow
import pytest
from mlflow.exceptions import MlflowException

from trainer import tracking
from trainer.stopping import OUT_OF_TIME, TIMED_OUT, Stopped
from trainer.tracking import Tracking


@pytest.fixture
def run(tmp_path: Path) -> Tracking:
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    mlflow.create_experiment("m", artifact_location=tmp_path.as_uri())
    return Tracking(uri, "m")


def status(run_id: str) -> str:
    return str(mlflow.get_run(run_id).info.status)


def test_a_run_ends_as_its_training_does(run: Tracking) -> None:
    with run.run("one", {}, {}) as done:
        pass
    with pytest.raises(ValueError), run.run("two", {}, {}) as broken:
        raise ValueError
    with pytest.raises(Stopped), run.run("three", {}, {}) as stopped:
        raise Stopped(OUT_OF_TIME, TIMED_OUT)

    assert [status(done), status(broken), status(stopped)] == ["FINISHED", "FAILED", "FAILED"]


def test_given_a_server_that_is_gone_at_the_end_then_the_training_ends_as_it_did(
    run: Tracking, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def gone(*_: object) -> None:
        mlflow.tracking.fluent._active_run_stack.get().pop()  # as MLflow does before it asks the server
        raise MlflowException("connection refused")

    monkeypatch.setattr(mlflow, "end_run", gone)
    with run.run("one", {}, {}) as done:
        pass
    with pytest.raises(ValueError, match="the window"), run.run("two", {}, {}):
        raise ValueError("the window is broken")

    assert f"{done} stays open" in caplog.text


def test_given_a_server_that_does_not_answer_when_told_to_stop_then_nothing_waits_for_it(
    run: Tracking, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, answers = Event(), Event()

    def hangs(*_: object) -> None:
        asked.set()
        answers.wait()

    with monkeypatch.context() as silent:
        silent.setattr(tracking, "GRACE_S", 0.05)
        silent.setattr(run._client, "set_terminated", hangs)
        with pytest.raises(Stopped), run.run("one", {}, {}) as stopped:
            raise Stopped(OUT_OF_TIME, TIMED_OUT)
        assert asked.is_set()
        answers.set()

    assert status(stopped) == "RUNNING"
    mlflow.end_run()  # which this process still has open
