"""Background processes are found by their mark and ended, whoever started them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from infra.local import processes
from infra.local.errors import LocalStackError

ENV = {"PATH": os.environ["PATH"]}
STUBBORN_FAMILY = (
    "import signal, subprocess, sys, time; signal.signal(15, signal.SIG_IGN);"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True);"
    "print('ready', flush=True); time.sleep(600)"
)


def _spawn(mark: str, program: str, log: Path) -> processes.Service:
    return processes.spawn("a service", [sys.executable, "-c", program], ENV, mark, log)


def _until_says(service: processes.Service, mark: str, word: str) -> None:
    processes.wait_for(service, mark, lambda: word in service.log.read_text(), 20)


def test_stopping_ends_the_whole_family_even_what_left_the_session_and_ignores_sigterm(
    tmp_path: Path,
) -> None:
    service = _spawn("mark-1", STUBBORN_FAMILY, tmp_path / "log")
    _until_says(service, "mark-1", "ready")
    assert len(processes.marked("mark-1")) == 2
    processes.stop_marked("mark-1", grace_s=0.2)
    assert processes.marked("mark-1") == []
    assert not processes.is_alive(service, "mark-1")


def test_stopping_one_stack_leaves_another_alone(tmp_path: Path) -> None:
    ours = _spawn("mark-2", "import time; time.sleep(600)", tmp_path / "a")
    theirs = _spawn("mark-3", "import time; time.sleep(600)", tmp_path / "b")
    try:
        processes.stop_marked("mark-2")
        assert not processes.is_alive(ours, "mark-2")
        assert processes.is_alive(theirs, "mark-3")
        assert not processes.is_alive(theirs, "mark-2")  # same id, but not ours
    finally:
        processes.stop_marked("mark-3")


def test_waiting_for_a_service_that_ended_gives_the_end_of_its_log(tmp_path: Path) -> None:
    service = _spawn("mark-4", "raise SystemExit('no disk')", tmp_path / "log")
    with pytest.raises(LocalStackError, match=r"(?s)ended while starting.*no disk"):
        processes.wait_for(service, "mark-4", lambda: False, 20)


def test_waiting_too_long_gives_up(tmp_path: Path) -> None:
    service = _spawn("mark-5", "import time; time.sleep(600)", tmp_path / "log")
    try:
        with pytest.raises(LocalStackError, match="not ready within"):
            processes.wait_for(service, "mark-5", lambda: False, 0.1)
    finally:
        processes.stop_marked("mark-5")


def test_a_failing_tool_gives_its_exit_code_and_the_end_of_its_output(tmp_path: Path) -> None:
    program = "print('line 1'); print('the reason'); raise SystemExit(4)"
    with pytest.raises(LocalStackError, match=r"(?s)sam build failed with exit code 4.*the reason"):
        processes.run("sam build", [sys.executable, "-c", program], ENV, "mark-6", tmp_path / "log")


def test_free_ports_can_be_bound() -> None:
    import socket

    with socket.socket() as server:
        server.bind(("127.0.0.1", processes.free_port()))


def test_nothing_answers_on_a_port_without_server() -> None:
    start = time.monotonic()
    assert not processes.answers(f"http://127.0.0.1:{processes.free_port()}/health")
    assert time.monotonic() - start < 10
