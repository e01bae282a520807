"""The demo's data."""

from __future__ import annotations

from pathlib import Path

from contender.domain.dataset import Task
from scripts.datasets.flights import LATE_AFTER_MIN, FlightsPaths, prepare_flights
from scripts.demo.display import Step


def prepare(folder: Path, task: Task, step: Step) -> FlightsPaths:
    """Writes the flights below a folder and says what they are."""
    flights = prepare_flights(folder, task)

    def rows(path: Path) -> str:
        return f"{flights.rows[path.relative_to(flights.root).as_posix()]:,}"

    target = f"late = more than {LATE_AFTER_MIN} minutes"
    if task is Task.REGRESSION:
        target = "to predict: the delay at arrival, in minutes"
    step.outcome = (
        f"{target}; {len(flights.dataset.features)} features known before "
        f"departure; reference {rows(flights.reference)} flights, kept aside {rows(flights.heldout)}, "
        f"May-June {rows(flights.may_june)}, July {rows(flights.july)}, December {rows(flights.december)}"
    )
    return flights
