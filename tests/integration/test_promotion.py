"""From the log to a verdict, from a verdict to a new champion, and back: on the deployed stack."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import boto3
import mlflow
import pytest
import requests

from contender.domain.lifecycle import Deed, Stage
from contender.domain.records import SPILLED
from contender.usecases.predict import iso_utc
from infra.local.info import StackInfo
from scripts import retire, rollback
from scripts.datasets.flights import FlightsPaths
from scripts.evaluation import Evaluation
from scripts.loop import Loop
from scripts.traffic_client import send, send_outcomes
from scripts.traffic_rows import body, rows_from_file

pytestmark = pytest.mark.integration

REQUESTS = 300
FOLLOWED_WITHIN_S = 10.0


@pytest.fixture(scope="module")
def evaluation(stack: StackInfo, session: boto3.Session, loop: Loop, flights: FlightsPaths) -> Evaluation:
    """Champion and challenger are there, whether another test has trained them or not."""
    if set(aliases(stack)) != {"champion", "challenger"}:
        loop.upload(flights.root, flights.declaration, flights.reference)
        loop.wait_for_training(loop.check({})["run_key"], lambda _: None)
        loop.upload(flights.root, flights.may_june)
        loop.wait_for_training(loop.check({})["run_key"], lambda _: None)
    return Evaluation(session, stack.evaluate_function, stack.experiments_table)


def aliases(stack: StackInfo) -> dict[str, str]:
    """Alias → version in the registry; empty before the first training."""
    try:
        found = mlflow.MlflowClient(stack.mlflow_url).get_registered_model("contender").aliases
    except mlflow.exceptions.MlflowException:
        return {}
    return {alias: str(version) for alias, version in found.items()}


def served(stack: StackInfo) -> dict[str, str]:
    """Variant → version, by the router's own word."""
    release = requests.get(f"{stack.api_url}/release", timeout=60).json()
    return {name: one["model_version"] for name, one in release["variants"].items()}


def test_what_is_new_in_the_log_is_judged_once(
    stack: StackInfo, session: boto3.Session, evaluation: Evaluation, flights: FlightsPaths
) -> None:
    before = evaluation.look_at_everything(lambda _: None)
    requests.post(f"{stack.api_url}/config", json={"ab_split_b": 0.5}, timeout=60)
    rows = rows_from_file(flights.july, flights.dataset, REQUESTS)
    traffic = send(stack.api_url, rows, concurrency=2)
    told = send_outcomes(stack.api_url, traffic.outcomes(), concurrency=2)
    assert told.accepted == REQUESTS
    after = evaluation.look_at_everything(lambda _: None)
    assert after["experiment_id"] == before["experiment_id"]
    assert (after["requests"], after["outcomes"], after["reads"]) == (REQUESTS, REQUESTS, 16)
    assert after["finding"] in {"continue", "ship"}
    again = evaluation.look()
    assert (again["requests"], again["outcomes"]) == (0, 0)
    record = evaluation.experiments.get(after["experiment_id"])
    assert record is not None
    assert '"pairs": ' in record.evidence
    stored = session.client("dynamodb").scan(TableName=stack.predictions_table)["Items"]
    shadows = [item for item in stored if "shadow" in item]
    assert len(shadows) >= REQUESTS * 0.9
    assert all(item["shadow"]["M"]["variant"] != item["served"] for item in shadows)


def test_a_verdict_is_carried_out_by_a_task(stack: StackInfo, evaluation: Evaluation) -> None:
    before = aliases(stack)
    (record, *_) = evaluation.experiments.recent(1)
    decided = replace(record, stage=Stage.PROMOTING, decided_at=iso_utc(time.time()))
    evaluation.experiments.save(decided)  # as an evaluation that finds SHIP in auto
    answer = evaluation.look()
    assert answer["outcome"] == "acting"
    settled = evaluation.wait_for_end(record.experiment_id, lambda _: None)
    assert settled.stage is Stage.PROMOTED, settled.detail
    assert aliases(stack) == {"champion": before["challenger"]}
    version = mlflow.MlflowClient(stack.mlflow_url).get_model_version("contender", before["champion"])
    assert version.tags["retired_at"] == decided.decided_at
    time.sleep(FOLLOWED_WITHIN_S)
    assert served(stack) == {"A": before["challenger"]}
    assert requests.get(f"{stack.api_url}/config", timeout=60).json()["ab_split_b"] == 0.2
    (entry, *_) = evaluation.experiments.history(1)
    assert (entry.deed, entry.experiment_id) == (Deed.PROMOTED, record.experiment_id)
    assert evaluation.look()["outcome"] == "nothing"


