"""One deployed stack for all integration tests of a session: starting it takes most of a minute."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.errors import LocalStackError
from infra.local.info import StackInfo
from infra.local.stack import LocalStack
from infra.local.tools import ROOT

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
