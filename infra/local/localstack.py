"""LocalStack instead of ministack, started by its own command line (the `localstack` package).

It needs a Docker engine and, since 2026.3, an account's token.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.local import docker_engine
from infra.local.errors import LocalStackError

TOKEN = "LOCALSTACK_AUTH_TOKEN"
ENDPOINT_URL = "http://127.0.0.1:4566"
"""Where it listens unless told otherwise."""
READY_S = 180
"""Longest start in seconds, apart from the download of its image."""
_INSTEAD = "Or leave EMULATOR=localstack out: ministack needs neither token nor Docker."


def start(environ: Mapping[str, str]) -> str:
    """Starts LocalStack in the background and waits until it is ready.

    Args:
        environ: Must hold the account's token.

    Returns:
        Its address.

    Raises:
        LocalStackError: Token, engine or program is missing, or it did not start.
    """
    if not environ.get(TOKEN):
        raise LocalStackError(
            f"LocalStack needs an account's token, and {TOKEN} is not set.",
            f"Export the token of your account (https://app.localstack.cloud). {_INSTEAD}",
        )
    docker_engine.require_engine()
    _localstack(environ, "start", "--detached", "--no-banner")
    _localstack(environ, "wait", "--timeout", str(READY_S))
    return ENDPOINT_URL


def guide(endpoint_url: str) -> str:
    """What to do once it runs, as text for a terminal."""
    return f"""\
LocalStack listens on {endpoint_url}. The commands are those of every emulator, with its address:

AWS_ENDPOINT_URL={endpoint_url} make deploy STAGE=local PARAMS="TrainingImage={docker_engine.TRAINING_IMAGE}"

# stop it: .venv/bin/localstack stop"""


def _localstack(environ: Mapping[str, str], *arguments: str) -> None:
    program = Path(sys.executable).with_name("localstack")
    try:
        done = subprocess.run([str(program), *arguments], env=dict(environ), check=False)
    except FileNotFoundError:
        raise LocalStackError(f"{program} is missing.", "Run `make setup` first.") from None
    if done.returncode:
        raise LocalStackError(
            f"`localstack {arguments[0]}` failed with exit code {done.returncode}.",
            f"Its output above says why; `.venv/bin/localstack logs` has more. {_INSTEAD}",
        )
