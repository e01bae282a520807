"""The task that carries out a verdict, wired to moto and to an MLflow in a file."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import mlflow
import pytest
from moto import mock_aws

from contender.adapters.dynamo_experiments import DynamoExperiments
from contender.adapters.mlflow_registry import MlflowRegistry, VersionTags
from contender.domain.lifecycle import Deed, ExperimentRecord, Stage
from contender.usecases.claims import REGISTRY
from infra.local.deploy import create_declared_table
from trainer.promote import FAILED, MISUSED, main
from trainer.stopping import STOPPED, TIMED_OUT

NAME, AT = "contender", "2024-01-01T00:00:00.000Z"
DATASET = b'{"task": "regression", "target": "y", "features": {"x": "numeric"}}'


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    client = mlflow.MlflowClient(uri)
    client.create_registered_model(NAME)
    with mock_aws():
        s3, ssm, dynamodb = boto3.client("s3"), boto3.client("ssm"), boto3.client("dynamodb")
        for bucket in ("data", "artifacts"):
            s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket="data", Key="dataset.json", Body=DATASET)
        ssm.put_parameter(Name="/release", Value="none", Type="String")
        ssm.put_parameter(Name="/split", Value="0.5", Type="String")
        create_declared_table(dynamodb, "Experiments", "experiments")
        for version, alias in (("1", "champion"), ("2", "challenger")):
            digest = version * 64
            tags = VersionTags(digest, 1, None, {}).to_tags()
            client.create_model_version(NAME, source=str(tmp_path), tags={**tags, "train_prefix": "w/"})
            client.set_registered_model_alias(NAME, alias, version)
            s3.put_object(Bucket="artifacts", Key=f"models/{digest}.onnx", Body=b"x")
        yield {
            "EXPERIMENT_ID": f"{AT}#abc",
            "DATA_BUCKET": "data",
            "ARTIFACT_BUCKET": "artifacts",
            "EXPERIMENTS_TABLE": "experiments",
            "RELEASE_PARAMETER": "/release",
            "SPLIT_PARAMETER": "/split",
            "MLFLOW_TRACKING_URI": uri,
        }


def test_given_a_verdict_when_carried_out_then_registry_release_split_and_history_agree(
    environ: dict[str, str],
) -> None:
    experiments = DynamoExperiments(boto3.client("dynamodb"), "experiments")
    experiments.save(ExperimentRecord(f"{AT}#abc", "abc", "1", "2", AT, Stage.PROMOTING, decided_at=AT))

    assert main(environ) == 0
    assert main(environ) == 0

    model = mlflow.MlflowClient(environ["MLFLOW_TRACKING_URI"]).get_registered_model(NAME)
    assert {alias: str(version) for alias, version in model.aliases.items()} == {"champion": "2"}
    record = experiments.get(f"{AT}#abc")
    assert record is not None
    assert record.stage is Stage.PROMOTED
    (entry,) = experiments.history(9)
    assert entry.deed is Deed.PROMOTED
    found = boto3.client("ssm").get_parameters(Names=["/release", "/split"])["Parameters"]
    values = {one["Name"]: one["Value"] for one in found}
    assert values == {"/release": f"releases/{entry.to_release}.json", "/split": "0.2"}
    released = boto3.client("s3").get_object(Bucket="artifacts", Key=values["/release"])["Body"].read()
    assert b'"train_prefix":"w/"' in released


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, STOPPED), (signal.SIGALRM, TIMED_OUT)])
def test_given_a_stop_half_way_then_the_task_says_so_gives_its_claim_back_and_the_next_goes_on(
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
    code: int,
) -> None:
    experiments = DynamoExperiments(boto3.client("dynamodb"), "experiments")
    experiments.save(ExperimentRecord(f"{AT}#abc", "abc", "1", "2", AT, Stage.PROMOTING, decided_at=AT))

    with monkeypatch.context() as stopped:
        stopped.setattr(MlflowRegistry, "set_alias", lambda *_: os.kill(os.getpid(), number))
        assert main(environ) == code

    assert "stopped before it was done" in capsys.readouterr().out
    assert experiments.claim(REGISTRY, "another", time.time(), time.time() + 1) == ""
    experiments.let_go(REGISTRY, "another")
    assert main(environ) == 0


def test_given_nothing_to_carry_out_when_run_then_the_task_fails_with_a_reason(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(environ) == FAILED
    assert "there is no experiment" in capsys.readouterr().out


def test_given_no_environment_when_run_then_every_variable_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main({}) == MISUSED
    assert "EXPERIMENT_ID: is not set" in capsys.readouterr().err
