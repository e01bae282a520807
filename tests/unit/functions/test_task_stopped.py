from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from contender.domain.records import TaskEnd
from contender.errors import BadInput
from contender.usecases.settle_run import Settled
from tests.support.handlers import load_handler

ROOT = Path(__file__).parents[3]
EVENT = json.loads((ROOT / "tests" / "events" / "task_stopped.json").read_text())


@pytest.fixture
def function() -> ModuleType:
    return load_handler("task_stopped")


@pytest.fixture
def told(function: ModuleType) -> list[tuple[str, str, TaskEnd]]:
    """What the use case was told."""
    calls: list[tuple[str, str, TaskEnd]] = []

    def settle(run_key: str, task_arn: str, end: TaskEnd) -> Settled:
        calls.append((run_key, task_arn, end))
        return Settled.FAILED

    function._settle = lambda: settle  # type: ignore[attr-defined]
    return calls


def test_the_event_of_a_killed_task_reaches_the_use_case(
    function: ModuleType, told: list[tuple[str, str, TaskEnd]], capsys: pytest.CaptureFixture[str]
) -> None:
    answer = function.handler(EVENT, None)
    detail = EVENT["detail"]
    assert told == [
        (detail["startedBy"], detail["taskArn"], TaskEnd("Essential container in task exited", 137))
    ]
    assert (answer["done"], answer["run_key"]) == ("failed", detail["startedBy"])
    assert json.loads(capsys.readouterr().out) == {"level": "info", "event": "task_stopped", **answer}


def test_a_task_that_a_person_started_is_nobodys(
    function: ModuleType, told: list[tuple[str, str, TaskEnd]]
) -> None:
    detail = {key: value for key, value in EVENT["detail"].items() if key != "startedBy"}
    assert function.handler({**EVENT, "detail": detail}, None)["done"] == "unknown"
    assert told == []


@pytest.mark.parametrize(
    "event",
    [{}, {"detail": None}, {"detail": {}}, {"detail": {"lastStatus": "STOPPED"}},
     {"detail": {**EVENT["detail"], "lastStatus": "RUNNING"}}],
)  # fmt: skip
def test_what_is_no_stopped_task_is_refused(
    function: ModuleType, told: list[tuple[str, str, TaskEnd]], event: dict[str, Any]
) -> None:
    with pytest.raises(BadInput, match=r"^detail: is not a task that has stopped"):
        function.handler(event, None)
    assert told == []


def test_it_is_wired_from_its_environment(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert function.build({"RUNS_TABLE": "runs"})
    with pytest.raises(BadInput, match="RUNS_TABLE"):
        function.build({})
