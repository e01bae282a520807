from __future__ import annotations

from pathlib import Path
from threading import Event

import mlflow
import pytest

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
