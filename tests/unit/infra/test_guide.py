"""The commands that `make up` prints."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from contender.domain.dataset import parse_dataset
from infra.local import guide
from infra.local.info import StackInfo

from .test_state import OUTPUTS

DATASET = {"task": "classification", "target": "y", "features": {"it's": "numeric", "colour": "categorical"}}


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackInfo:
    monkeypatch.setattr(guide, "read_dataset", lambda _stack: DATASET)
    return StackInfo.from_outputs(
        OUTPUTS, "http://127.0.0.1:1", "http://127.0.0.1:2", tmp_path / ".contender"
    )


def test_the_example_request_fits_the_declared_data_set() -> None:
    assert guide.example_request(DATASET)["features"].keys() == parse_dataset(DATASET).features.keys()


def test_without_a_data_set_there_is_a_placeholder_to_fill_in() -> None:
    assert guide.example_request(None)["features"]


def test_the_commands_survive_a_shell(stack: StackInfo, tmp_path: Path) -> None:
    lines = guide.commands(stack, tmp_path).splitlines()
    predict = next(line for line in lines if "/predict" in line)
    body = shlex.split(predict)[-1]
    assert json.loads(body) == guide.example_request(DATASET)


def test_an_answer_goes_to_a_file_which_a_redirection_cannot_cut_off(
    stack: StackInfo, tmp_path: Path
) -> None:
    lines = guide.commands(stack, tmp_path).splitlines()
    invocations = [line for line in lines if "lambda invoke" in line]
    assert len(invocations) == 2
    for line in invocations:
        file = line.rsplit(" ", 1)[-1]
        assert file.startswith("out/")
        assert f" {file} && cat {file}" in line


def test_a_challenger_can_be_retired_and_a_release_gone_back_to(stack: StackInfo, tmp_path: Path) -> None:
    lines = guide.commands(stack, tmp_path).splitlines()
    assert any("-m scripts.retire --reason " in line for line in lines)
    assert any("-m scripts.rollback --list" in line for line in lines)


def test_the_split_can_be_changed_both_ways(stack: StackInfo, tmp_path: Path) -> None:
    text = guide.commands(stack, tmp_path)
    assert "ssm put-parameter" in text
    assert '{"ab_split_b": 0.3}' in text
    assert "export SPLIT_PARAMETER=/contender/local/ab_split_b" in text
