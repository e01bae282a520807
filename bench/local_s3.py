"""The emulator's S3, for as long as a benchmark runs."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
    env = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    env |= {
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
