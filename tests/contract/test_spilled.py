"""What the router spilled is read back from its log, on moto's CloudWatch Logs and DynamoDB."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from contender.adapters.dynamo_experiments import DynamoExperiments
from contender.adapters.dynamo_late_records import DynamoLateRecords
from contender.adapters.dynamo_log import DynamoPredictionLog
from contender.adapters.spilled_lines import SpilledLines
from contender.domain.records import Feedback
from contender.errors import StoreUnavailable
from contender.usecases.recover import LAG_S, Recover
from infra.local.deploy import create_declared_table
from scripts.export import export_log
from tests.contract.test_export import record, spill
from tests.support.fakes import RecordingObserver

TABLE, EXPERIMENTS, BUCKET, LOGS = "log", "experiments", "artifacts", "/aws/lambda/router"


@pytest.fixture
def session() -> Iterator[boto3.Session]:
    with mock_aws():
        made = boto3.Session(region_name="us-east-1")
        create_declared_table(made.client("dynamodb"), "PredictionLog", TABLE)
        create_declared_table(made.client("dynamodb"), "Experiments", EXPERIMENTS)
        made.client("s3").create_bucket(Bucket=BUCKET)
        made.client("logs").create_log_group(logGroupName=LOGS)
        made.client("logs").create_log_stream(logGroupName=LOGS, logStreamName="s")
        yield made


def print_line(session: boto3.Session, at: float, line: str) -> None:
    events = [{"timestamp": int(at * 1000), "message": line}]
    session.client("logs").put_log_events(logGroupName=LOGS, logStreamName="s", logEvents=events)


def test_lines_of_a_period_are_read_and_others_passed_over(session: boto3.Session) -> None:
    now = time.time()
    for age, line in (
        (90, spill(record("too old"))),
        (60, spill(record("first"))),
        (50, '{"event": "request", "path": "/spilled_prediction"}'),
        (50, '{"spilled_prediction": {"request_id": 3}}'),
        (40, spill(record("last"))),
        (10, spill(record("too young"))),
    ):
        print_line(session, now - age, line)
    lines = SpilledLines(session.client("logs"), LOGS)
    found = list(lines.between(now - 61, now - 39))
    assert [one["request_id"] for one in found] == ["first", "last"]
    assert found[0] == json.loads(spill(record("first")))["spilled_prediction"]
    assert len(list(lines.all())) == 4


def test_a_log_group_that_is_not_there_is_told(session: boto3.Session) -> None:
    with pytest.raises(StoreUnavailable, match="logs: filter /none"):
        list(SpilledLines(session.client("logs"), "/none").between(0.0, 1.0))


def test_what_is_recovered_takes_feedback_and_is_exported_once(session: boto3.Session) -> None:
    dynamodb, now = session.client("dynamodb"), time.time()
    log = DynamoPredictionLog(dynamodb, TABLE)
    log.put(record("stored"))
    log.put(record("arrived after all"))
    for name in ("spilled", "arrived after all"):
        print_line(session, now - LAG_S - 60, spill(record(name)))
    observer = RecordingObserver()
    recover = Recover(
        SpilledLines(session.client("logs"), LOGS),
        DynamoLateRecords(dynamodb, TABLE),
        DynamoExperiments(dynamodb, EXPERIMENTS),
        observer,
        time.time,
    )
    before = export_log(session, TABLE, BUCKET, "before", "scan", LOGS, say=lambda text: None)
    assert (before.stored, before.spilled) == (2, 1)
    assert (recover(), recover()) == (1, 0)
    assert observer.problems == []
    log.set_outcome("spilled", Feedback(1), "2013-07-01T00:10:00.000Z")
    after = export_log(session, TABLE, BUCKET, "after", "scan", LOGS, say=lambda text: None)
    assert (after.stored, after.spilled) == (3, 0)
