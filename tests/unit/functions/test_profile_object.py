from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from contender.adapters.profile_map import ProfileMap
from contender.errors import BadInput
from tests.support.handlers import load_handler


class Steps:
    """Says what it was asked for."""

    def reference(self, prefix: str) -> str:
        return f"reference of {prefix}"

    def profile(self, reference: str, key: str) -> str:
        return f"{key} against {reference}"

    def merge(self, reference: str, prefix: str) -> str:
        return f"all of {prefix} against {reference}"


@pytest.fixture
def function() -> ModuleType:
    module = load_handler("profile_object")
    steps = module.Steps(Steps(), lambda: "current/champions/")
    module._steps = lambda: steps  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize(
    ("event", "answer"),
    [
        ({"step": "reference", "window": "w"}, "reference of current/champions/"),
        (
            {"step": "profile", "reference_profile": "r", "key": "current/w/a.csv"},
            "current/w/a.csv against r",
        ),
        ({"step": "merge", "reference_profile": "r", "window": "w"}, "all of current/w/ against r"),
    ],
)
def test_each_step_answers_with_what_it_made(
    function: ModuleType, event: dict[str, str], answer: str
) -> None:
    assert function.handler(event, None) == {"profile": answer}


@pytest.mark.parametrize(
    ("event", "named"),
    [
        ("a", "event"),
        ({}, "step"),
        ({"step": "dance"}, "step"),
        ({"step": "profile", "key": "a"}, "reference_profile"),
        ({"step": "profile", "reference_profile": "r", "key": 7}, "key"),
        ({"step": "merge", "reference_profile": "r", "window": "/"}, "window"),
        ({"step": "merge", "reference_profile": "r", "window": "w/"}, "window"),
        ({"step": "reference"}, "window"),
        ({"step": "reference", "window": "w/"}, "window"),
    ],
)
def test_a_wrong_event_names_what_is_wrong(function: ModuleType, event: dict[str, Any], named: str) -> None:
    with pytest.raises(BadInput, match=f"^{named}: "):
        function.handler(event, None)


def test_it_is_wired_from_the_environment(function: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")

    environ = {"DATA_BUCKET": "d", "ARTIFACT_BUCKET": "a", "RELEASE_PARAMETER": "/contender/x/release"}
    assert isinstance(function.build(environ).map, ProfileMap)
    with pytest.raises(
        BadInput, match=r"DATA_BUCKET: is not.*ARTIFACT_BUCKET: is not.*RELEASE_PARAMETER: is not set"
    ):
        function.build({})
