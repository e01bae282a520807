"""A `docker` command that writes down how it was called and answers as it was told."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

_PROGRAM = """#!{python}
import json, pathlib, sys
folder = pathlib.Path({folder!r})
arguments = sys.argv[1:]
given = "" if sys.stdin.isatty() else sys.stdin.read()
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps([arguments, given]) + "\\n")
for start, code, out, err in json.loads((folder / "answers").read_text()):
    if " ".join(arguments).startswith(start):
        sys.stdout.write(out)
        sys.stderr.write(err)
        sys.exit(code)
"""


@dataclass
class FakeDocker:
    """The command's folder."""

    folder: Path

    def answers(self, start: str, out: str = "", code: int = 0, err: str = "") -> None:
        """Sets the answer to calls whose arguments start so; others succeed and say nothing."""
        path = self.folder / "answers"
        known = json.loads(path.read_text())
        path.write_text(json.dumps([[start, code, out, err], *known]))

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of every call."""
        return [arguments for arguments, _ in self._calls()]

    def given(self, start: str) -> str:
        """What the first call whose arguments start so got as its input."""
        return next(text for arguments, text in self._calls() if " ".join(arguments).startswith(start))

    def _calls(self) -> list[tuple[list[str], str]]:
        path = self.folder / "calls"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def install_fake_docker(folder: Path, patch: pytest.MonkeyPatch) -> FakeDocker:
    """Puts the command in front of the PATH."""
    (folder / "answers").write_text("[]")
    program = folder / "docker"
    program.write_text(_PROGRAM.format(python=sys.executable, folder=str(folder)))
    program.chmod(0o755)
    patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return FakeDocker(folder)
