"""The demo's drift checks and trainings, through the deployed functions and tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from contender.domain.records import RunState
from contender.ports import ObjectStore
from scripts.datasets.flights import FlightsPaths
from scripts.demo.display import Step
from scripts.loop import Loop, LoopFailed


class Trainings:
    """What the data brings about.

    Args:
        loop: The deployed loop.
        flights: The data.
        artifacts: The artifact bucket.
        mlflow_url: Where runs can be looked at.
        out: Folder for the drift reports.
    """

    def __init__(
        self, loop: Loop, flights: FlightsPaths, artifacts: ObjectStore, mlflow_url: str, out: Path
    ) -> None:
        self._loop = loop
        self._flights = flights
        self._artifacts = artifacts
        self._where = f"runs, leaderboard and plots: {mlflow_url}"
        self._out = out

    def first(self, step: Step) -> str:
        """Trains the first champion; gives its version."""
        self._loop.upload(self._flights.root, self._flights.declaration, self._flights.reference)
        answer = self._loop.check(self._loop.schedule_event())
        _expect(answer, verdict="no_champion", action="launched")
        record = self._loop.wait_for_training(answer["run_key"], step.progress)
        step.outcome = f"{answer['reason']} → version {record.model_version}, champion"
        step.notes = [self._where]
        return str(record.model_version)

    def no_drift(self, step: Step) -> str:
        """Checks the half of the reference's months that was kept aside; gives the verdict."""
        self._loop.upload(self._flights.root, self._flights.heldout)
        answer = self._loop.check(self._loop.schedule_event())
        self._keep_report(answer, "drift-null")
        _expect(answer, verdict="no_drift", action="nothing")
        step.outcome = f"{answer['verdict']}: {answer['reason']} Nothing is trained."
        return str(answer["verdict"])

    def drift(self, step: Step, window: Path, root: Path, report: str) -> dict[str, Any]:
        """Brings a window that is not like the champion's; gives the check's answer.

        Args:
            step: Told what was found.
            window: File of the window.
            root: Folder below which it lies as in the data bucket.
            report: Name of the drift report.

        Raises:
            LoopFailed: When that is no drift to the check.
        """
        self._loop.upload(root, window)
        answer = self._loop.check(self._loop.schedule_event())
        self._keep_report(answer, report)
        _expect(answer, verdict="drift", action="launched")
        step.outcome = f"{answer['verdict']}: {answer['reason']}"
        return answer

    def challenger(self, step: Step, run_key: str) -> str:
        """Waits for the model that a drift trains; gives its version. Raises ``LoopFailed`` without one."""
        record = self._loop.wait_for_training(run_key, step.progress)
        step.outcome = f"version {record.model_version}, {record.state.value}: {record.detail}"
        step.notes = [self._where]
        if record.state is not RunState.SUCCEEDED:
            raise LoopFailed(f"the gate turned the challenger away: {record.detail}")
        return str(record.model_version)

    def again(self, step: Step) -> bool:
        """Checks the same window once more; tells whether it was trained on twice."""
        answer = self._loop.check(self._loop.schedule_event())
        _expect(answer, verdict="drift", action="already_handled")
        step.outcome = f"already handled, not trained twice: {answer['reason']}"
        return bool(answer["action"] == "launched")

    def _keep_report(self, answer: dict[str, Any], name: str) -> None:
        """Copies a drift report, as data and as a page, to where a person looks."""
        if answer["report_uri"]:
            key = answer["report_uri"].split("/", 3)[3]
            (self._out / f"{name}.json").write_bytes(self._artifacts.get(key))
            page = key.removesuffix(".json") + ".html"
            (self._out / f"{name}.html").write_bytes(self._artifacts.get(page))


def _expect(answer: dict[str, Any], **wanted: str) -> None:
    """Stops the demo where the loop does something else than it should."""
    for field, value in wanted.items():
        if answer[field] != value:
            raise LoopFailed(f"expected {field} {value}, got {answer[field]}: {answer['reason']}")
