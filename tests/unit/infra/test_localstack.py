"""LocalStack is started where it can be, and says what is missing where it cannot."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from infra.local import localstack
from infra.local.errors import LocalStackError
from scripts import up
from tests.support.fake_docker import FakeDocker, install_fake_docker


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    return install_fake_docker(tmp_path, monkeypatch)


def _install(folder: Path, patch: pytest.MonkeyPatch, program: str) -> None:
    """Puts a `localstack` beside the interpreter, as `make setup` does."""
    path = folder / "localstack"
    path.write_text(f"#!/bin/sh\n{program}\n")
    path.chmod(0o755)
    patch.setattr(sys, "executable", str(folder / "python"))


def test_without_a_token_it_says_where_one_comes_from_and_what_works_without(
    docker: FakeDocker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(localstack.TOKEN, raising=False)
    assert up.main(["--emulator", "localstack"]) == 1
    told = capsys.readouterr().out
    assert "LOCALSTACK_AUTH_TOKEN is not set" in told
    assert "ministack needs neither token nor Docker" in told
    assert docker.calls == []


def test_without_an_engine_it_says_so(docker: FakeDocker) -> None:
    docker.answers("version", code=1, err="Cannot connect")
    with pytest.raises(LocalStackError, match="Cannot connect"):
        localstack.start({localstack.TOKEN: "t"})


def test_it_is_started_and_waited_for_and_the_next_command_is_told(
    docker: FakeDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    _install(tmp_path, monkeypatch, 'echo "$1 $LOCALSTACK_AUTH_TOKEN"')
    monkeypatch.setenv(localstack.TOKEN, "secret")
    assert up.main(["--emulator", "localstack"]) == 0
    told = capfd.readouterr().out
    assert "start secret\nwait secret\n" in told
    assert "AWS_ENDPOINT_URL=http://127.0.0.1:4566 make deploy STAGE=local" in told


def test_a_start_that_fails_is_told(
    docker: FakeDocker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(tmp_path, monkeypatch, "exit 3")
    with pytest.raises(LocalStackError, match="`localstack start` failed with exit code 3"):
        localstack.start({localstack.TOKEN: "t"})
