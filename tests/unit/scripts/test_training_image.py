from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.local.tools import ROOT
from scripts.training_image import CONTENT, content_files, content_tag, main
from tests.support.fake_docker import FakeDocker, install_fake_docker


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    return install_fake_docker(tmp_path, monkeypatch)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in (
        "training/Dockerfile",
        "training/requirements.txt",
        "training/trainer/a.py",
        "layers/core/contender/b.py",
    ):
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "project"


def _pins(path: str) -> dict[str, str]:
    lines = (ROOT / path).read_text().splitlines()
    return dict(
        re.match(r"([\w.\[\]-]+)==([\w.]+)", line).groups() for line in lines if re.match(r"\w", line)
    )  # type: ignore[union-attr, misc]


def test_the_container_trains_with_the_versions_that_the_desk_tests_with() -> None:
    desk, image = _pins("requirements.txt"), _pins("training/requirements.txt")
    assert {name: desk.get(name) for name in image} == image


def test_the_build_sees_exactly_what_the_image_is_made_of() -> None:
    ignore = (ROOT / ".dockerignore").read_text().split()
    copied = re.findall(r"^COPY (?!--)(\S+)", (ROOT / "training/Dockerfile").read_text(), re.M)
    assert ignore[0] == "*"
    assert {line[1:] for line in ignore if line.startswith("!")} == set(CONTENT) == set(copied)


def test_the_dockerfile_needs_no_buildkit() -> None:
    text = (ROOT / "training/Dockerfile").read_text()
    assert "--mount" not in text
    assert "<<" not in text
    assert "# syntax" not in text


def test_the_same_files_give_the_same_tag_wherever_they_lie(project: Path, tmp_path: Path) -> None:
    before = content_tag(project)
    assert re.fullmatch(r"[0-9a-f]{16}", before)
    assert content_tag(project.rename(tmp_path / "elsewhere")) == before


@pytest.mark.parametrize(
    "name", ["training/Dockerfile", "training/trainer/a.py", "layers/core/contender/new.py"]
)
def test_a_changed_or_new_file_gives_another_tag(project: Path, name: str) -> None:
    before = content_tag(project)
    (project / name).write_text("changed")
    assert content_tag(project) != before


def test_what_running_leaves_behind_changes_no_tag(project: Path) -> None:
    before = content_tag(project)
    cache = project / "training/trainer/__pycache__"
    cache.mkdir()
    (cache / "a.pyc").write_bytes(b"x")
    (project / "training/notes.md").write_text("not copied")
    assert content_tag(project) == before


def test_every_file_of_the_image_is_there() -> None:
    files = {path.as_posix() for path in content_files()}
    assert {"training/Dockerfile", "training/requirements.txt", "training/trainer/job.py"} <= files
    assert "layers/core/contender/ports.py" in files


def test_it_builds_and_says_how_large_it_is(docker: FakeDocker, capfd: pytest.CaptureFixture[str]) -> None:
    docker.answers("image inspect", "1650000000\n")
    assert main([]) == 0
    told = capfd.readouterr().out
    assert "contender-training:local: 1,650 MB" in told
    assert content_tag() in told


def test_without_an_engine_it_says_what_to_do(docker: FakeDocker, capfd: pytest.CaptureFixture[str]) -> None:
    docker.answers("version", code=1, err="Cannot connect")
    assert main([]) == 1
    assert "→ `docker info` must work" in capfd.readouterr().err