def test_one_command_goes_back_within_ten_seconds(
    stack: StackInfo, evaluation: Evaluation, capsys: pytest.CaptureFixture[str]
) -> None:
    promoted = served(stack)["A"]
    assert rollback.main(["--list"]) == 0
    assert "* " in capsys.readouterr().out
    started = time.monotonic()
    assert rollback.main(["--to", "previous", "--by", "a test"]) == 0
    time.sleep(max(0.0, FOLLOWED_WITHIN_S - (time.monotonic() - started)))
    back = served(stack)
    assert back["B"] == promoted
    assert aliases(stack) == {"champion": back["A"], "challenger": back["B"]}
    (entry, *_) = evaluation.experiments.history(1)
    assert (entry.deed, entry.who) == (Deed.ROLLED_BACK, "a test")
    assert evaluation.look()["stage"] == "running"


def test_what_the_log_refused_comes_back_and_takes_its_outcome(
    stack: StackInfo, session: boto3.Session, evaluation: Evaluation, flights: FlightsPaths
) -> None:
    (row,) = rows_from_file(flights.july, flights.dataset, 1)
    answer = requests.post(f"{stack.api_url}/predict", json=body(row, positional=False), timeout=60).json()
    told = {"request_id": answer["request_id"], "outcome": row.outcome}
    dynamodb, key = session.client("dynamodb"), {"request_id": {"S": answer["request_id"]}}
    item = dynamodb.get_item(TableName=stack.predictions_table, Key=key)["Item"]
    # As if the table had refused it: it is not there, and the router's log has it.
    dynamodb.delete_item(TableName=stack.predictions_table, Key=key)
    refused = requests.post(f"{stack.api_url}/feedback", json=told, timeout=60)
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:contender:not-yet")
    record = {name: _plain(value) for name, value in item.items() if name != "logged_at"}
    logs = session.client("logs")
    printed = logs.filter_log_events(
        logGroupName=stack.router_logs, filterPattern=f'"{answer["request_id"]}"'
    )["events"]
    assert json.loads(printed[0]["message"])["stored"] is True  # a line that the router prints is an event
    logs.create_log_stream(logGroupName=stack.router_logs, logStreamName="spilled")
    logs.put_log_events(
        logGroupName=stack.router_logs,
        logStreamName="spilled",
        logEvents=[
            {"timestamp": int((time.time() - 60) * 1000), "message": json.dumps({SPILLED: record})},
        ],
    )
    assert (evaluation.look()["recovered"], evaluation.look()["recovered"]) == (1, 0)
    assert requests.post(f"{stack.api_url}/feedback", json=told, timeout=60).status_code == 204
    back = dynamodb.get_item(TableName=stack.predictions_table, Key=key)["Item"]
    assert back["logged_at"]["S"] > item["at"]["S"]
    changed = ("logged_at", "outcome", "outcome_at")
    assert {name: value for name, value in back.items() if name not in changed} == {
        name: value for name, value in item.items() if name != "logged_at"
    }


def test_one_command_retires_the_challenger(
    stack: StackInfo, evaluation: Evaluation, capsys: pytest.CaptureFixture[str]
) -> None:
    before = aliases(stack)
    assert retire.main(["--reason", "a test does not want it", "--by", "a test"]) == 0
    assert "retired: Retired by hand: a test does not want it; version" in capsys.readouterr().out
    assert aliases(stack) == {"champion": before["champion"]}
    (entry, *_) = evaluation.experiments.history(1)
    assert (entry.deed, entry.who) == (Deed.RETIRED, "a test")
    assert retire.main(["--reason", "again"]) == 1
    assert "nothing to retire" in capsys.readouterr().err


def _plain(value: dict[str, Any]) -> Any:
    """DynamoDB's JSON as the router's own."""
    ((kind, content),) = value.items()
    if kind == "M":
        return {name: _plain(member) for name, member in content.items()}
    return {"N": lambda: json.loads(content), "NULL": lambda: None}.get(kind, lambda: content)()
