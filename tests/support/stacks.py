"""What tests on a deployed stack share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import mlflow
import pytest

from infra.local.info import StackInfo
from scripts.datasets.flights import FlightsPaths, prepare_flights
from scripts.loop import Loop


@contextmanager
def reaching(stack: StackInfo) -> Iterator[boto3.Session]:
    """Gives a session whose clients, and MLflow's, reach the stack; so do programs called meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stack.env.items():
            patch.setenv(name, value)
        mlflow.set_tracking_uri(stack.mlflow_url)
        yield boto3.Session()


def loop_of(stack: StackInfo, session: boto3.Session) -> Loop:
    """Gives the loop's client."""
    return Loop(
        session, stack.data_bucket, stack.runs_table, stack.detect_drift_function, stack.drift_schedule
    )


def small_flights(folder: Path) -> FlightsPaths:
    """Prepares 3,000 flights a window."""
    return prepare_flights(folder, rows=3_000)
