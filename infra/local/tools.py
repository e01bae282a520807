"""Where the project's environments and their programs are."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.local.errors import LocalStackError

ROOT = Path(__file__).resolve().parents[2]
"""The project's folder."""
UP_STATE = ROOT / ".contender" / "up"
"""Where the stack of `make up` keeps its files. A demo's or a test's own stack lies elsewhere."""
MINISTACK = ROOT / ".venv-emulator" / "bin" / "ministack"
SAM = ROOT / ".venv-sam" / "bin" / "sam"
AWS = ROOT / ".venv-sam" / "bin" / "aws"
SAM_PYTHON = ROOT / ".venv-sam" / "bin" / "python"
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TERM", "TMPDIR", "USER")


def require() -> None:
    """Checks that the environments are there.

    Raises:
        LocalStackError: Naming what is missing and how to get it.
    """
    missing = [str(tool.relative_to(ROOT)) for tool in (MINISTACK, SAM, AWS) if not tool.exists()]
    if missing:
        raise LocalStackError(f"{', '.join(missing)} is missing.", "Run `make setup` first.")


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What a tool may know of the caller's environment.

    The caller's AWS profile, MLflow server and Python path stay out: nothing here may reach a real account.
    """
    kept = {name: environ[name] for name in _KEPT if name in environ}
    kept["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)])
    return {**kept, "NO_PROXY": "127.0.0.1,localhost", "PYTHONUNBUFFERED": "1", "SAM_CLI_TELEMETRY": "0"}


def interpreter(version: str) -> str | None:
    """Finds a Python of a version: this one, one on the path, or one of pyenv's.

    Args:
        version: Major and minor, as ``3.12``.

    Returns:
        Its path; ``None`` where there is none that runs.
    """
    installed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    for candidate in (sys.executable, shutil.which(f"python{version}"), *map(str, installed)):
        if candidate and _version(candidate) == version:
            return candidate
    return None


def _version(python: str) -> str:
    """Major and minor version; empty where it does not run, as pyenv's stand-in for a version not chosen."""
    program = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-I", "-c", program], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
