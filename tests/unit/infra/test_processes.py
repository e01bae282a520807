"""Background processes are found by their mark and ended, whoever started them."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.local import processes
from infra.local.errors import LocalStackError

ENV = {"PATH": os.environ["PATH"]}
SLEEP = "import time; time.sleep(600)"
STUBBORN_FAMILY = (
    "import signal, subprocess, sys, time; signal.signal(15, signal.SIG_IGN);"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True);"
    "print('ready', flush=True); time.sleep(600)"
)


@pytest.fixture
def new_mark() -> Iterator[Callable[[], str]]:
    """Makes marks that no other test run has, and ends what carries them."""
    marks: list[str] = []

    def make() -> str:
        marks.append(f"test-{secrets.token_hex(8)}")
        return marks[-1]

    yield make
    for mark in marks:
        processes.stop_marked(mark, grace_s=0)


@pytest.fixture
def mark(new_mark: Callable[[], str]) -> str:
    return new_mark()


def _spawn(mark: str, program: str, log: Path) -> processes.Service:
    return processes.spawn("a service", [sys.executable, "-c", program], ENV, mark, log)


def test_stopping_ends_the_whole_family_even_what_left_the_session_and_ignores_sigterm(
    tmp_path: Path, mark: str
) -> None:
    service = _spawn(mark, STUBBORN_FAMILY, tmp_path / "log")
    processes.wait_for(
        service, mark, lambda: "ready" in service.log.read_text() and len(processes.marked(mark)) == 2, 20
    )
    processes.stop_marked(mark, grace_s=0.2)
    assert processes.marked(mark) == []
    assert not processes.is_alive(service, mark)


def test_stopping_one_stack_leaves_another_alone(tmp_path: Path, new_mark: Callable[[], str]) -> None:
    our_mark, their_mark = new_mark(), new_mark()
    ours = _spawn(our_mark, SLEEP, tmp_path / "a")
    theirs = _spawn(their_mark, SLEEP, tmp_path / "b")
    for service, mark in ((ours, our_mark), (theirs, their_mark)):
        processes.wait_for(
            service, mark, lambda service=service, mark=mark: processes.is_alive(service, mark), 20
        )
    processes.stop_marked(our_mark)
    assert not processes.is_alive(ours, our_mark)
    assert processes.is_alive(theirs, their_mark)
    assert not processes.is_alive(theirs, our_mark)  # same id, but not ours


def test_waiting_for_a_service_that_ended_gives_the_end_of_its_log(tmp_path: Path, mark: str) -> None:
    service = _spawn(mark, "raise SystemExit('no disk')", tmp_path / "log")
    with pytest.raises(LocalStackError, match=r"(?s)ended while starting.*no disk"):
        processes.wait_for(service, mark, lambda: False, 20)


def test_waiting_too_long_gives_up(tmp_path: Path, mark: str) -> None:
    service = _spawn(mark, SLEEP, tmp_path / "log")
    with pytest.raises(LocalStackError, match="not ready within"):
        processes.wait_for(service, mark, lambda: False, 0.1)


def test_a_failing_tool_gives_its_exit_code_and_the_end_of_its_output(tmp_path: Path, mark: str) -> None:
    program = "print('line 1'); print('the reason'); raise SystemExit(4)"
    with pytest.raises(LocalStackError, match=r"(?s)sam build failed with exit code 4.*the reason"):
        processes.run("sam build", [sys.executable, "-c", program], ENV, mark, tmp_path / "log")


def test_free_ports_can_be_bound() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", processes.free_port()))


def test_nothing_answers_on_a_port_without_server() -> None:
    assert not processes.answers(f"http://127.0.0.1:{processes.free_port()}/health")
