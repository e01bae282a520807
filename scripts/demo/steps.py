"""The steps of the demo, in order; each says what was decided and why."""

from __future__ import annotations

import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import boto3
import requests

from contender.adapters.s3_objects import S3Objects
from contender.domain.experiment import Finding
from contender.experiment_settings import experiment_settings
from infra.local.deploy import declared_routes
from infra.local.info import StackInfo
from scripts import rollback
from scripts.analysis.console import show
from scripts.analysis.report import Report
from scripts.datasets.flights import LATER, FlightsPaths
from scripts.demo.display import Display, Step
from scripts.demo.ending import Endings
from scripts.demo.month import Month, release_in_force
from scripts.demo.splits import by_api, by_aws_cli
from scripts.demo.trainings import Trainings
from scripts.evaluation import Evaluation
from scripts.loop import Loop, LoopFailed
from scripts.traffic_rows import rows_from_file

SPLIT_BY_CLI, SPLIT_BY_API = 0.5, 0.4
"""The split starts at the template's 0.2; half-way it is raised, at three quarters changed once more."""

PARAMETERS = {
    "PromotionMode": "auto",
    # Paired: a flight is as late as it is, whatever was predicted. A prediction may take a second, and half
    # of the shadows may be missing: the emulator, its workers and this program share a few cores, and what
    # is slow or left out when those stand still says nothing of a model or a flight.
    "ExperimentSettings": '{"decide_by": "paired", "latency_limit_ms": 1000, "min_shadow_share": 0.5}',
    # Not before all outcomes are told, so that the demo can say what it waits for.
    "EvaluationSchedule": "rate(1 day)",
}
"""The template's parameters for the demo."""

SETTINGS = experiment_settings(PARAMETERS["ExperimentSettings"])
"""The same for the demo's own analyses."""

ENOUGH = {"July": 2_000, "December": 2_500}
"""Flights from which each month's verdict must come: what these models' paired difference needs, with some to
spare. With fewer the demo tells what was found."""


