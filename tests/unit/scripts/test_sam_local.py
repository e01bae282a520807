from __future__ import annotations

from pathlib import Path

import pytest

from infra.local import sam_local
from infra.local.info import StackInfo
from scripts import sam_local as program
from tests.support.fake_docker import install_fake_docker
from tests.unit.infra.test_state import OUTPUTS


def test_without_a_stack_make_up_is_the_next_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert program.main([]) == 1
    assert "→ Start one first: `make up`." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("networks", "host"),
    [('[{"Subnet": "127.9.0.0/16"}]', "127.9.0.1"), ("[]", "host.docker.internal")],
)
def test_functions_get_the_stacks_names_and_an_emulator_that_containers_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, networks: str, host: str
) -> None:
    install_fake_docker(tmp_path, monkeypatch).answers("network inspect", networks)
    info = StackInfo.from_outputs(OUTPUTS, "http://127.0.0.1:4566", "http://127.0.0.1:2", tmp_path)
    variables = sam_local.function_variables(info)
    assert variables["AWS_ENDPOINT_URL"] == f"http://{host}:4566"
    assert variables["RELEASE_PARAMETER"] == "/contender/local/release"
    assert variables["CLUSTER_ARN"] == "arn:cluster"
