"""What a cold start loads, and the router wired to moto as on AWS."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from contender.errors import BadInput
from contender.settings import CheckSettings, RouterSettings

ROOT = Path(__file__).parents[3]
HEAVY = ("pandas", "mlflow", "sklearn", "pycaret", "scipy", "duckdb", "matplotlib", "onnx", "pyarrow")

OURS = {field.upper() for kind in (RouterSettings, CheckSettings) for field in kind.__annotations__}

IMPORT_ONLY = """
import os, sys
read = set()
kind = type(os.environ)
plain = kind.__getitem__
def watched(self, name):  # by which get() and `in` read too
    read.add(name)
    return plain(self, name)
kind.__getitem__ = watched
sys.path[:0] = [{folder!r}, {core!r}]
import handler
print("\\n".join(sys.modules))
print("\\n".join(map(str, read)), file=sys.stderr)
clients = sys.modules.get("botocore.client")
made = clients.BaseClient.__subclasses__() if clients else []  # botocore makes a class for each client
print(f"clients {{len(made)}}")
"""

SERVE = """
import os, sys
sys.path[:0] = [{router!r}, {core!r}, {root!r}]
from moto import mock_aws
before = set(sys.modules)
with mock_aws():
    import boto3
    boto3.client("s3").create_bucket(Bucket="artifacts")
    ssm = boto3.client("ssm")
    ssm.put_parameter(Name="/release", Value="none", Type="String")
    ssm.put_parameter(Name="/split", Value="0.3", Type="String")
    import handler
    for path in ("/config", "/health"):
        answer = handler.handler({{"httpMethod": "GET", "path": path}}, None)
        print(answer["statusCode"], answer["body"], file=sys.stderr)
print("\\n".join(set(sys.modules) - before))
"""


def run(code: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    path = {"PATH": os.environ.get("PATH", ""), "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(
        [sys.executable, "-c", code], env={**path, **environ}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result


def loaded(output: str, names: tuple[str, ...]) -> list[str]:
    return [name for name in output.splitlines() if name.partition(".")[0] in names]


@pytest.mark.parametrize("folder", ["router", "functions/detect_drift"])
def test_importing_a_handler_reads_no_environment_and_makes_no_client(folder: str) -> None:
    code = IMPORT_ONLY.format(folder=str(ROOT / folder), core=str(ROOT / "layers" / "core"))
    result = run(code, {})
    assert "handler" in result.stdout.splitlines()
    assert result.stdout.splitlines()[-1] == "clients 0"
    # Libraries read variables of their own; neither ours nor AWS's may be among them.
    ours = [name for name in result.stderr.split() if name.startswith("AWS_") or name in OURS]
    assert ours == []


def test_importing_the_router_loads_all_it_needs_and_nothing_heavy() -> None:
    code = IMPORT_ONLY.format(folder=str(ROOT / "router"), core=str(ROOT / "layers" / "core"))
    output = run(code, {}).stdout
    # boto3 stands on botocore, which is all the router needs.
    assert loaded(output, (*HEAVY, "boto3")) == []
    assert {"botocore.client", "onnxruntime", "flask", "awsgi", "webapp.wiring"} <= set(output.splitlines())


def test_the_router_wired_as_on_aws_answers_and_loads_nothing_heavy() -> None:
    code = SERVE.format(router=str(ROOT / "router"), core=str(ROOT / "layers" / "core"), root=str(ROOT))
    result = run(
        code,
        {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "ARTIFACT_BUCKET": "artifacts",
            "PREDICTIONS_TABLE": "predictions",
            "RELEASE_PARAMETER": "/release",
            "SPLIT_PARAMETER": "/split",
        },
    )
    split, health = result.stderr.splitlines()[-2:]
    assert split == '200 {"ab_split_b": 0.3, "version": 1}'
    assert health.startswith('503 {"status": "no_release"')
    lines = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert [line["path"] for line in lines if line["event"] == "request"] == ["/config", "/health"]
    assert loaded(result.stdout, HEAVY) == []


def test_every_missing_variable_is_named() -> None:
    from webapp.wiring import build_app

    with pytest.raises(BadInput) as error:
        build_app({})
    assert [problem.field for problem in error.value.problems] == [
        "ARTIFACT_BUCKET",
        "PREDICTIONS_TABLE",
        "RELEASE_PARAMETER",
        "SPLIT_PARAMETER",
    ]