class Demo:
    """Everything after the stack stands.

    Args:
        display: Where steps are shown.
        stack: The running stack.
        flights: The data.
        out: Folder for results.
        july: July flights to send.
        december: December flights to send; 0 leaves December out.
    """

    def __init__(
        self,
        display: Display,
        stack: StackInfo,
        flights: FlightsPaths,
        out: Path,
        july: int,
        december: int,
    ) -> None:
        self._display = display
        self._stack = stack
        self._flights = flights
        self._out = out
        self._requests = {"July": july, "December": december}
        os.environ.update(stack.env)  # the programs called below find the stack where a person's would
        self._session = boto3.Session()
        self._artifacts = S3Objects(self._session.client("s3"), stack.artifact_bucket)
        loop = Loop(
            self._session,
            stack.data_bucket,
            stack.runs_table,
            stack.detect_drift_function,
            stack.drift_schedule,
        )
        self._trainings = Trainings(loop, flights, self._artifacts, stack.mlflow_url, out)
        self._endings = Endings(
            stack, Evaluation(self._session, stack.evaluate_function, stack.experiments_table)
        )
        self._summary: dict[str, Any] = {"task": flights.dataset.task.value, "drift": {}}

    def run(self) -> None:
        """Runs every step and writes ``summary.json``."""
        self._out.mkdir(parents=True, exist_ok=True)
        step, summary, trainings = self._display.step, self._summary, self._trainings
        flights = self._flights
        with step("routes", "Call every route of the API") as shown:
            self._call_routes(shown)
        with step("first_model", "Check without a champion: train the first model") as shown:
            summary["champion_version"] = trainings.first(shown)
        first = release_in_force(self._session, self._stack)
        with step("check_null", "Check the half of January-February kept aside") as shown:
            summary["drift"]["null"] = trainings.no_drift(shown)
        with step("check_shifted", "Check May-June by the schedule's own event") as shown:
            answer = trainings.drift(shown, flights.may_june, flights.root, "drift-shifted")
            summary["drift"]["shifted"] = answer["verdict"]
        with step("challenger", "Train a challenger on May-June") as shown:
            summary["challenger_version"] = trainings.challenger(shown, answer["run_key"])
        with step("check_again", "Check May-June again") as shown:
            summary["retrained_twice"] = trainings.again(shown)
        summary["first_split"] = self._endings.split()
        july = self._july()
        if self._requests["December"]:
            self._december(first)
        summary["seconds"] = self._display.seconds
        (self._out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
        show(july, self._display.console)

    def say_where_things_lie(self) -> None:
        """Prints where a person finds what was made."""
        state = self._stack.state_dir
        database = f"sqlite:///{state / 'mlflow' / 'mlflow.db'}"
        places = {
            "summary": self._out / "summary.json",
            "chart": self._out / "analysis.png",
            "table": self._out / "analysis.csv",
            "drift reports": self._out / "drift-*.html",
            "experiment": self._out / "experiment.html",
            "MLflow again": f".venv/bin/mlflow ui --backend-store-uri {database}",
            "S3 objects": state / "s3",
            "logs": state / "logs",
        }
        if self._requests["December"]:
            places["December's"] = self._out / "december" / "experiment.html"
        total = sum(self._display.seconds.values())
        self._display.console.print(f"\nDone in {total:.0f} s; everything that was started has been ended.")
        for name, place in places.items():
            self._display.console.print(f"  {name:14} {place}", highlight=False, soft_wrap=True)

    def _call_routes(self, step: Step) -> None:
        """Sends each route an empty call: only the router itself answers with its own kind of document."""
        routes = declared_routes()
        for method, path in routes:
            answer = requests.request(method, f"{self._stack.api_url}{path}", timeout=60)
            kind = answer.headers.get("Content-Type", "")
            if kind not in ("application/json", "application/problem+json") or answer.status_code == 500:
                raise LoopFailed(f"{method} {path} does not reach the router: {answer.status_code} {kind}")
        step.outcome = f"{len(routes)} routes reach the router"

    def _july(self) -> Report:
        """The challenger of May-June against winter's champion; gives the analysis."""
        stack = self._stack
        month = self._month("July", self._flights.july, self._out)
        count = month.planned
        with self._display.step("traffic", f"Send {count:,} July flights, move the split twice") as step:
            month.send(
                step,
                {
                    count // 2: lambda: by_aws_cli(
                        stack.aws_cli, os.environ, stack.split_parameter, SPLIT_BY_CLI
                    ),
                    count * 3 // 4: lambda: by_api(stack.api_url, SPLIT_BY_API),
                },
            )
        report, ending = self._judge(month, Finding.SHIP, "")
        self._summary.update(month.figures)
        self._summary["july"] = ending
        return report

    def _december(self, first: str) -> None:
        """The opposite question: winter's model, put back, against one of June alone."""
        champion = self._summary["champion_version"]
        with self._display.step("rollback", f"Put version {champion} back: scripts.rollback") as step:
            self._go_back(step, first)
        with self._display.step("check_june", "Check June, which winter's model has not seen") as step:
            flights = self._flights
            answer = self._trainings.drift(step, flights.june, flights.root / LATER, "drift-june")
        with self._display.step("june_model", "Train a challenger on June") as step:
            june_version = self._trainings.challenger(step, answer["run_key"])
        month = self._month("December", self._flights.december, self._out / "december")
        with self._display.step("december_traffic", f"Send {month.planned:,} December flights") as step:
            month.send(step, {})
        _, ending = self._judge(month, Finding.KEEP, "december_")
        self._summary["december"] = {**month.figures, "challenger_version": june_version, **ending}

    def _month(self, name: str, file: Path, out: Path) -> Month:
        rows = rows_from_file(file, self._flights.dataset, self._requests[name])
        return Month(name, rows, self._stack, self._session, out, SETTINGS)

    def _judge(self, month: Month, expected: Finding, prefix: str) -> tuple[Report, dict[str, Any]]:
        """Outcomes, export, analysis, and the end that the deployed parts make of it."""
        step, name = self._display.step, month.name
        with step(f"{prefix}outcomes", "Tell the router how late each flight really was") as shown:
            month.tell(shown)
        with step(f"{prefix}export", "Export the prediction log") as shown:
            month.export(shown)
        with step(f"{prefix}analysis", "Analyse the export") as shown:
            report = month.analyse(shown)
        with step(f"{prefix}verdict", f"Let the deployed evaluation judge {name}, and act") as shown:
            ending = self._endings.end(shown, month.told_at)
        if month.planned >= ENOUGH[name] and ending["finding"] != expected:
            raise LoopFailed(f"{name} was to end in {expected}, but it is {ending['finding']}")
        return report, ending

    def _go_back(self, step: Step, digest: str) -> None:
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            code = rollback.main(["--to", digest, "--by", "the demo"])
        if code != 0:
            raise LoopFailed(said.getvalue().strip())
        step.outcome, *step.notes = said.getvalue().strip().splitlines()
