"""Containers without containers: each is one process group of this machine.

What is kept of a container: its own environment, working directory and process group, log, real exit code,
SIGTERM before SIGKILL, and nothing of it left alive when its first process ends. What is not kept: isolation
of files, network and memory.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

STOP_GRACE_S = 10.0
"""Seconds between SIGTERM and SIGKILL when the caller names none: Docker's own default."""
CANNOT_START = 127
"""Exit code when the command does not exist, as a shell would say it."""
_POLL_S = 0.05


@dataclass
class Container:
    """One task's process, from creation to removal."""

    name: str
    spec: dict[str, Any]
    log_path: Path
    id: str = field(default_factory=lambda: secrets.token_hex(32))
    process: subprocess.Popen[bytes] | None = None
    exit_code: int | None = None
    started_at: str = ""
    finished_at: str = ""
    error: str = ""
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def status(self) -> str:
        """Docker's word for the state: created, running or exited."""
        if self.done.is_set():
            return "exited"
        return "running" if self.process else "created"

    def describe(self) -> dict[str, Any]:
        """The answer to ``GET /containers/{id}/json``, as far as anyone reads it."""
        return {
            "Id": self.id,
            "Name": f"/{self.name}",
            "Image": self.spec.get("Image", ""),
            "State": {
                "Status": self.status,
                "Running": self.status == "running",
                "Pid": self.process.pid if self.process and self.status == "running" else 0,
                "ExitCode": self.exit_code or 0,
                "Error": self.error,
                "OOMKilled": False,
                "StartedAt": self.started_at,
                "FinishedAt": self.finished_at,
            },
            "Config": {**self.spec, "Tty": False, "Labels": self.spec.get("Labels") or {}},
            "NetworkSettings": {"Networks": {"host": {"IPAddress": "127.0.0.1"}}},
        }


class Engine:
    """Creates, runs and stops containers.

    Args:
        python: Interpreter that takes the place of a command's leading ``python``.
        work_dir: Folder for the tasks' working directories and logs.
        base_env: What the image would set. The container's own variables win.
        max_seconds: A task that runs longer is killed: nobody else watches a hanging one.
    """

    def __init__(self, python: str, work_dir: Path, base_env: dict[str, str], max_seconds: float) -> None:
        self._python = python
        self._work_dir = work_dir
        self._base_env = base_env
        self._max_seconds = max_seconds
        self._containers: dict[str, Container] = {}
        self._lock = threading.Lock()

    def create(self, name: str, spec: dict[str, Any]) -> Container:
        """Takes note of a container; nothing runs yet."""
        name = name or f"task-{secrets.token_hex(4)}"
        safe = re.sub(r"[^A-Za-z0-9_.-]", "_", name)
        container = Container(name, spec, self._work_dir / f"{safe}.log")
        with self._lock:
            self._containers[container.id] = container
        return container

    def find(self, key: str) -> Container | None:
        """By id, start of the id (at least 12 characters) or name."""
        with self._lock:
            for container in self._containers.values():
                if key in (container.id, container.name) or (len(key) >= 12 and container.id.startswith(key)):
                    return container
        return None

    def all(self) -> list[Container]:
        """Every container that was not removed."""
        with self._lock:
            return list(self._containers.values())

    def start(self, container: Container) -> None:
        """Runs the command. A command that cannot be run ends at once, with the reason in its log."""
        if container.process or container.done.is_set():
            return
        command = [*(container.spec.get("Entrypoint") or []), *(container.spec.get("Cmd") or [])]
        if command and Path(command[0]).name in ("python", "python3"):
            command[0] = self._python
        folder = container.log_path.with_suffix("")
        folder.mkdir(parents=True, exist_ok=True)
        container.started_at = datetime.now(UTC).isoformat()
        with container.log_path.open("ab") as log:
            try:
                container.process = subprocess.Popen(
                    command,
                    cwd=folder,
                    env=self._environment(container),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    process_group=0,
                )
            except (OSError, IndexError, ValueError) as problem:
                container.error = f"cannot run {command}: {problem}"
                log.write(f"{container.error}\n".encode())
                self._finish(container, CANNOT_START)
                return
        threading.Thread(target=self._watch, args=(container, container.process), daemon=True).start()

    def stop(self, container: Container, grace_s: float) -> None:
        """SIGTERM to all of the task, after ``grace_s`` SIGKILL; returns when it has ended."""
        self.kill(container, signal.SIGTERM)
        if container.process and not container.done.wait(grace_s):
            self.kill(container, signal.SIGKILL)
            container.done.wait(STOP_GRACE_S)

    def kill(self, container: Container, number: int) -> None:
        """Sends a signal to every process of a running task."""
        if container.process and not container.done.is_set():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(container.process.pid, number)

    def remove(self, container: Container) -> None:
        """Forgets a container, killing it first; its log stays."""
        self.stop(container, 0)
        with self._lock:
            self._containers.pop(container.id, None)

    def shut_down(self) -> None:
        """Ends every task."""
        for container in self.all():
            self.kill(container, signal.SIGTERM)
        for container in self.all():
            self.stop(container, 2.0)

    def _environment(self, container: Container) -> dict[str, str]:
        given = dict(entry.split("=", 1) for entry in container.spec.get("Env") or [] if "=" in entry)
        # The host that a container reaches by this name is the machine that the process already is on.
        local = {name: value.replace("host.docker.internal", "127.0.0.1") for name, value in given.items()}
        return {**self._base_env, **local}

    def _watch(self, container: Container, process: subprocess.Popen[bytes]) -> None:
        try:
            code = process.wait(self._max_seconds)
        except subprocess.TimeoutExpired:
            container.error = f"killed after {self._max_seconds:g} s, the longest that a task may run"
            with container.log_path.open("ab") as log:
                log.write(f"{container.error}\n".encode())
            self.kill(container, signal.SIGKILL)
            code = process.wait()
        # A container ends with its first process: so do the helpers it may have left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        self._finish(container, code if code >= 0 else 128 - code)

    @staticmethod
    def _finish(container: Container, code: int) -> None:
        container.exit_code = code
        container.finished_at = datetime.now(UTC).isoformat()
        container.done.set()


def follow_log(container: Container, follow: bool) -> Iterator[bytes]:
    """Yields what a container wrote so far and, if asked, what it writes until it ends."""
    if not container.log_path.exists() and not follow:
        return
    while not container.log_path.exists():
        if container.done.wait(_POLL_S):
            return
    with container.log_path.open("rb") as log:
        while True:
            ended = container.done.is_set()
            while data := log.read(64 * 1024):
                yield data
            if ended or not follow:
                return
            time.sleep(_POLL_S)
