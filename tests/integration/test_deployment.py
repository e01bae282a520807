"""The deployed template: every route answers, tasks run, logs arrive, MLflow writes where it should."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from contender.adapters.dynamo_runs import DynamoRunRecords
from contender.domain.records import RunRecord, RunState
from infra.local.deploy import declared_routes
from infra.local.info import StackInfo

pytestmark = pytest.mark.integration

NO_SUCH_ROUTE = {403, 404}


def _start_task(stack: StackInfo, *command: str, started_by: str = "a-run") -> str:
    override = {
        "name": "training",
        "command": list(command),
        "environment": [{"name": "RUN_KEY", "value": "a-run"}],
    }
    answer = stack.client("ecs").run_task(
        cluster=stack.cluster_arn,
        taskDefinition=stack.task_definition_arn,
        launchType="FARGATE",
        startedBy=started_by,
        overrides={"containerOverrides": [override]},
    )
    return str(answer["tasks"][0]["taskArn"])


def _run_task(stack: StackInfo, *command: str) -> dict[str, Any]:
    ecs = stack.client("ecs")
    started = _start_task(stack, *command)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        task: dict[str, Any] = ecs.describe_tasks(cluster=stack.cluster_arn, tasks=[started])["tasks"][0]
        if task["lastStatus"] == "STOPPED":
            return task
        time.sleep(0.1)
    raise AssertionError(f"{started} did not stop")


def _log_lines(stack: StackInfo, task_arn: str) -> list[str]:
    logs = stack.client("logs")
    stream = f"training/training/{task_arn.rsplit('/', 1)[-1]}"
    deadline = time.monotonic() + 10
    while True:
        events = logs.get_log_events(logGroupName=stack.training_logs, logStreamName=stream)["events"]
        if events or time.monotonic() > deadline:
            return [event["message"] for event in events]
        time.sleep(0.1)


@pytest.mark.parametrize(("method", "path"), declared_routes())
def test_every_declared_route_reaches_the_router(stack: StackInfo, method: str, path: str) -> None:
    """Emulators drop routes silently; what the router itself answers is JSON with a type or a status."""
    answer = requests.request(method, f"{stack.api_url}{path}", data="", timeout=30)
    assert answer.headers["content-type"].startswith("application/"), answer.text
    assert "Missing Authentication Token" not in answer.text
    assert answer.status_code < 500 or answer.status_code == 503, answer.text


def test_a_route_that_is_not_declared_does_not_reach_the_router(stack: StackInfo) -> None:
    assert requests.get(f"{stack.api_url}/predict", timeout=30).status_code in NO_SUCH_ROUTE


def test_a_task_succeeds_with_the_templates_environment_and_the_overrides(stack: StackInfo) -> None:
    program = (
        "import boto3, os, contender;"
        "names = ['RUN_KEY', 'DATA_BUCKET', 'MLFLOW_TRACKING_URI'];"
        "print(*(os.environ[name] for name in names));"
        "boto3.client('s3').head_bucket(Bucket=os.environ['DATA_BUCKET'])"
    )
    task = _run_task(stack, "python", "-c", program)
    assert task["containers"][0]["exitCode"] == 0
    assert _log_lines(stack, task["taskArn"]) == [f"a-run {stack.data_bucket} {stack.mlflow_url}"]


def test_a_failing_task_says_so(stack: StackInfo) -> None:
    task = _run_task(stack, "python", "-c", "raise SystemExit(3)")
    assert (task["containers"][0]["exitCode"], task["stopCode"]) == (3, "EssentialContainerExited")


def test_a_task_that_dies_without_a_word_is_marked_failed_on_its_run_record(stack: StackInfo) -> None:
    """Its event finds the function by the deployed rule; the record names the task, as after a launch."""
    runs = DynamoRunRecords(stack.client("dynamodb"), stack.runs_table)
    run_key = "d" * 64
    now = "2026-01-05T06:00:00.000Z"
    runs.create(RunRecord(run_key, "june", RunState.LAUNCHED, "drift", "drifted", now, now, attempt=1))
    kills_itself = "import os, time; time.sleep(2); os.kill(os.getpid(), 9)"
    task_arn = _start_task(stack, "python", "-c", kills_itself, started_by=run_key)
    runs.move(run_key, [RunState.LAUNCHED], task_arn=task_arn)
    deadline = time.monotonic() + 60
    while (record := runs.get(run_key)) and record.state is RunState.LAUNCHED:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert record is not None
    assert record.state is RunState.FAILED
    assert "exit code 137" in (record.detail or "")


def test_mlflow_keeps_artifacts_in_the_artifact_bucket(stack: StackInfo) -> None:
    answer = requests.get(
        f"{stack.mlflow_url}/api/2.0/mlflow/experiments/get", params={"experiment_id": "0"}, timeout=30
    )
    location = answer.json()["experiment"]["artifact_location"]
    assert location.startswith(f"s3://{stack.artifact_bucket}/mlflow")


def test_the_first_split_and_release_are_the_templates(stack: StackInfo) -> None:
    ssm = stack.client("ssm")
    history = ssm.get_parameter_history(Name=stack.split_parameter)["Parameters"]
    assert min(history, key=lambda one: one["Version"])["Value"] == "0.2"
    history = ssm.get_parameter_history(Name=stack.release_parameter)["Parameters"]
    assert min(history, key=lambda one: one["Version"])["Value"] == "none"
