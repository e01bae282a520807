"""By which settings an export is judged, and that the analysis says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from contender.domain.experiment import Evidence, ExperimentSettings
from contender.errors import BadInput
from scripts import analyze
from scripts.analysis.judging import judging
from tests.support.evaluation import ENVIRON
from tests.support.exports import Invented, items, write_export

STACK = {"EVALUATE_FUNCTION": "stack-evaluate"}
CONFIGURED = {**ENVIRON, "MIN_EXPERIMENT_HOURS": "168", "EXPERIMENT_SETTINGS": '{"decide_by": "paired"}'}
"""The environment of a stack's evaluate function."""


class Functions:
    """Lambda with one function, or none that answers."""

    def __init__(self, environ: dict[str, str] | None) -> None:
        self._environ = environ

    def get_function_configuration(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        if self._environ is None:
            raise EndpointConnectionError(endpoint_url="http://nowhere")
        assert FunctionName == "stack-evaluate"
        return {"Environment": {"Variables": self._environ}}


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "client", lambda service: Functions(CONFIGURED))


@pytest.mark.usefixtures("configured")
def test_given_a_stack_then_its_settings_are_taken_and_told() -> None:
    found = judging(STACK)
    assert found.settings == ExperimentSettings(decide_by=Evidence.PAIRED, min_hours=168.0)
    assert found.told == (
        "Judged as the stack is configured (stack-evaluate): min_hours 168.0, decide_by paired, the rest by "
        "default."
    )


@pytest.mark.usefixtures("configured")
def test_given_settings_and_flags_then_they_go_before_the_stacks() -> None:
    found = judging(STACK, '{"min_hours": 24, "margin": 0.1}', {"margin": 0.05, "metric": None})
    assert found.settings == ExperimentSettings(decide_by=Evidence.PAIRED, min_hours=24, margin=0.05)
    assert "but for min_hours, margin, given here" in found.told


def test_given_no_stack_then_defaults_are_taken_and_told() -> None:
    found = judging({})
    assert found.settings == ExperimentSettings()
    assert found.told == "No stack found: judged by the defaults (every setting is the default)."


@pytest.mark.parametrize("environ", [None, {}, {**CONFIGURED, "EXPERIMENT_SETTINGS": "{"}])
def test_given_a_stack_that_does_not_say_then_defaults_are_taken_and_the_reason_is_told(
    environ: dict[str, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boto3, "client", lambda service: Functions(environ))
    found = judging(STACK)
    assert found.settings == ExperimentSettings()
    assert found.told.startswith("The stack's settings could not be read (")
    assert "judged by the defaults" in found.told


@pytest.mark.parametrize("text", ["{", "[]", '{"nonsense": 1}', '{"decide_by": "luck"}', '{"level": 2}'])
def test_given_settings_that_are_none_then_they_are_refused(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        judging({}, text)
    assert refused.value.problems[0].field in ("--settings", "level")


@pytest.mark.usefixtures("configured")
def test_given_a_stack_then_the_analysis_judges_as_its_evaluation_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EVALUATE_FUNCTION", "stack-evaluate")
    monkeypatch.setattr(analyze, "adopt_running_stack", lambda environ: False)
    plan = Invented(requests=1500, skill=(0.9, 1.3), shadow=1.0)
    folder, out = write_export(tmp_path, items(plan)), tmp_path / "out"
    assert analyze.main(["--export", str(folder), "--out", str(out)]) == 0
    found = json.loads((out / "analysis.json").read_text())
    assert (found["decided_by"], found["verdict"]["reasons"]) == ("paired", ["too_short"])
    assert found["settings"]["min_hours"] == 168
    assert found["judged_by"].startswith("Judged as the stack is configured")
    assert "Judged as the stack is configured" in capsys.readouterr().out
    assert "Judged as the stack is configured" in (out / "experiment.html").read_text()
    assert analyze.main(["--export", str(folder), "--out", str(out), "--min-hours", "0"]) == 0
    assert json.loads((out / "analysis.json").read_text())["verdict"]["finding"] == "ship"
