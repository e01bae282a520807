"""A training beside an experiment that runs, and one that dies: who serves afterwards."""

from __future__ import annotations

import io
import os
import signal
from functools import partial
from typing import Any

import mlflow
import pytest

from contender.adapters.mlflow_registry import MlflowRegistry
from contender.domain.assignment import Variant
from contender.domain.lifecycle import ExperimentRecord
from contender.domain.records import RunState
from contender.domain.release import parse_release
from contender.errors import StoreUnavailable, TrainingFailed
from tests.support.fakes import launched
from tests.support.training_lab import NAME, RELEASE, SPLIT, Lab
from trainer import job as job_module
from trainer.app import supervise
from trainer.steps import Steps
from trainer.stopping import Stops


def test_given_a_running_experiment_when_another_passes_the_gate_then_it_waits_or_replaces_by_rule(
    lab: Lab,
) -> None:
    registry = MlflowRegistry(lab.uri, NAME)
    waiting = lab.train("current/same/")

    assert waiting.state is RunState.SUCCEEDED
    assert "waits until the experiment of version 2 has ended" in waiting.detail
    assert registry.by_alias("challenger").model_version == "2"  # type: ignore[union-attr]
    assert registry.tagged("queue", "waiting") == [waiting.model_version]
    assert registry.tagged("queue", "challenging") == ["2"]
    assert lab.parameters.get([RELEASE])[RELEASE].value == lab.released

    replacing = lab.train("current/same/", queue_rule="replace")

    assert registry.by_alias("challenger").model_version == replacing.model_version  # type: ignore[union-attr]
    assert registry.tagged("queue", "replaced") == ["2"]


def test_given_an_experiment_that_was_stopped_when_another_passes_the_gate_then_it_takes_its_place(
    lab: Lab,
) -> None:
    digest = lab.parameters.get([RELEASE])[RELEASE].value.removeprefix("releases/").removesuffix(".json")
    at = "2024-01-01T00:00:00.000Z"
    lab.experiments.save(ExperimentRecord(f"{at}#x", digest, "1", "2", at, stopped_at=at))
    lab.parameters.put(SPLIT, "0.0")

    made = lab.train("current/same/")

    challenger = MlflowRegistry(lab.uri, NAME).by_alias("challenger")
    assert challenger is not None
    assert (challenger.model_version, challenger.train_prefix) == (made.model_version, "current/same/")
    assert lab.parameters.get([SPLIT])[SPLIT].value == "0.2"


@pytest.mark.parametrize("moment", ["alias", "publish", "end"])
def test_given_a_stop_after_the_alias_then_the_release_and_the_record_tell_of_the_version(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    mlflow.MlflowClient(lab.uri).delete_registered_model_alias(NAME, "challenger")
    runs = launched()

    def stops_after(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def call(*given: Any, **more: Any) -> Any:
            done = real(*given, **more)
            os.kill(os.getpid(), signal.SIGTERM)
            return done

        monkeypatch.setattr(owner, name, call)

    moments = {
        "alias": (MlflowRegistry, "set_alias"),
        "publish": (job_module, "publish"),
        "end": (runs, "move"),
    }
    stops_after(*moments[moment])
    with Stops(600.0) as stops:
        train = partial(lab.train, "current/same/", hold_stops=stops.hold)
        code = supervise(runs, "key", train, Steps(lambda: 0.0, io.StringIO()), stops)

    record = runs.get("key")
    assert code == 0
    assert record is not None
    assert record.state is RunState.SUCCEEDED
    challenger = MlflowRegistry(lab.uri, NAME).by_alias("challenger")
    assert challenger is not None
    assert challenger.model_version == record.model_version
    released = lab.artifacts.get(lab.parameters.get([RELEASE])[RELEASE].value)
    assert parse_release(released).variants[Variant.B].model_version == record.model_version


def test_given_a_release_that_cannot_be_made_then_the_error_tells_of_the_alias_and_what_to_do(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreUnavailable("ssm", "write the release")

    monkeypatch.setattr(job_module, "publish", refuse)
    with pytest.raises(TrainingFailed) as failed:
        lab.train("current/same/", queue_rule="replace")

    challenger = MlflowRegistry(lab.uri, NAME).by_alias("challenger")
    assert challenger is not None
    assert f"version {challenger.model_version} is @challenger" in str(failed.value)
    assert "write the release" in str(failed.value)
    assert "run scripts.publish" in str(failed.value)


class Killed(BaseException):
    """Stands for the end of the process; nothing in the training may handle it."""


@pytest.mark.parametrize("step", ["_give_place", "publish"])
def test_given_a_kill_after_registration_when_trained_again_then_nothing_of_it_served_and_all_is_well(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    registry, client = MlflowRegistry(lab.uri, NAME), mlflow.MlflowClient(lab.uri)
    challenger, released = registry.by_alias("challenger"), lab.parameters.get([RELEASE])[RELEASE]

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as deadly:
        deadly.setattr(job_module, step, die)
        with pytest.raises(Killed):
            lab.train("current/same/", queue_rule="replace")

    newest = max(client.search_model_versions(f"name = '{NAME}'"), key=lambda one: int(one.version))
    assert (newest.tags["run_key"], newest.tags["gate"]) == ("key of current/same/", "passed")
    assert lab.parameters.get([RELEASE])[RELEASE] == released
    if step == "_give_place":
        assert registry.by_alias("challenger") == challenger
    again = lab.train("current/same/", queue_rule="replace")
    assert again.state is RunState.SUCCEEDED
    assert int(again.model_version) == int(newest.version) + 1
    assert registry.by_alias("champion").model_version == "1"  # type: ignore[union-attr]
    assert registry.by_alias("challenger").model_version == again.model_version  # type: ignore[union-attr]
    release = parse_release(lab.artifacts.content[lab.parameters.get([RELEASE])[RELEASE].value])
    assert release.variants[Variant.B].model_version == again.model_version
