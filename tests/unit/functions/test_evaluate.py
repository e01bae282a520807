from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest

from contender.domain.lifecycle import Mode
from contender.errors import BadInput
from contender.experiment_settings import EvaluateSettings
from contender.usecases.evaluate import Evaluation, Outcome
from tests.support.evaluation import ENVIRON
from tests.support.handlers import load_handler

RESULT = Evaluation(Outcome.ADVISED, "id", "running", "ship", "why", 10, 8, 16)


@pytest.fixture
def function() -> ModuleType:
    return load_handler("evaluate")


@pytest.fixture
def asked(function: ModuleType) -> list[Mode | None]:
    """The modes that the use case was asked for."""
    modes: list[Mode | None] = []

    def evaluate(mode: Mode | None) -> Evaluation:
        modes.append(mode)
        return RESULT

    def recover() -> int:
        assert len(modes) == 0, "what comes back is to be judged"
        return 3

    function._program = lambda: function.Program(recover, evaluate)  # type: ignore[attr-defined]
    return modes


@pytest.mark.parametrize(
    ("event", "mode"),
    [(None, None), ({}, None), ({"source": "aws.scheduler"}, None), ({"mode": "auto"}, Mode.AUTO)],
)
def test_the_schedule_evaluates_as_configured_and_a_person_may_agree(
    function: ModuleType,
    asked: list[Mode | None],
    event: Any,
    mode: Mode | None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = function.handler(event, None)
    assert asked == [mode]
    assert (answer["outcome"], answer["recovered"]) == ("advised", 3)
    assert json.loads(json.dumps(answer)) == answer
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["finding"], line["reads"]) == ("evaluation", "ship", 16)


@pytest.mark.parametrize("mode", ["AUTO", "", 1, []])
def test_an_unknown_mode_is_refused(function: ModuleType, asked: list[Mode | None], mode: Any) -> None:
    with pytest.raises(BadInput, match="send advise or auto"):
        function.handler({"mode": mode}, None)
    assert asked == []


def test_it_is_wired_from_its_environment(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    function.build(ENVIRON)
    function.build({**ENVIRON, "PROMOTION_MODE": "auto", "EXPERIMENT_SETTINGS": '{"decide_by": "paired"}'})
    with pytest.raises(BadInput, match="CLUSTER_ARN"):
        function.build({**ENVIRON, "CLUSTER_ARN": ""})


def test_the_hours_come_from_their_own_variable_unless_the_settings_have_them() -> None:
    hours = {"MIN_EXPERIMENT_HOURS": "168"}
    assert EvaluateSettings.read(ENVIRON).experiment.min_hours == 0.0
    assert EvaluateSettings.read({**ENVIRON, **hours}).experiment.min_hours == 168.0
    both = {**ENVIRON, **hours, "EXPERIMENT_SETTINGS": '{"min_hours": 24}'}
    assert EvaluateSettings.read(both).experiment.min_hours == 24


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("PROMOTION_MODE", "always"),
        ("MIN_EXPERIMENT_HOURS", "a week"),
        ("MIN_EXPERIMENT_HOURS", "-1"),
        ("EXPERIMENT_SETTINGS", "{"),
        ("EXPERIMENT_SETTINGS", "[]"),
        ("EXPERIMENT_SETTINGS", '{"nonsense": 1}'),
        ("EXPERIMENT_SETTINGS", '{"level": 2}'),
        ("EXPERIMENT_SETTINGS", '{"decide_by": "luck"}'),
    ],
)
def test_wrong_settings_are_named(function: ModuleType, name: str, text: str) -> None:
    with pytest.raises(BadInput, match=f"{name}|level"):
        function.build({**ENVIRON, name: text})


@pytest.mark.parametrize("event", ["a", 1, []])
def test_an_event_that_is_no_object_is_refused(
    function: ModuleType, asked: list[Mode | None], event: Any
) -> None:
    with pytest.raises(BadInput, match=r"event: is of type \w+; send {"):
        function.handler(event, None)
    assert not asked
