from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from scripts.push_image import has_tag, main
from scripts.training_image import content_tag
from tests.support.fake_docker import FakeDocker, install_fake_docker

MANIFEST = (
    '{"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "layers": []}'
)
REGISTRY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    return install_fake_docker(tmp_path, monkeypatch)


@pytest.fixture
def ecr(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield boto3.client("ecr")


def commands(docker: FakeDocker) -> list[str]:
    return [call[0] for call in docker.calls]


def test_a_new_repository_scans_and_never_moves_a_tag(
    ecr: Any, docker: FakeDocker, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["--create"]) == 0
    image = f"{REGISTRY}/contender-training:{content_tag()}"
    assert capfd.readouterr().out == f'make deploy STAGE=prod PARAMS="TrainingImage={image}"\n'
    (made,) = ecr.describe_repositories()["repositories"]
    assert made["imageTagMutability"] == "IMMUTABLE"
    assert made["imageScanningConfiguration"] == {"scanOnPush": True}
    assert commands(docker) == ["version", "build", "login", "tag", "push"]
    assert docker.calls[-2:] == [["tag", "contender-training:local", image], ["push", image]]


def test_the_password_goes_through_the_input_and_not_the_command_line(ecr: Any, docker: FakeDocker) -> None:
    main(["--create"])
    login = next(call for call in docker.calls if call[0] == "login")
    assert login == ["login", "--username", "AWS", "--password-stdin", REGISTRY]
    assert docker.given("login")


def test_what_is_there_already_is_neither_built_nor_pushed(
    ecr: Any, docker: FakeDocker, capfd: pytest.CaptureFixture[str]
) -> None:
    ecr.create_repository(repositoryName="mine")
    ecr.put_image(repositoryName="mine", imageTag=content_tag(), imageManifest=MANIFEST)
    assert main(["--repository", "mine"]) == 0
    told = capfd.readouterr()
    assert f"TrainingImage={REGISTRY}/mine:{content_tag()}" in told.out
    assert "already there" in told.err
    assert docker.calls == []


def test_a_repository_that_is_not_there_is_named_with_the_next_step(
    ecr: Any, docker: FakeDocker, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["--repository", "nowhere"]) == 1
    told = capfd.readouterr().err
    assert "no ECR repository nowhere in eu-central-1" in told
    assert "--create" in told
    assert docker.calls == []


@pytest.mark.parametrize("step", ["build", "login", "push"])
def test_a_step_that_fails_ends_it(
    ecr: Any, docker: FakeDocker, capfd: pytest.CaptureFixture[str], step: str
) -> None:
    docker.answers(step, code=1, err="no space left\n")
    assert main(["--create"]) == 1
    told = capfd.readouterr()
    assert told.out == ""
    assert f"`docker {step}` failed" in told.err
    assert "no space left" in told.err
    assert commands(docker)[-1] == step


def test_without_a_region_or_credentials_it_says_so(
    docker: FakeDocker, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert main([]) == 1
    assert "push_image: You must specify a region" in capfd.readouterr().err


def test_help_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    assert "Amazon ECR" in capsys.readouterr().out


def test_an_emulator_that_finds_nothing_and_says_so_by_an_empty_list_has_no_tag() -> None:
    class Ecr:
        class exceptions:  # noqa: N801 - boto3's name
            ImageNotFoundException = KeyError

        def describe_images(self, **_: object) -> dict[str, list[object]]:
            return {"imageDetails": []}

    assert not has_tag(Ecr(), "contender-training", "abc")
