"""The training in a real container: however it ends, the run record says so and nothing half-done serves.

Each test stands on the one before it.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import boto3
import mlflow
import pandas as pd
import pytest

from contender.adapters.dynamo_runs import DynamoRunRecords
from contender.domain.records import RunRecord, RunState
from infra.local import docker_engine
from infra.local.docker_engine import TRAINING_IMAGE
from infra.local.info import StackInfo
from scripts.datasets.flights import MAY_JUNE, FlightsPaths
from scripts.loop import Loop

pytestmark = pytest.mark.docker
T = TypeVar("T")

NOTICED_WITHIN_S = 60.0
SMALL_MEMORY = "250m"
"""More than Python needs to start, less than the libraries of the training need to be imported."""


@pytest.fixture(scope="module")
def runs(session: boto3.Session, stack: StackInfo) -> DynamoRunRecords:
    return DynamoRunRecords(session.client("dynamodb"), stack.runs_table)


def _aliases(stack: StackInfo) -> dict[str, str]:
    return dict(mlflow.MlflowClient(stack.mlflow_url).get_registered_model("contender").aliases)


def _until(found: Callable[[], T | None], seconds: float, what: str) -> T:
    deadline = time.monotonic() + seconds
    while (value := found()) is None:
        assert time.monotonic() < deadline, f"{what} did not come within {seconds:g} s"
        time.sleep(0.2)
    return value


def _ended(runs: DynamoRunRecords, run_key: str, seconds: float = NOTICED_WITHIN_S) -> RunRecord:
    def look() -> RunRecord | None:
        record = runs.get(run_key)
        return record if record and record.state is not RunState.LAUNCHED else None

    return _until(look, seconds, "the end of the run")


def _log(stack: StackInfo, task_arn: str) -> str:
    stream = f"training/training/{task_arn.rsplit('/', 1)[-1]}"
    logs = stack.client("logs")
    try:
        events = logs.get_log_events(logGroupName=stack.training_logs, logStreamName=stream)["events"]
    except logs.exceptions.ResourceNotFoundException:
        return ""
    return "\n".join(event["message"] for event in events)


def _exit_code(stack: StackInfo, task_arn: str) -> int:
    def look() -> int | None:
        answer = stack.client("ecs").describe_tasks(cluster=stack.cluster_arn, tasks=[task_arn])
        code: int | None = answer["tasks"][0]["containers"][0].get("exitCode")
        return code

    return _until(look, 30, "the end of the task")


def _container(task_arn: str) -> str:
    return _until(lambda: docker_engine.container_of(task_arn), 30, "the container")


def _until_it_logs(stack: StackInfo, task_arn: str, text: str) -> None:
    _until(lambda: text in _log(stack, task_arn) or None, 90, f"{text!r} in the task's log")


def test_a_champion_is_trained_in_a_container_and_its_log_is_in_cloudwatch(
    stack: StackInfo, first_run: RunRecord
) -> None:
    assert (first_run.state, first_run.model_version) == (RunState.SUCCEEDED, "1")
    assert _aliases(stack) == {"champion": "1"}
    assert first_run.task_arn is not None
    assert _exit_code(stack, first_run.task_arn) == 0
    assert '"step": "done"' in _log(stack, first_run.task_arn)


def test_the_image_runs_without_root_and_says_what_it_misses(engine: None) -> None:
    done = subprocess.run(
        ["docker", "run", "--rm", TRAINING_IMAGE, "sh", "-c", "id -u; touch /app/x; python -m trainer"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout.strip() == "10001"
    assert "Permission denied" in done.stderr
    assert "trainer: DATA_BUCKET: is not set" in done.stderr


def test_a_killed_container_leaves_a_failed_record_and_no_new_alias_and_the_next_check_trains(
    loop: Loop, stack: StackInfo, runs: DynamoRunRecords, flights: FlightsPaths, first_run: RunRecord
) -> None:
    loop.upload(flights.root, flights.may_june)
    answer = loop.check(loop.schedule_event())
    assert answer["action"] == "launched"
    _until_it_logs(stack, answer["task_arn"], "holdout:")  # it is searching now
    docker_engine.kill(_container(answer["task_arn"]))

    record = _ended(runs, answer["run_key"])

    assert record.state is RunState.FAILED
    assert "exit code 137 (killed: out of memory, or by hand)" in (record.detail or "")
    assert record.model_version is None
    assert _aliases(stack) == {"champion": "1"}
    again = loop.check(loop.schedule_event())
    assert (again["action"], again["run_key"]) == ("launched", answer["run_key"])
    assert again["task_arn"] != answer["task_arn"]
    assert loop.wait_for_training(answer["run_key"], lambda _: None).state is RunState.SUCCEEDED
    assert _aliases(stack)["challenger"] == runs.get(answer["run_key"]).model_version  # type: ignore[union-attr]


def test_a_training_out_of_memory_leaves_a_failed_record(
    loop: Loop, stack: StackInfo, runs: DynamoRunRecords, flights: FlightsPaths, tmp_path: Path
) -> None:
    before = _aliases(stack)
    answer = loop.check(_new_window(loop, flights, tmp_path, "hungry"))
    container = _container(answer["task_arn"])
    limits = ["--memory", SMALL_MEMORY, "--memory-swap", SMALL_MEMORY]
    subprocess.run(["docker", "update", *limits, container], check=True, capture_output=True)

    record = _ended(runs, answer["run_key"])

    assert record.state is RunState.FAILED
    assert "exit code 137" in (record.detail or "")
    assert _aliases(stack) == before


def test_bad_data_leaves_a_failed_record_that_says_what_is_wrong(
    loop: Loop, stack: StackInfo, runs: DynamoRunRecords, flights: FlightsPaths, tmp_path: Path
) -> None:
    before = _aliases(stack)
    answer = loop.check(_new_window(loop, flights, tmp_path, "one-class", late=1))

    record = _ended(runs, answer["run_key"])

    assert record.state is RunState.FAILED
    assert "class" in (record.detail or "")
    assert _exit_code(stack, answer["task_arn"]) == 1
    assert _aliases(stack) == before


def test_a_training_that_takes_too_long_gives_up_and_says_so(
    stack: StackInfo, runs: DynamoRunRecords, first_run: RunRecord
) -> None:
    before = _aliases(stack)
    slow = replace(first_run, run_key="5" * 64, state=RunState.LAUNCHED, task_arn=None, detail=None)
    assert runs.create(slow)
    told = {
        "RUN_KEY": slow.run_key,
        "REASON": "drift",
        "TRAIN_PREFIX": f"current/{MAY_JUNE}/",
        "TRAINING_LIMIT_SECONDS": "3",
    }
    environment = [{"name": name, "value": value} for name, value in told.items()]
    task = stack.client("ecs").run_task(
        cluster=stack.cluster_arn,
        taskDefinition=stack.task_definition_arn,
        launchType="FARGATE",
        overrides={"containerOverrides": [{"name": "training", "environment": environment}]},
    )["tasks"][0]["taskArn"]

    record = _ended(runs, slow.run_key)

    assert record.state is RunState.FAILED
    assert "TRAINING_LIMIT_SECONDS" in (record.detail or "")
    assert _exit_code(stack, task) == 124
    assert _aliases(stack) == before


def _new_window(
    loop: Loop, flights: FlightsPaths, folder: Path, name: str, **constant: object
) -> dict[str, Any]:
    """Uploads the drifted window under another name, some columns constant; gives the event."""
    frame = pd.read_parquet(flights.may_june).assign(**constant)
    target = folder / "current" / name / "data.parquet"
    target.parent.mkdir(parents=True)
    frame.to_parquet(target, index=False)
    loop.upload(folder, target.parent)
    return {"window": name}
