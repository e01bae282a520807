"""What is asked of a Docker engine, and what is said when it is not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.local import docker_engine, stack
from infra.local.errors import LocalStackError
from infra.local.services import TaskEngine
from tests.support.fake_docker import FakeDocker, install_fake_docker


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    return install_fake_docker(tmp_path, monkeypatch)


def _networks(docker: FakeDocker, *configured: dict[str, str]) -> None:
    docker.answers("network inspect bridge", json.dumps(list(configured)))


def test_without_the_command_the_next_step_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalStackError) as problem:
        docker_engine.require_engine()
    assert "no `docker` command" in problem.value.problem
    assert "ENGINE=docker" in problem.value.next_step
    with pytest.raises(LocalStackError, match="no `docker` command"):
        docker_engine.run("push", "x")


def test_without_an_engine_its_own_reason_is_told(docker: FakeDocker) -> None:
    docker.answers("version", code=1, err="Cannot connect to\n  the Docker daemon")
    with pytest.raises(LocalStackError, match="Cannot connect to the Docker daemon"):
        docker_engine.require_engine()


def test_without_the_image_make_image_is_the_next_step_and_nothing_is_started(
    docker: FakeDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.local.tools.require", lambda: None)
    with pytest.raises(LocalStackError) as problem:
        stack.bring_up(tmp_path / "state", engine=TaskEngine.DOCKER)
    assert "contender-training:local" in problem.value.problem
    assert "make image" in problem.value.next_step
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    "network",
    [
        {"Subnet": "127.9.0.0/16", "Gateway": "127.9.0.1"},
        {"Subnet": "127.9.0.0/16"},  # not every engine names its gateway
    ],
)
def test_containers_reach_this_machine_at_the_bridge(docker: FakeDocker, network: dict[str, str]) -> None:
    _networks(docker, network)
    assert docker_engine.bridge_address() == "127.9.0.1"


@pytest.mark.parametrize(
    "networks",
    [
        [],
        [{"Subnet": "192.0.2.0/24", "Gateway": "192.0.2.1"}],  # of a virtual machine, not ours
        [{"Subnet": "fd00::/64", "Gateway": "fd00::1"}],
    ],
)
def test_where_the_bridge_is_not_ours_nothing_but_loopback_is_listened_on(
    docker: FakeDocker, networks: list[dict[str, str]]
) -> None:
    _networks(docker, *networks)
    assert docker_engine.bridge_address() == "127.0.0.1"


def test_a_stacks_image_adds_the_emulators_credentials_and_the_mark(docker: FakeDocker) -> None:
    assert docker_engine.image_for_stack("abc") == "contender-training:stack-abc"
    lines = docker.given("build").splitlines()
    assert lines[:2] == ["FROM contender-training:local", "LABEL contender.stack=abc"]
    assert "ENV AWS_ACCESS_KEY_ID=test" in lines


def test_a_stack_takes_its_containers_and_image_with_it_and_no_others(docker: FakeDocker) -> None:
    docker.answers("ps", "c1\nc2\n")
    docker.answers("images", "i1\n")
    docker_engine.remove_stack("abc")
    asked, removed, _, deleted = docker.calls
    assert "label=contender.stack=abc" in asked
    assert removed == ["rm", "--force", "--volumes", "c1", "c2"]
    assert deleted == ["rmi", "--force", "i1"]


def test_an_engine_that_is_gone_has_nothing_to_remove(docker: FakeDocker) -> None:
    docker.answers("ps", code=1, err="no engine")
    docker_engine.remove_stack("abc")
    assert len(docker.calls) == 1
