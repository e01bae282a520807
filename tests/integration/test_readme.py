"""What README tells people to type is typed here: on a stack that README's own command starts."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from infra.local import tools
from infra.local.stack import find, take_down
from infra.local.tools import UP_STATE

pytestmark = pytest.mark.integration

README = (tools.ROOT / "README.md").read_text()
BLOCKS = [block.strip().splitlines() for block in re.findall(r"```bash\n(.*?)```", README, re.DOTALL)]
INLINE = re.findall(r"`(\.venv/bin/python -m [^`]+)`", README)
SIGN = "make up DATA="


def block_with(text: str) -> list[str]:
    """The one block that has a text in it."""
    (found,) = [block for block in BLOCKS if any(text in line for line in block)]
    return found


def typed(line: str, environment: dict[str, str]) -> str:
    """Runs a line as a person would; gives what it printed."""
    # As a person's shell: nothing of the test session's own stack.
    kept = {
        name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "PYTHONPATH")
    }
    ran = subprocess.run(
        ["bash", "-c", line],
        cwd=tools.ROOT,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert ran.returncode == 0, f"{line}\n{ran.stdout[-3000:]}\n{ran.stderr[-3000:]}"
    return ran.stdout


@pytest.fixture(scope="module")
def brought() -> Iterator[dict[str, str]]:
    """README's own data set on a running stack; gives what each line of that block printed."""
    if find(UP_STATE) is not None:
        pytest.fail("a stack is already up here; end it first: make down", pytrace=False)
    *lines, last = block_with(SIGN)
    assert last == "make down"
    try:
        yield {line: typed(line, {}) for line in lines}
        typed(last, {})
        assert find(UP_STATE) is None
    finally:
        take_down(UP_STATE)


def test_a_data_set_of_another_shape_goes_through_training_serving_and_analysis(
    brought: dict[str, str],
) -> None:
    up = next(text for line, text in brought.items() if line.startswith(SIGN))
    traffic = next(text for line, text in brought.items() if "scripts.traffic" in line)
    assert "succeeded: version 1" in up
    assert "300 sent" in traffic
    assert "300 answered" in traffic
    document = json.loads((tools.ROOT / "out" / "digits" / "analysis.json").read_text())
    assert document["task"] == "classification"
    assert len(document["classes"]) == 10
    assert document["variants"]["A"]["metrics"]["accuracy"]["value"] > 0.9
    assert (tools.ROOT / "out" / "digits" / "analysis.png").stat().st_size > 10_000


def test_both_ways_of_changing_the_split_work_as_written(brought: dict[str, str]) -> None:
    stack = find(UP_STATE)
    assert stack is not None
    by_cli, by_api = block_with("ssm put-parameter")
    assert json.loads(typed(by_cli, stack.env))["Version"] == 2
    assert json.loads(typed(by_api, stack.env)) == {"ab_split_b": 0.3, "version": 3}


@pytest.mark.parametrize("command", INLINE)
def test_every_command_within_a_sentence_works(brought: dict[str, str], command: str) -> None:
    typed(command, {})


def test_the_deployment_to_an_emulator_works_as_written(brought: dict[str, str]) -> None:
    stack = find(UP_STATE)
    assert stack is not None
    (line,) = block_with("STAGE=local")
    command = re.sub(r"AWS_ENDPOINT_URL=\S+ ", "", line)
    assert command != line
    typed(command, stack.env)


def test_the_two_first_commands_are_what_ci_runs() -> None:
    ci = (tools.ROOT / ".ci" / "run").read_text().splitlines()
    assert set(block_with("make demo")) <= set(ci)
