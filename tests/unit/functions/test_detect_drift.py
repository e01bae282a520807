from __future__ import annotations

import json
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from contender.errors import BadInput
from contender.usecases.check_predictions import PredictionCheck
from contender.usecases.launch_training import Action, CheckResult
from tests.support.handlers import load_handler

RESULT = CheckResult("june", "drift", Action.LAUNCHED, "why", "key", "s3://a/r.json", "arn:task/1")
ENVIRON = {
    "DATA_BUCKET": "data",
    "ARTIFACT_BUCKET": "artifacts",
    "RUNS_TABLE": "runs",
    "RELEASE_PARAMETER": "/release",
    "CLUSTER_ARN": "arn:cluster",
    "TASK_DEFINITION_ARN": "arn:definition",
}


@pytest.fixture
def function() -> ModuleType:
    return load_handler("detect_drift")


@pytest.fixture
def asked(function: ModuleType) -> list[str | None]:
    """The windows that the use case was asked for."""
    windows: list[str | None] = []

    def check(window: str | None) -> CheckResult:
        windows.append(window)
        return replace(RESULT, window=window or "newest")

    function._check = lambda: check  # type: ignore[attr-defined]
    function._predictions = lambda: None  # type: ignore[attr-defined]
    return windows


@pytest.mark.parametrize(
    "event",
    [
        None,
        {},
        {"window": None},
        {"version": "0", "detail-type": "Scheduled Event", "source": "aws.scheduler", "detail": {}},
    ],
)
def test_the_schedule_asks_for_the_newest_window(
    function: ModuleType, asked: list[str | None], event: Any
) -> None:
    assert function.handler(event, None)["window"] == "newest"
    assert asked == [None]


@pytest.mark.parametrize("window", ["june", "june/", "/june"])
def test_a_person_asks_for_a_window_by_name(
    function: ModuleType, asked: list[str | None], window: str
) -> None:
    function.handler({"window": window}, None)
    assert asked == ["june"]


@pytest.mark.parametrize("window", ["", "/", 5, [], {}, True])
def test_what_is_no_name_is_refused(function: ModuleType, asked: list[str | None], window: object) -> None:
    with pytest.raises(BadInput, match=r"^window: "):
        function.handler({"window": window}, None)
    assert asked == []


def test_the_answer_is_json_and_so_is_the_line_in_the_log(
    function: ModuleType, asked: list[str | None], capsys: pytest.CaptureFixture[str]
) -> None:
    answer = function.handler({"window": "june"}, None)
    expected = {
        "window": "june",
        "verdict": "drift",
        "action": "launched",
        "reason": "why",
        "run_key": "key",
        "report_uri": "s3://a/r.json",
        "task_arn": "arn:task/1",
    }
    assert json.loads(json.dumps(answer)) == expected
    assert json.loads(capsys.readouterr().out) == {"level": "info", "event": "check", **expected}


def test_every_missing_variable_is_named(function: ModuleType) -> None:
    with pytest.raises(BadInput) as error:
        function.build({})
    assert [problem.field for problem in error.value.problems] == list(ENVIRON)


@pytest.mark.parametrize("text", ["[", "[1]", "3", '{"alpa": 0.1}', '{"alpha": 2}', '{"alpha": "x"}'])
def test_thresholds_that_are_wrong_are_named(
    function: ModuleType, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with pytest.raises(BadInput, match=r"DRIFT_SETTINGS|drift.alpha"):
        function.build({**ENVIRON, "DRIFT_SETTINGS": text})


def test_thresholds_are_read_from_the_environment(
    function: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    check = function.build({**ENVIRON, "DRIFT_SETTINGS": '{"alpha": 0.05, "window_rule": "share"}'})
    assert (check._settings.alpha, check._settings.window_rule) == (0.05, "share")
    assert function.build(ENVIRON)._settings.alpha == 0.001


def test_where_predictions_are_checked_too_the_answer_says_what_was_found(
    function: ModuleType, asked: list[str | None]
) -> None:
    found = PredictionCheck("no_drift", "why", "s3://a/p.json")
    function._predictions = lambda: lambda: found  # type: ignore[attr-defined]
    answer = function.handler({}, None)
    assert answer["predictions"] == {"verdict": "no_drift", "reason": "why", "report_uri": "s3://a/p.json"}
    assert json.loads(json.dumps(answer)) == answer


def test_predictions_are_checked_only_where_that_is_wanted(
    function: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert function.build_predictions(ENVIRON) is None
    wanted = {**ENVIRON, "PREDICTIONS_TABLE": "log", "PREDICTION_DRIFT_HOURS": "24"}
    assert function.build_predictions(wanted) is not None


@pytest.mark.parametrize("event", ["a", 1, []])
def test_an_event_that_is_no_object_is_refused(
    function: ModuleType, asked: list[str | None], event: Any
) -> None:
    with pytest.raises(BadInput, match=r"event: is of type \w+; send {"):
        function.handler(event, None)
    assert not asked
