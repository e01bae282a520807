"""The local stack: an emulator of AWS, an MLflow server, and this project deployed on it.

    with LocalStack.start(Path(".contender/demo")) as stack:
        requests.post(f"{stack.api_url}/predict", json=…)

Everything listens on 127.0.0.1, on ports that were free; where tasks run in Docker, also on the address of
Docker's bridge, which only containers of this machine reach. Each start is a fresh stack; of the one before
it only what lies in its state folder remains, until the next start.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from infra.local import deploy, docker_engine, processes, tools
from infra.local.errors import AlreadyUp
from infra.local.info import StackInfo, aws_environment, client
from infra.local.processes import Service
from infra.local.services import TEMPORARY, Site, TaskEngine
from infra.local.state import Owner, State

OnStep = Callable[[str, float], None]
"""Called after each step with its name and how long it took, in seconds."""

ARTIFACT_BUCKET = "contender-local-artifacts"
"""Named here, where it is the only one of its name, so that MLflow can start before the bucket is there."""


class LocalStack:
    """Starts a stack for as long as a block runs."""

    @staticmethod
    @contextmanager
    def start(
        state_dir: Path,
        *,
        engine: TaskEngine = TaskEngine.PROCESS,
        parameters: Mapping[str, str] | None = None,
        on_step: OnStep | None = None,
    ) -> Iterator[StackInfo]:
        """Starts and deploys a stack, and stops all of it at the end, however the end comes.

        SIGTERM and SIGHUP end the block like Ctrl-C does, with ``SystemExit``.

        Args:
            state_dir: Folder for logs, databases and process ids; emptied first.
            engine: What runs ECS tasks.
            parameters: Further parameters of the template.
            on_step: Told about each finished step.

        Raises:
            AlreadyUp: A stack runs in this folder.
            LocalStackError: A tool is missing, or a part could not be started.
        """
        with _signals_end_the_block():
            info = bring_up(state_dir, engine=engine, parameters=parameters, on_step=on_step, keep=False)
            try:
                yield info
            finally:
                _take_down_undisturbed(state_dir)


def bring_up(
    state_dir: Path,
    *,
    engine: TaskEngine = TaskEngine.PROCESS,
    parameters: Mapping[str, str] | None = None,
    on_step: OnStep | None = None,
    keep: bool = True,
) -> StackInfo:
    """Starts and deploys a stack and leaves it running; ends what it started if it fails.

    See ``LocalStack.start`` for the other arguments and errors.

    Args:
        keep: Whether it stays when this process has ended; if not, it counts as left behind from then on.
    """
    state_dir = state_dir.resolve()
    tools.require()
    if engine is TaskEngine.DOCKER:
        docker_engine.require_image()
    found = State.read(state_dir)
    if found and found.is_starting():
        raise AlreadyUp(f"A stack is being started in {state_dir}.", "Wait for it, or stop it: `make down`.")
    if found and found.is_up():
        raise AlreadyUp(f"A stack already runs in {state_dir}.", "`make down` stops it.")
    take_down(state_dir)  # what a crash left behind
    with _signals_end_the_block():
        try:
            site = _empty_site(state_dir)
            starting = State(site.mark, Owner.this_process(), engine=engine)
            starting.write(state_dir)
            told = on_step or (lambda _name, _seconds: None)
            services, info = _carry_out(site, engine, parameters or {}, told)
            starting.deployed(services, info, keep).write(state_dir)
            return info
        except BaseException:
            _take_down_undisturbed(state_dir)
            raise


def take_down(state_dir: Path) -> bool:
    """Stops every process of the stack in this folder, a crashed one's too. Says whether there was any."""
    state_dir = state_dir.resolve()
    state = State.read(state_dir)
    if state is None:
        return False
    anything = bool(processes.marked(state.mark))
    processes.stop_marked(state.mark)
    if state.engine is TaskEngine.DOCKER:
        docker_engine.remove_stack(state.mark)
    shutil.rmtree(state_dir / TEMPORARY, ignore_errors=True)  # a gigabyte of unpacked functions and layers
    State.forget(state_dir)
    return anything


def find(state_dir: Path) -> StackInfo | None:
    """The stack that runs in this folder; None if there is none or not all of it is alive."""
    state = State.read(state_dir.resolve())
    return state.info if state and state.is_up() else None


def _empty_site(state_dir: Path) -> Site:
    for name in ("logs", "tasks", "s3", "mlflow", TEMPORARY):
        shutil.rmtree(state_dir / name, ignore_errors=True)
        (state_dir / name).mkdir(parents=True)
    endpoint_url, mlflow_url = (f"http://127.0.0.1:{processes.free_port()}" for _ in range(2))
    env = {**tools.clean_environment(os.environ), **aws_environment(endpoint_url)}
    return Site(state_dir, secrets.token_hex(8), endpoint_url, mlflow_url, env)


def _carry_out(
    site: Site, engine: TaskEngine, parameters: Mapping[str, str], on_step: OnStep
) -> tuple[list[Service], StackInfo]:
    @contextmanager
    def step(name: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        on_step(name, time.monotonic() - start)

    services = []
    with step("emulator"):
        if engine is TaskEngine.PROCESS:
            services.append(site.start_task_engine())
        services.append(site.start_emulator(engine))
        mlflow = site.start_mlflow(ARTIFACT_BUCKET)  # gets ready while the rest is built and deployed
        services.append(mlflow)
        image = docker_engine.TRAINING_IMAGE
        if engine is TaskEngine.DOCKER:
            image = docker_engine.image_for_stack(site.mark)
            forward = site.start_forward()
            services += [forward] if forward else []
    with deploy.build_folder():
        with step("build"):
            deploy.build(site.env, site.mark, site.log("sam-build"))
        with step("deploy"):
            given = {
                "TrainingImage": image,
                "MlflowTrackingUri": site.mlflow_url_for_tasks(engine),
                "ArtifactBucketName": ARTIFACT_BUCKET,
                "Shadow": "true",
                **parameters,
            }
            deploy.deploy(given, site.env, site.mark, site.log("sam-deploy"))
    with step("mlflow"):
        site.wait_for_mlflow(mlflow)
    outputs = deploy.outputs(client("cloudformation", site.endpoint_url))
    info = StackInfo.from_outputs(outputs, site.endpoint_url, site.mlflow_url, site.state_dir)
    services.append(site.start_task_events(info.cluster_arn))
    return services, info


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def _signals_end_the_block() -> Iterator[None]:
    """Turns SIGTERM and SIGHUP into ``SystemExit`` (128 + number, as shells count), so that ends are tidy."""

    def end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if not _in_main_thread():
        yield
        return
    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _take_down_undisturbed(state_dir: Path) -> None:
    """Takes a stack down; a second Ctrl-C must not leave half of it behind."""
    if not _in_main_thread():
        take_down(state_dir)
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        take_down(state_dir)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
