"""The loop on a small slice of real flights, on the deployed stack: each test stands on the one before it."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import boto3
import mlflow
import pandas as pd
import pytest
import requests

from contender.adapters.dynamo_runs import DynamoRunRecords
from contender.domain.records import RunState
from infra.local.info import StackInfo
from scripts.analysis.document import to_document
from scripts.analysis.judging import judging
from scripts.analysis.report import make_report
from scripts.datasets.flights import FlightsPaths
from scripts.demo.splits import by_api, by_aws_cli
from scripts.export import export_log
from scripts.loop import Loop, LoopFailed
from scripts.traffic_client import send, send_outcomes
from scripts.traffic_rows import rows_from_file

pytestmark = pytest.mark.integration

FOLLOWED_WITHIN_S = 10.0


def aliases(stack: StackInfo) -> dict[str, str]:
    """Alias → version in the registry."""
    return dict(mlflow.MlflowClient(stack.mlflow_url).get_registered_model("contender").aliases)


def test_without_data_the_check_says_what_is_missing(loop: Loop) -> None:
    with pytest.raises(LoopFailed, match=r"dataset\.json: does not exist; upload a dataset\.json"):
        loop.check({})


def test_without_a_release_the_router_refuses_with_a_reason(stack: StackInfo) -> None:
    answer = requests.post(f"{stack.api_url}/predict", json={"features": {}}, timeout=60)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert "no release is published yet" in answer.json()["detail"]


def test_without_a_champion_the_reference_trains_the_first_one(
    loop: Loop, stack: StackInfo, flights: FlightsPaths
) -> None:
    loop.upload(flights.root, flights.declaration, flights.reference)
    answer = loop.check(loop.schedule_event())
    assert (answer["verdict"], answer["action"]) == ("no_champion", "launched")
    record = loop.wait_for_training(answer["run_key"], lambda _: None)
    assert (record.state, record.model_version) == (RunState.SUCCEEDED, "1")
    assert aliases(stack) == {"champion": "1"}


def test_a_window_like_the_reference_trains_nothing(loop: Loop, flights: FlightsPaths) -> None:
    loop.upload(flights.root, flights.heldout)
    answer = loop.check(loop.schedule_event())
    assert (answer["verdict"], answer["action"], answer["task_arn"]) == ("no_drift", "nothing", None)


def test_a_shifted_window_trains_a_challenger_once(
    loop: Loop, stack: StackInfo, flights: FlightsPaths
) -> None:
    loop.upload(flights.root, flights.may_june)
    answer = loop.check(loop.schedule_event())
    assert (answer["verdict"], answer["action"]) == ("drift", "launched")
    at_once = loop.check(loop.schedule_event())
    assert at_once["action"] == "already_handled"
    record = loop.wait_for_training(answer["run_key"], lambda _: None)
    assert (record.state, record.model_version) == (RunState.SUCCEEDED, "2")
    assert aliases(stack) == {"champion": "1", "challenger": "2"}
    afterwards = loop.check(loop.schedule_event())
    assert (afterwards["action"], afterwards["task_arn"]) == ("already_handled", answer["task_arn"])


def test_mlflow_keeps_the_search(session: boto3.Session, stack: StackInfo) -> None:
    client = mlflow.MlflowClient(stack.mlflow_url)
    version = client.get_model_version_by_alias("contender", "challenger")
    parent = client.get_run(version.run_id)
    nested = client.search_runs(
        [parent.info.experiment_id], f"tags.`mlflow.parentRunId` = '{version.run_id}'"
    )
    names = {artifact.path for artifact in client.list_artifacts(version.run_id)}
    assert len(nested) >= 10
    assert all(run.data.metrics for run in nested)
    assert parent.data.metrics["holdout_auc"] > 0.5
    assert any(name.startswith("leaderboard") for name in names)
    assert any("report" in name for name in names)
    assert any(name.startswith("plots") for name in names)


def test_the_registered_model_answers_people_as_the_router_does(
    session: boto3.Session, stack: StackInfo, flights: FlightsPaths
) -> None:
    rows = rows_from_file(flights.july, flights.dataset, 20)
    model = mlflow.pyfunc.load_model("models:/contender@champion")
    frame = pd.DataFrame([row.features for row in rows])
    numeric = [name for name, kind in flights.dataset.features.items() if kind == "numeric"]
    frame[numeric] = frame[numeric].astype("float32")
    frame = frame.fillna({name: "" for name in frame if name not in numeric})
    expected = pd.DataFrame(model.predict(frame))
    for row, probability in zip(rows, expected["probability_1"], strict=True):
        answer = requests.post(f"{stack.api_url}/predict", json={"features": row.features}, timeout=60).json()
        if answer["model_version"] == "1":
            assert answer["probabilities"]["1"] == pytest.approx(float(probability), abs=1e-6)


def test_both_ways_of_changing_the_split_move_the_traffic(
    stack: StackInfo, session: boto3.Session, flights: FlightsPaths
) -> None:
    rows = rows_from_file(flights.july, flights.dataset, 200)
    ways = (
        (1.0, "B", lambda share: by_aws_cli(stack.aws_cli, stack.env, stack.split_parameter, share)),
        (0.0, "A", lambda share: by_api(stack.api_url, share)),
    )
    for share, variant, change in ways:
        changed = change(share)
        time.sleep(max(0.0, changed.asked_at + FOLLOWED_WITHIN_S - time.time()))
        answers = send(stack.api_url, rows[:50], concurrency=2).responses
        assert Counter(answer.variant for answer in answers) == {variant: 50}
    by_api(stack.api_url, 0.5)


def test_every_answer_is_logged_and_analysed(
    stack: StackInfo, session: boto3.Session, flights: FlightsPaths, tmp_path: Path
) -> None:
    table = session.client("dynamodb")
    before = table.scan(TableName=stack.predictions_table, Select="COUNT")["Count"]
    rows = rows_from_file(flights.july, flights.dataset, 400)
    traffic = send(stack.api_url, rows, concurrency=2)
    assert len(traffic.answered) == 400
    told = send_outcomes(stack.api_url, traffic.outcomes(), concurrency=2)
    assert told.accepted == 400
    exported = export_log(
        session,
        stack.predictions_table,
        stack.artifact_bucket,
        "test",
        log_group=stack.router_logs,
        say=lambda _: None,
    )
    assert exported.stored + exported.spilled == before + 400
    judged = judging(stack.env)
    assert judged.told.startswith(f"Judged as the stack is configured ({stack.evaluate_function})")
    document = to_document(make_report(exported.uri, settings=judged.settings, judged_by=judged.told))
    assert document["variants"]["A"]["outcomes"] + document["variants"]["B"]["outcomes"] == 400
    assert document["sample_ratio"]["p_value"] > 1e-6
    assert document["differences"]["auc"]["value"] is not None


def test_feedback_is_kept_once(stack: StackInfo, flights: FlightsPaths) -> None:
    (row,) = rows_from_file(flights.july, flights.dataset, 1)
    request = requests.post(f"{stack.api_url}/predict", json={"features": row.features}, timeout=60).json()

    def tell(request_id: str, outcome: int) -> int:
        body = {"request_id": request_id, "outcome": outcome}
        return requests.post(f"{stack.api_url}/feedback", json=body, timeout=60).status_code

    statuses = [tell(request["request_id"], outcome) for outcome in (1, 1, 0)]
    assert [*statuses, tell("unknown", 1)] == [204, 204, 409, 404]


def test_a_training_that_fails_is_recorded_and_tried_again(
    loop: Loop, stack: StackInfo, session: boto3.Session, flights: FlightsPaths, tmp_path: Path
) -> None:
    frame = pd.read_parquet(flights.may_june).iloc[:2_000]
    broken = tmp_path / "current" / "zz-broken" / "flights.parquet"
    broken.parent.mkdir(parents=True)
    frame.drop(columns=flights.dataset.target).to_parquet(broken)
    loop.upload(tmp_path, broken)
    before = aliases(stack)
    first = loop.check({"window": "zz-broken"})
    assert first["action"] == "launched"
    with pytest.raises(LoopFailed, match=flights.dataset.target):
        loop.wait_for_training(first["run_key"], lambda _: None)
    assert aliases(stack) == before
    second = loop.check({"window": "zz-broken"})
    assert second["action"] == "launched"
    assert second["task_arn"] != first["task_arn"]
    with pytest.raises(LoopFailed):
        loop.wait_for_training(second["run_key"], lambda _: None)
    record = DynamoRunRecords(session.client("dynamodb"), stack.runs_table).get(first["run_key"])
    assert record is not None
    assert (record.state, record.attempt) == (RunState.FAILED, 2)


def test_the_release_says_what_serves(stack: StackInfo) -> None:
    release = requests.get(f"{stack.api_url}/release", timeout=60).json()
    assert {name: one["model_version"] for name, one in release["variants"].items()} == {"A": "1", "B": "2"}
    assert requests.get(f"{stack.api_url}/health", timeout=60).json()["status"] == "ok"
    assert "salt" not in json.dumps(release)
