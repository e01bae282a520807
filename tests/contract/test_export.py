"""The export script against moto's DynamoDB, S3 and CloudWatch Logs."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import boto3
import pytest
from moto import mock_aws

from contender.adapters.dynamo_log import DynamoPredictionLog
from contender.adapters.export_layout import find_exports, read_lines
from contender.adapters.export_sources import CannotExport
from contender.adapters.s3_objects import S3Objects
from contender.domain.records import SPILLED, Feedback, PredictionRecord
from contender.errors import StoreUnavailable
from scripts import analyze, export

TABLE, BUCKET, LOGS = "log", "artifacts", "/aws/lambda/router"


def record(name: str, **changes: Any) -> PredictionRecord:
    plain: dict[str, Any] = {
        "request_id": name,
        "at": "2013-07-01T00:00:00.000Z",
        "unit_id": name,
        "assigned": "A",
        "served": "A",
        "model_version": "1",
        "release": "d1" * 32,
        "split": 0.5,
        "split_version": 1,
        "probability": 0.5,
        "features": {"distance": 12.5, "carrier": "UA", "wind": None},
        "prediction": 1,
        "probabilities": {"0": 0.25, "1": 0.75},
        "latency_ms": 0.5,
        "expires_at": 1_400_000_000,
        "log_shard": "d1d1d1d1d1d1#0",
    }
    return PredictionRecord(**{**plain, **changes})


def spill(record: PredictionRecord) -> str:
    return json.dumps({SPILLED: asdict(record)})


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        made = boto3.Session()
        made.client("dynamodb").create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "request_id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "request_id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        made.client("s3").create_bucket(Bucket=BUCKET)
        logs = made.client("logs")
        logs.create_log_group(logGroupName=LOGS)
        logs.create_log_stream(logGroupName=LOGS, logStreamName="s")
        yield made


def fill(session: boto3.Session, count: int) -> DynamoPredictionLog:
    log = DynamoPredictionLog(session.client("dynamodb"), TABLE)
    for index in range(count):
        log.put(record(f"r{index}"))
    return log


def print_lines(session: boto3.Session, *lines: str) -> None:
    events = [{"timestamp": int(time.time() * 1000) + n, "message": line} for n, line in enumerate(lines)]
    session.client("logs").put_log_events(logGroupName=LOGS, logStreamName="s", logEvents=events)


def exported(session: boto3.Session) -> list[dict[str, Any]]:
    store = S3Objects(session.client("s3"), BUCKET)
    (found,) = find_exports(store, "exports")
    lines = [json.loads(line)["Item"] for file in found.files for line in read_lines(store, file)]
    assert len(lines) == found.items
    return lines


def run(session: boto3.Session, **options: Any) -> tuple[export.Exported, list[str]]:
    said: list[str] = []
    done = export.export_log(session, TABLE, BUCKET, "x", say=said.append, **options)
    return done, said


def test_given_a_log_when_scanned_then_every_item_is_exported_as_it_is(session: boto3.Session) -> None:
    fill(session, 25).set_outcome("r3", Feedback(0), "2013-07-02T00:00:00.000Z")
    done, said = run(session, method="scan")
    assert (done.method, done.stored, done.spilled, said) == ("scan", 25, 0, [])
    items = {item["request_id"]["S"]: item for item in exported(session)}
    table = session.client("dynamodb").scan(TableName=TABLE)["Items"]
    assert items == {item["request_id"]["S"]: item for item in table}
    assert items["r3"]["outcome"] == {"N": "0"}
    assert items["r4"]["features"]["M"]["wind"] == {"NULL": True}


def test_given_no_recovery_when_auto_then_it_says_why_and_scans(session: boto3.Session) -> None:
    fill(session, 3)
    done, said = run(session)
    assert done.method == "scan"
    assert "PointInTimeRecoveryUnavailableException" in said[0]
    assert len(exported(session)) == 3


def test_given_an_emulator_that_completes_without_manifest_then_it_says_so_and_scans(
    session: boto3.Session,
) -> None:
    fill(session, 3)
    session.client("dynamodb").update_continuous_backups(
        TableName=TABLE, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    done, said = run(session)
    assert done.method == "scan"
    assert "COMPLETED" in said[0]
    assert len(exported(session)) == 3


def test_given_only_pitr_allowed_when_it_cannot_then_nothing_is_scanned(session: boto3.Session) -> None:
    with pytest.raises(CannotExport):
        run(session, method="pitr")


def test_given_dynamodbs_own_export_then_spilled_records_join_it(
    session: boto3.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DynamoDB's export is played here: the real one needs AWS."""
    fill(session, 4)
    first, _ = run(session, method="scan")
    root = first.uri.removeprefix(f"s3://{BUCKET}/")
    dynamodb = session.client("dynamodb")

    class Played:
        looks = 0

        def export_table_to_point_in_time(self, **asked: Any) -> dict[str, Any]:
            assert asked["S3Prefix"] == "exports/x"
            return {"ExportDescription": {"ExportStatus": "IN_PROGRESS", "ExportArn": "arn"}}

        def describe_export(self, ExportArn: str) -> dict[str, Any]:  # noqa: N803
            self.looks += 1
            status = "COMPLETED" if self.looks == 2 else "IN_PROGRESS"
            told = {"ExportArn": ExportArn, "ExportManifest": f"{root}/manifest-summary.json"}
            return {"ExportDescription": {"ExportStatus": status, **told}}

        def __getattr__(self, name: str) -> Any:
            return getattr(dynamodb, name)

    played = Played()

    class Session:
        def client(self, name: str) -> Any:
            return played if name == "dynamodb" else session.client(name)

    monkeypatch.setattr(export, "POLL_FIRST_SECONDS", 0.0)
    print_lines(session, spill(record("s1")), spill(record("s2", at="2999-01-01T00:00:00.000Z")))
    done = export.export_log(Session(), TABLE, BUCKET, "x", log_group=LOGS)
    # s2 was made after the moment that the export shows, so the table could not have had it either.
    assert (done.method, done.stored, done.spilled) == ("pitr", 4, 1)
    assert {item["request_id"]["S"] for item in exported(session)} == {"r0", "r1", "r2", "r3", "s1"}


