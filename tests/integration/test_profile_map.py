"""The optional stack for large windows, deployed beside the main one; the emulator runs its state machine."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pandas as pd
import pytest

from contender.adapters.kept_profiles import KeptProfiles
from contender.adapters.s3_objects import S3Objects
from contender.adapters.windows_duckdb import DuckDbWindows
from contender.usecases.declaration import read_dataset
from infra.local import tools
from infra.local.info import StackInfo
from infra.profiles import as_override
from scripts.datasets.flights import FlightsPaths
from scripts.loop import Loop
from tests.support.training import parquet

pytestmark = pytest.mark.integration

WINDOW = "profiled-apart"
OBJECTS = 3


@pytest.fixture(scope="module")
def machine(stack: StackInfo, session: boto3.Session) -> str:
    """The state machine's ARN, deployed by the commands that docs/benchmarks.md tells."""
    check = session.client("lambda").get_function_configuration(FunctionName=stack.detect_drift_function)
    given = {
        "Name": "map",
        "DataBucket": stack.data_bucket,
        "ArtifactBucket": stack.artifact_bucket,
        "Layers": ",".join(layer["Arn"] for layer in check["Layers"]),
        "ReleaseParameter": check["Environment"]["Variables"]["RELEASE_PARAMETER"],
        "DetectDriftFunctionArn": check["FunctionArn"],
    }
    command = [str(tools.SAM), "deploy", "--template", "infra/profile-map.yaml", "--stack-name", "map"]
    command += ["--capabilities", "CAPABILITY_IAM", "--resolve-s3", "--no-confirm-changeset"]
    command += ["--parameter-overrides", *(as_override(name, value) for name, value in given.items())]
    done = subprocess.run(command, cwd=tools.ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = session.client("cloudformation").describe_stacks(StackName="map")["Stacks"]
    arns = {output["OutputKey"]: output["OutputValue"] for output in made["Outputs"]}
    return arns["StateMachineArn"]


@pytest.fixture
def window(
    stack: StackInfo, session: boto3.Session, loop: Loop, flights: FlightsPaths
) -> Iterator[pd.DataFrame]:
    """A champion is there, and a window of some objects, which goes when the test is over."""
    value = session.client("ssm").get_parameter(Name=stack.release_parameter)["Parameter"]["Value"]
    if value == "none":
        loop.upload(flights.root, flights.declaration, flights.reference)
        loop.wait_for_training(loop.check({})["run_key"], lambda _: None)
    rows = pd.read_parquet(flights.heldout)  # like the reference: nothing is trained
    bucket = session.resource("s3").Bucket(stack.data_bucket)
    for number in range(OBJECTS):
        part = parquet(rows.iloc[number::OBJECTS])
        bucket.put_object(Key=f"current/{WINDOW}/{number}.parquet", Body=part)
    bucket.put_object(Key=f"current/{WINDOW}/", Body=b"")  # as the console marks a folder
    yield rows
    bucket.objects.filter(Prefix=f"current/{WINDOW}/").delete()


class Downloads(S3Objects):
    """Notes what is copied."""

    def __init__(self, client: Any, bucket: str) -> None:
        super().__init__(client, bucket)
        self.keys: list[str] = []

    def download(self, key: str, path: str) -> None:
        """Copies an object."""
        self.keys.append(key)
        super().download(key, path)


def run(session: boto3.Session, machine: str, window: str) -> dict[str, Any]:
    """Runs the machine, and gives how it ended."""
    steps = session.client("stepfunctions")
    execution = steps.start_execution(stateMachineArn=machine, input=json.dumps({"window": window}))
    for _ in range(300):
        ended: dict[str, Any] = steps.describe_execution(executionArn=execution["executionArn"])
        if ended["status"] != "RUNNING":
            return ended
        time.sleep(0.2)
    pytest.fail("the state machine did not end within a minute")


def test_objects_are_profiled_apart_merged_and_judged(
    stack: StackInfo, session: boto3.Session, machine: str, window: pd.DataFrame
) -> None:
    ended = run(session, machine, WINDOW)

    assert ended["status"] == "SUCCEEDED", ended
    result = json.loads(ended["output"])
    assert (result["window"], result["verdict"], result["action"]) == (WINDOW, "no_drift", "nothing")
    s3 = session.client("s3")
    data, artifacts = Downloads(s3, stack.data_bucket), S3Objects(s3, stack.artifact_bucket)
    report = json.loads(artifacts.get(result["report_uri"].split("/", 3)[3]))
    assert report["rows"]["current"] == len(window)
    # The merged profile lies where the check looks for it, so it had nothing to copy.
    objects = [
        [info for info in data.list(prefix) if info.size]
        for prefix in (report["reference"], f"current/{WINDOW}/")
    ]
    with DuckDbWindows(data, KeptProfiles(artifacts)).compare(*objects, read_dataset(data)) as (_, current):
        assert {sample.rows for sample in current.values()} == {len(window)}
    assert len(objects[1]) == OBJECTS
    assert data.keys == []


def test_a_windows_name_with_a_slash_is_refused_at_once(session: boto3.Session, machine: str) -> None:
    ended = run(session, machine, f"{WINDOW}/")

    assert ended["status"] == "FAILED"
    assert "without slashes" in ended["cause"]
