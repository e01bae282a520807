"""One deployed stack for all integration tests of a session, since starting it takes most of a minute."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from infra.local.errors import LocalStackError
from infra.local.info import StackInfo
from infra.local.stack import LocalStack
from infra.local.tools import ROOT
from scripts.datasets.flights import FlightsPaths
from scripts.loop import Loop
from tests.support.stacks import loop_of, reaching, small_flights

QUICK_SEARCH = {"SearchRows": "1500", "SearchBudgetSeconds": "30"}
"""Enough for a model that knows something, in seconds."""


@pytest.fixture(scope="session")
def stack() -> Iterator[StackInfo]:
    """The template, deployed on the emulator, with MLflow and the task engine beside it."""
    try:
        with LocalStack.start(ROOT / ".contender" / "test", parameters=QUICK_SEARCH) as info:
            yield info
    except LocalStackError as problem:
        pytest.fail(f"{problem.problem}\n{problem.next_step}", pytrace=False)


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> FlightsPaths:
    """3,000 flights a window."""
    return small_flights(tmp_path_factory.mktemp("flights"))


@pytest.fixture(scope="module")
def session(stack: StackInfo) -> Iterator[boto3.Session]:
    """A session whose clients, and MLflow's, reach the stack."""
    with reaching(stack) as session:
        yield session


@pytest.fixture(scope="module")
def loop(stack: StackInfo, session: boto3.Session) -> Loop:
    """The loop's client."""
    return loop_of(stack, session)
