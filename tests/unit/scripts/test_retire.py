"""The retiring command on moto."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from contender.adapters.dynamo_experiments import DynamoExperiments
from contender.domain.lifecycle import Stage
from contender.domain.release import release_key
from infra.local.deploy import create_declared_table
from scripts import retire
from tests.support.world import release_of


@pytest.fixture
def experiments(monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoExperiments]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "ARTIFACT_BUCKET": "artifacts",
        "RELEASE_PARAMETER": "/release",
        "EXPERIMENTS_TABLE": "experiments",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "EVALUATE_FUNCTION"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        create_declared_table(boto3.client("dynamodb"), "Experiments", "experiments")
        boto3.client("s3").create_bucket(Bucket="artifacts")
        point_to("none")
        yield DynamoExperiments(boto3.client("dynamodb"), "experiments")


def point_to(value: str) -> None:
    boto3.client("ssm").put_parameter(Name="/release", Value=value, Type="String", Overwrite=True)


def test_it_decides_and_says_who_carries_it_out(
    experiments: DynamoExperiments, capsys: pytest.CaptureFixture[str]
) -> None:
    release = release_of()
    key = release_key(release.digest)
    boto3.client("s3").put_object(Bucket="artifacts", Key=key, Body=release.to_json())
    point_to(key)
    for _ in range(2):
        assert retire.main(["--reason", "slow", "--by", "ann"]) == 0
        said = capsys.readouterr().out
        assert "version 2 is being retired, version 1 stays champion (Retired by hand: slow)" in said
        assert "the next evaluation carries it out" in said
        assert "note:" not in said
    assert retire.main(["--reason", "ugly", "--by", "bob"]) == 0
    assert "note: ann decided that before, so your reason is not written down" in capsys.readouterr().out
    (record,) = experiments.recent(9)
    assert (record.stage, record.decided_by, record.revision) == (Stage.RETIRING, "ann", 1)


def test_without_a_challenger_it_says_so(
    experiments: DynamoExperiments, capsys: pytest.CaptureFixture[str]
) -> None:
    assert retire.main(["--reason", "slow"]) == 1
    assert "retire: no challenger is in force: there is nothing to retire" in capsys.readouterr().err
    assert experiments.recent(9) == []


def test_without_a_stack_it_says_what_to_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(retire, "adopt_running_stack", lambda environ: False)
    monkeypatch.delenv("EXPERIMENTS_TABLE", raising=False)
    assert retire.main(["--reason", "slow"]) == 1
    assert "start the local stack with `make up`" in capsys.readouterr().err


def test_it_needs_a_reason_and_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        retire.main([])
    assert "--reason" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        retire.main(["--help"])
    assert ended.value.code == 0
    assert "guardrail has stopped" in capsys.readouterr().out
