"""The process engine, driven by Docker's own client, as an emulator drives it."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import psutil
import pytest

from infra.local.task_engine import Server
from infra.local.task_processes import Engine

LONG = "import time; print('started', flush=True); time.sleep(600)"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(sys.executable, tmp_path, {"FROM_IMAGE": "image", "BOTH": "image"}, max_seconds=60)


@pytest.fixture
def client(engine: Engine) -> Iterator[docker.DockerClient]:
    with tempfile.TemporaryDirectory() as folder, Server(f"{folder}/s", engine) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = docker.DockerClient(base_url=f"unix://{folder}/s")
        yield client
        client.close()
        server.shutdown()
        engine.shut_down()


def _run(client: docker.DockerClient, program: str, **options: Any) -> Any:
    return client.containers.run("any:image", ["python", "-c", program], detach=True, **options)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


@pytest.mark.parametrize("code", [0, 3])
def test_a_container_reports_its_commands_exit_code(client: docker.DockerClient, code: int) -> None:
    container = _run(client, f"raise SystemExit({code})")
    assert container.wait()["StatusCode"] == code
    container.reload()
    assert container.status == "exited"
    assert container.attrs["State"]["ExitCode"] == code


def test_a_container_killed_by_a_signal_reports_128_and_its_number(client: docker.DockerClient) -> None:
    assert _run(client, "import os; os.kill(os.getpid(), 9)").wait()["StatusCode"] == 137


def test_a_command_that_does_not_exist_ends_with_the_reason_in_its_log(client: docker.DockerClient) -> None:
    container = client.containers.run("any:image", ["/no/such/program"], detach=True)
    assert container.wait()["StatusCode"] == 127
    assert b"/no/such/program" in container.logs()


def test_the_containers_environment_wins_and_the_host_is_this_machine(client: docker.DockerClient) -> None:
    program = "import os; print(*(os.environ[name] for name in ('FROM_IMAGE', 'BOTH', 'URL')))"
    container = _run(client, program, environment={"BOTH": "task", "URL": "http://host.docker.internal:1/x"})
    container.wait()
    assert container.logs() == b"image task http://127.0.0.1:1/x\n"


def test_nothing_of_the_callers_environment_leaks_in(
    client: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "a-real-account")
    container = _run(client, "import os; print('AWS_PROFILE' in os.environ)")
    container.wait()
    assert container.logs() == b"False\n"


def test_a_followed_log_gives_both_streams_and_ends_with_the_container(client: docker.DockerClient) -> None:
    program = "import sys, time; print('one', flush=True); time.sleep(.2); print('two', file=sys.stderr)"
    container = _run(client, program)
    assert b"".join(container.logs(stream=True, follow=True)) == b"one\ntwo\n"


def test_stop_ends_a_task_that_ignores_sigterm_with_all_its_children(client: docker.DockerClient) -> None:
    program = (
        "import signal, subprocess, sys, time; signal.signal(15, signal.SIG_IGN);"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
        "print(child.pid, flush=True); time.sleep(600)"
    )
    container = _run(client, program)
    _until(lambda: container.logs().endswith(b"\n"))
    child = int(container.logs())
    container.stop(timeout=0)
    assert container.wait()["StatusCode"] == 137
    _until(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


def test_stop_lets_a_task_finish_in_its_own_way(client: docker.DockerClient) -> None:
    program = (
        "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(5));"
        "print(1, flush=True); time.sleep(600)"
    )
    container = _run(client, program)
    _until(lambda: container.logs() == b"1\n")
    container.stop(timeout=20)
    assert container.wait()["StatusCode"] == 5


def test_a_task_beyond_the_longest_life_is_killed_and_says_why(tmp_path: Path) -> None:
    engine = Engine(sys.executable, tmp_path, {}, max_seconds=0.2)
    container = engine.create("late", {"Cmd": ["python", "-c", LONG]})
    engine.start(container)
    assert container.done.wait(20)
    assert container.exit_code == 137
    assert "0.2 s" in container.log_path.read_text()


def test_containers_are_listed_by_label_and_forgotten_when_removed(client: docker.DockerClient) -> None:
    mine = _run(client, LONG, labels={"group": "a"})
    other = _run(client, LONG, labels={"group": "b"})
    assert [one.id for one in client.containers.list(filters={"label": "group=a"})] == [mine.id]
    mine.remove(force=True)
    with pytest.raises(docker.errors.NotFound):
        client.containers.get(mine.id)
    assert [one.id for one in client.containers.list()] == [other.id]


def test_shutting_down_ends_every_task(engine: Engine, client: docker.DockerClient) -> None:
    container = _run(client, LONG)
    pid = client.containers.get(container.id).attrs["State"]["Pid"]
    engine.shut_down()
    assert not psutil.pid_exists(pid)
