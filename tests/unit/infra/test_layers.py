"""Byte code of layers: made by an interpreter of the right version, or not at all."""

from __future__ import annotations

import marshal
import os
import shutil
import subprocess
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

from infra.local import deploy, tools

THIS = f"{sys.version_info.major}.{sys.version_info.minor}"
UNCHECKED_HASH = 1
"""Flags of byte code that is loaded without a look at its source (PEP 552)."""


def build_core(folder: Path, version: str, compiler: str) -> str:
    """Builds the core layer as `sam build` does; gives what it says."""
    layer = tools.ROOT / "layers" / "core"
    variables = {"ARTIFACTS_DIR": str(folder), "LAYER_PYTHON": version, "LAYER_COMPILER": compiler}
    done = subprocess.run(
        ["make", "--silent", "build-CoreLayer"],
        cwd=layer, env={**os.environ, **variables}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def test_a_layer_holds_byte_code_that_is_valid_wherever_it_is_unpacked(tmp_path: Path) -> None:
    said = build_core(tmp_path, THIS, sys.executable)

    sources = sorted((tmp_path / "python").rglob("*.py"))
    assert len(sources) > 100
    for source in sources:
        tag = sys.implementation.cache_tag
        content = (source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc").read_bytes()
        assert content[:4] == MAGIC_NUMBER
        assert int.from_bytes(content[4:8], "little") == UNCHECKED_HASH
        assert marshal.loads(content[16:]).co_filename == f"/opt/{source.relative_to(tmp_path)}"
    assert said == ""


@pytest.mark.parametrize(("version", "compiler"), [(THIS, "no-such-python"), ("3.7", sys.executable)])
def test_without_the_right_interpreter_a_layer_goes_without_and_says_so(
    tmp_path: Path, version: str, compiler: str
) -> None:
    said = build_core(tmp_path, version, compiler)

    assert (tmp_path / "python" / "contender" / "errors.py").exists()
    assert not list(tmp_path.rglob("__pycache__"))
    assert said.count("\n") == 1
    assert f"No Python {version}" in said
    assert "LAYER_COMPILER" in said


def test_an_interpreter_is_found_by_its_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(shutil, "which", lambda _name: str(tmp_path / "not-there"))
    assert tools.interpreter(THIS) == sys.executable
    assert tools.interpreter("2.6") is None

    # Stands in for a Python 2.6; what merely bears the name does not count.
    for name, says in (("2.6.1", "exit 127"), ("2.6.2", "echo 2.7"), ("2.6.3", "echo 2.6")):
        program = tmp_path / ".pyenv" / "versions" / name / "bin" / "python2.6"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\n{says}\n")
        program.chmod(0o755)
    assert tools.interpreter("2.6") == str(program)


def test_layers_are_compiled_for_whoever_imports_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "interpreter", lambda version: f"/python/{version}")

    local, prod = (deploy.layer_variables(profile, {}) for profile in ("local", "prod"))
    assert (local["LAYER_PYTHON"], local["LAYER_COMPILER"]) == ("3.11", "/python/3.11")
    assert prod["LAYER_COMPILER"] == "/python/3.12"
    assert "LAYER_PYTHON" not in prod  # Lambda's is the default:
    assert f"LAYER_PYTHON ?= {deploy.lambda_python()}\n" in (tools.ROOT / "layers/bytecode.mk").read_text()

    given = {"LAYER_PYTHON": "3.13", "LAYER_COMPILER": "/mine"}
    assert given.items() <= deploy.layer_variables("local", given).items()

    monkeypatch.setattr(tools, "interpreter", lambda version: None)
    assert "LAYER_COMPILER" not in deploy.layer_variables("prod", {})
