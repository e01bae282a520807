"""One stack whose training tasks run in real containers, with a champion trained in one."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from contender.domain.records import RunRecord
from infra.local import docker_engine
from infra.local.errors import LocalStackError
from infra.local.info import StackInfo
from infra.local.services import TaskEngine
from infra.local.stack import LocalStack
from infra.local.tools import ROOT
from scripts.datasets.flights import FlightsPaths
from scripts.loop import Loop
from scripts.training_image import build
from tests.integration.conftest import QUICK_SEARCH
from tests.support.stacks import loop_of, reaching, small_flights


@pytest.fixture(scope="session")
def engine() -> None:
    """A Docker engine with the training image of these sources; without an engine the tests are skipped."""
    try:
        docker_engine.require_engine()
    except LocalStackError as problem:
        pytest.skip(f"needs a Docker engine: {problem.problem}")
    build()


@pytest.fixture(scope="session")
def stack(engine: None) -> Iterator[StackInfo]:
    """The template, deployed on the emulator, with tasks in containers."""
    state = ROOT / ".contender" / "test-container"
    try:
        with LocalStack.start(state, engine=TaskEngine.DOCKER, parameters=QUICK_SEARCH) as info:
            yield info
    except LocalStackError as problem:
        pytest.fail(f"{problem.problem}\n{problem.next_step}", pytrace=False)


@pytest.fixture(scope="session")
def session(stack: StackInfo) -> Iterator[boto3.Session]:
    """A session whose clients, and MLflow's, reach the stack."""
    with reaching(stack) as session:
        yield session


@pytest.fixture(scope="session")
def loop(stack: StackInfo, session: boto3.Session) -> Loop:
    """The loop's client."""
    return loop_of(stack, session)


@pytest.fixture(scope="session")
def flights(tmp_path_factory: pytest.TempPathFactory) -> FlightsPaths:
    """3,000 flights a window."""
    return small_flights(tmp_path_factory.mktemp("flights"))


@pytest.fixture(scope="session")
def first_run(loop: Loop, flights: FlightsPaths) -> RunRecord:
    """The training of the first champion, in a container that the drift check started by RunTask."""
    loop.upload(flights.root, flights.declaration, flights.reference)
    answer = loop.check(loop.schedule_event())
    assert (answer["verdict"], answer["action"]) == ("no_champion", "launched")
    return loop.wait_for_training(answer["run_key"], lambda _: None)
