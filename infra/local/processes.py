"""Starts background processes and stops all that came of them.

Every process of one stack carries the stack's mark in its environment, which its children inherit. So nothing
that a service started is missed, whoever started it and whatever happened to its parent, and a stranger that
happens to get a process id which was ours is never touched.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from infra.local.errors import LocalStackError
from infra.local.tools import ROOT

MARK = "CONTENDER_STACK"
"""Environment variable that carries a stack's mark."""
TERM_GRACE_S = 5.0
"""Seconds that processes get between SIGTERM and SIGKILL: the emulator ends its workers within 2."""
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Service:
    """A background process.

    Attributes:
        name: A name for people.
        pid: Its process id.
        log: Where its output goes.
    """

    name: str
    pid: int
    log: Path


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def spawn(name: str, command: Sequence[str], env: Mapping[str, str], mark: str, log: Path) -> Service:
    """Starts a background process whose output goes to a log."""
    return Service(name, _popen(command, env, mark, log).pid, log)


def run(name: str, command: Sequence[str], env: Mapping[str, str], mark: str, log: Path) -> None:
    """Runs a command to its end.

    Raises:
        LocalStackError: It failed; the message has the end of its output.
    """
    if code := _popen(command, env, mark, log).wait():
        raise LocalStackError(f"{name} failed with exit code {code}:\n{tail(log)}", f"The whole log is {log}")


def is_alive(service: Service, mark: str) -> bool:
    """Whether this very process still runs: same id, same mark."""
    try:
        return bool(psutil.Process(service.pid).environ().get(MARK) == mark)  # a zombie has none
    except psutil.Error:
        return False


def wait_for(service: Service, mark: str, ready: Callable[[], bool], seconds: float) -> None:
    """Waits until a service is ready.

    Raises:
        LocalStackError: It ended before, or was not ready in time.
    """
    deadline = time.monotonic() + seconds
    was_alive = True
    while not ready():
        alive = is_alive(service, mark)
        # Twice in a row: in the middle of exec a process has no environment yet, so it bears no mark.
        if not alive and not was_alive:
            raise LocalStackError(
                f"{service.name} ended while starting:\n{tail(service.log)}",
                f"The whole log is {service.log}",
            )
        if time.monotonic() > deadline:
            raise LocalStackError(
                f"{service.name} was not ready within {seconds:g} s:\n{tail(service.log)}",
                f"The whole log is {service.log}",
            )
        was_alive = alive
        time.sleep(_POLL_S)


def answers(url: str) -> bool:
    """Whether an HTTP server answers 200 there. Proxies of the environment are left aside."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def marked(mark: str) -> list[psutil.Process]:
    """All living processes that carry a mark, except this one."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:  # a zombie has none
                found.append(process)
    return found


def stop_marked(mark: str, grace_s: float = TERM_GRACE_S) -> None:
    """Ends all processes that carry a mark: SIGTERM, after ``grace_s`` SIGKILL, until none is found."""
    _signal_all(marked(mark), signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    empty_scans = 0
    # Twice in a row: in the middle of exec a process has no environment yet, so it bears no mark.
    while empty_scans < 2:
        processes = marked(mark)
        empty_scans = 0 if processes else empty_scans + 1
        if time.monotonic() > deadline:
            _signal_all(processes, signal.SIGKILL)
        time.sleep(_POLL_S)


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, indented; empty if there is none."""
    with contextlib.suppress(OSError):
        return "\n".join(f"  {line}" for line in log.read_text(errors="replace").splitlines()[-lines:])
    return ""


def _popen(command: Sequence[str], env: Mapping[str, str], mark: str, log: Path) -> subprocess.Popen[bytes]:
    """In a session of its own, so that Ctrl-C reaches only us and we stop everything in order."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env={**env, MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _signal_all(processes: Sequence[psutil.Process], number: int) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)
