"""The state file: a stack is up, being started, or left behind."""

from __future__ import annotations

import os
import secrets
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from infra.local import processes, stack
from infra.local.errors import AlreadyUp, LocalStackError
from infra.local.info import StackInfo
from infra.local.state import Owner, State

OUTPUTS = {
    "Stage": "local",
    "ApiId": "abc",
    "DataBucketName": "data",
    "ArtifactBucketName": "artifacts",
    "PredictionsTableName": "predictions",
    "RunsTableName": "runs",
    "ReleaseParameterName": "/contender/local/release",
    "SplitParameterName": "/contender/local/ab_split_b",
    "RouterFunctionName": "router",
    "DetectDriftFunctionName": "detect",
    "DriftScheduleName": "daily",
    "EvaluateFunctionName": "evaluate",
    "EvaluationScheduleName": "often",
    "ExperimentsTableName": "experiments",
    "ClusterArn": "arn:cluster",
    "TaskDefinitionArn": "arn:task",
    "RouterLogGroup": "/r",
    "DetectDriftLogGroup": "/d",
    "TrainingLogGroup": "/t",
}
DEAD = Owner(pid=2**22 + 1, born=1.0)  # above the highest process id that Linux gives


@pytest.fixture
def info(tmp_path: Path) -> StackInfo:
    return StackInfo.from_outputs(OUTPUTS, "http://127.0.0.1:1", "http://127.0.0.1:2", tmp_path)


def test_a_state_survives_its_file(tmp_path: Path, info: StackInfo) -> None:
    service = processes.Service("emulator", 12, tmp_path / "log")
    state = State("mark", Owner.this_process()).deployed([service], info, keep=False)
    state.write(tmp_path)
    assert State.read(tmp_path) == state


@pytest.mark.parametrize("content", ["", "{", "[]", '{"mark": "m"}'])
def test_an_unreadable_state_file_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "state.json").write_text(content)
    assert State.read(tmp_path) is None


def test_given_a_start_by_a_living_process_a_second_start_is_refused_and_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.local.tools.require", lambda: None)
    State("mark", Owner.this_process()).write(tmp_path)
    with pytest.raises(AlreadyUp, match="being started"):
        stack.bring_up(tmp_path)
    assert State.read(tmp_path) is not None


def test_given_a_running_stack_a_second_start_is_refused(
    tmp_path: Path, info: StackInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.local.tools.require", lambda: None)
    State("mark", None, (), info).write(tmp_path)
    with pytest.raises(AlreadyUp, match="already runs"):
        stack.bring_up(tmp_path)
    assert stack.find(tmp_path) == info


def test_a_stack_counts_only_while_owner_and_services_live(tmp_path: Path, info: StackInfo) -> None:
    up = State("mark", None, (), info)
    assert up.is_up()
    assert not replace(up, owner=DEAD).is_up()
    assert not replace(up, services=(processes.Service("gone", DEAD.pid, tmp_path),)).is_up()
    assert not replace(up, info=None).is_up()
    assert not State("mark", DEAD).is_starting()


def test_a_later_process_of_the_same_id_is_not_the_owner() -> None:
    this = Owner.this_process()
    assert this.is_alive()
    assert not replace(this, born=this.born - 3600).is_alive()


def test_taking_down_ends_what_a_crashed_start_left(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    mark = f"test-{secrets.token_hex(8)}"
    service = processes.spawn("left", command, {"PATH": os.environ["PATH"]}, mark, tmp_path / "log")
    processes.wait_for(service, mark, lambda: processes.is_alive(service, mark), 20)
    State(mark, DEAD).write(tmp_path)
    (tmp_path / "tmp" / "layer").mkdir(parents=True)
    assert stack.take_down(tmp_path)
    assert not processes.is_alive(service, mark)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["log"]
    assert not stack.take_down(tmp_path)


def test_missing_tools_are_named_with_the_next_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.local.tools.ROOT", tmp_path)
    monkeypatch.setattr("infra.local.tools.MINISTACK", tmp_path / ".venv-emulator" / "bin" / "ministack")
    with pytest.raises(LocalStackError, match=r"(?s)\.venv-emulator/bin/ministack.*make setup"):
        from infra.local import tools

        tools.require()


def test_the_emulator_serves_the_api_under_its_own_address(info: StackInfo) -> None:
    assert info.api_url == "http://127.0.0.1:1/restapis/abc/local/_user_request_"


def test_programs_are_told_of_the_stack_and_kept_from_real_accounts(info: StackInfo) -> None:
    assert info.env["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert info.env["SPLIT_PARAMETER"] == "/contender/local/ab_split_b"
    assert info.env["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