def test_given_spilled_records_then_each_is_added_once_and_flagged(session: boto3.Session) -> None:
    fill(session, 5)
    print_lines(
        session,
        "START RequestId: 1",
        '{"event": "request", "note": "spilled_prediction"}',
        spill(record("s1", probabilities=None)),
        spill(record("s1")),
        spill(record("r2")),
        spill(record("s2", assigned="B")),
        '{"spilled_prediction": 3}',
        '{"spilled_prediction": {"cut off',
    )
    done, _ = run(session, method="scan", log_group=LOGS)
    assert (done.stored, done.spilled, done.files) == (5, 2, 2)
    items = exported(session)
    assert sorted(item["request_id"]["S"] for item in items) == ["r0", "r1", "r2", "r3", "r4", "s1", "s2"]
    flagged = {item["request_id"]["S"] for item in items if item.get("spilled") == {"BOOL": True}}
    assert flagged == {"s1", "s2"}
    s2 = next(item for item in items if item["request_id"]["S"] == "s2")
    assert s2["features"]["M"] == {"distance": {"N": "12.5"}, "carrier": {"S": "UA"}, "wind": {"NULL": True}}


def test_given_an_export_then_its_files_have_the_layout_of_dynamodbs(session: boto3.Session) -> None:
    fill(session, 2)
    done, _ = run(session, method="scan")
    s3 = session.client("s3")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    root = done.uri.removeprefix(f"s3://{BUCKET}/")
    assert root.startswith("exports/x/AWSDynamoDB/")
    assert [key.removeprefix(root) for key in sorted(keys)] == [
        "/data/scan-00000.json.gz",
        "/manifest-files.json",
        "/manifest-files.md5",
        "/manifest-summary.json",
        "/manifest-summary.md5",
    ]
    files = json.loads(s3.get_object(Bucket=BUCKET, Key=f"{root}/manifest-files.json")["Body"].read())
    assert files["dataFileS3Key"] == f"{root}/data/scan-00000.json.gz"
    assert files["itemCount"] == 2
    content = s3.get_object(Bucket=BUCKET, Key=files["dataFileS3Key"])["Body"].read()
    assert all(set(json.loads(line)) == {"Item"} for line in gzip.decompress(content).splitlines())
    summary = json.loads(s3.get_object(Bucket=BUCKET, Key=f"{root}/manifest-summary.json")["Body"].read())
    assert summary["itemCount"] == 2
    assert summary["tableArn"].endswith(f"table/{TABLE}")


def test_given_a_missing_table_or_log_group_then_the_error_names_it(session: boto3.Session) -> None:
    with pytest.raises(StoreUnavailable, match="no-table"):
        export.export_log(session, "no-table", BUCKET, "x")
    fill(session, 1)
    with pytest.raises(StoreUnavailable, match="/no/group"):
        run(session, method="scan", log_group="/no/group")


def test_given_the_command_line_then_export_and_analysis_run_one_after_the_other(
    session: boto3.Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    fill(session, 4)
    monkeypatch.setenv("PREDICTIONS_TABLE", TABLE)
    monkeypatch.setenv("ARTIFACT_BUCKET", BUCKET)
    assert export.main(["--name", "cli", "--log-group", LOGS]) == 0
    uri = capsys.readouterr().out.strip()
    assert uri.startswith(f"s3://{BUCKET}/exports/cli/AWSDynamoDB/")
    assert analyze.main(["--export", f"s3://{BUCKET}/exports/cli", "--out", str(tmp_path)]) == 0
    assert json.loads((tmp_path / "analysis.json").read_text())["records"] == 4


def test_given_a_stack_then_its_outputs_name_table_bucket_and_log_group(
    session: boto3.Session, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(session, 2)
    print_lines(session, spill(record("s1")))
    outputs = {"PredictionsTableName": TABLE, "ArtifactBucketName": BUCKET, "RouterLogGroup": LOGS}
    template = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    session.client("cloudformation").create_stack(StackName="stack", TemplateBody=json.dumps(template))
    assert export.main(["--stack-name", "stack", "--method", "scan"]) == 0
    assert "2 stored + 1 spilled" in capsys.readouterr().err
    assert export.main(["--stack-name", "no-stack"]) == 1
    assert "no-stack" in capsys.readouterr().err


def test_given_nothing_to_go_by_then_the_command_line_says_what_to_give(
    session: boto3.Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PREDICTIONS_TABLE", raising=False)
    assert export.main([]) == 2
    assert "PREDICTIONS_TABLE" in capsys.readouterr().err
    assert export.main(["--table", "no-table", "--bucket", BUCKET]) == 1
    assert "Is the stack up" in capsys.readouterr().err
