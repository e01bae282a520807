"""The emulator, for as long as a benchmark runs."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.runs import kept_environment, our_environment
from infra.local import processes, tools


@contextmanager
def local_s3(folder: Path) -> Iterator[str]:
    """Starts the emulator on a free port of 127.0.0.1, and stops it.

    Args:
        folder: For its log and temporary files.

    Yields:
        Its URL.

    Raises:
        LocalStackError: When it is not installed or does not start.
    """
    tools.require()
    mark, url = uuid.uuid4().hex, f"http://127.0.0.1:{processes.free_port()}"
    env = kept_environment() | {
        "GATEWAY_PORT": url.rsplit(":", 1)[1],
        "BIND_HOST": "127.0.0.1",
        "DOCKER_HOST": "unix:///nonexistent",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1,localhost",
        "TMPDIR": str(folder),
    }
    try:
        service = processes.spawn(
            "emulator", [str(tools.MINISTACK)], env, mark, folder / "logs" / "emulator.log"
        )
        processes.wait_for(service, mark, lambda: processes.answers(f"{url}/_ministack/health"), seconds=60)
        yield url
    finally:
        processes.stop_marked(mark)


def client_environment(endpoint: str | None = None) -> dict[str, str]:
    """What a measured process of ours may know: the emulator's credentials, and where our packages are.

    Args:
        endpoint: URL of the emulator, for AWS's own variable; ``None`` to leave it out.
    """
    return {**peer_environment(endpoint), **our_environment()}


def peer_environment(endpoint: str | None = None) -> dict[str, str]:
    """The same for a peer, which gets none of our packages."""
    return {
        **kept_environment(),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": "127.0.0.1,localhost",
        **({} if endpoint is None else {"AWS_ENDPOINT_URL": endpoint}),
    }
