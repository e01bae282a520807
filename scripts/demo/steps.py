"""The steps of the demo, in order; each says what was decided and why."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import requests

from contender.adapters.export_layout import find_exports
from contender.adapters.export_reader import read_export
from contender.adapters.s3_objects import S3Objects
from infra.local.deploy import declared_routes
from infra.local.info import StackInfo
from scripts.analysis.console import show
from scripts.analysis.document import to_document
from scripts.analysis.report import Report, make_report
from scripts.analyze import write_files
from scripts.datasets.flights import FlightsPaths
from scripts.demo.display import Display, Step
from scripts.demo.splits import Change, Planned, by_api, by_aws_cli, seconds_to_follow
from scripts.export import export_log
from scripts.loop import Loop, LoopFailed
from scripts.traffic_client import Response, TrafficResult, send, send_outcomes
from scripts.traffic_rows import rows_from_file

CONCURRENCY = 2
"""Requests under way at once: the emulator shares the machine's cores with the router."""
SPLIT_BY_CLI, SPLIT_BY_API = 0.5, 0.4
"""The split starts at the template's 0.2; half-way it is raised, at three quarters changed once more."""


class Demo:
    """Everything after the stack stands.

    Args:
        display: Where steps are shown.
        stack: The running stack.
        flights: The data.
        out: Folder for results.
        requests_: July flights to send.
    """

    def __init__(
        self, display: Display, stack: StackInfo, flights: FlightsPaths, out: Path, requests_: int
    ) -> None:
        self._display = display
        self._stack = stack
        self._flights = flights
        self._out = out
        self._requests = requests_
        self._summary: dict[str, Any] = {}
        os.environ.update(stack.env)  # the programs called below find the stack where a person's would
        self._session = boto3.Session()
        self._artifacts = S3Objects(self._session.client("s3"), stack.artifact_bucket)
        self._loop = Loop(
            self._session,
            stack.data_bucket,
            stack.runs_table,
            stack.detect_drift_function,
            stack.drift_schedule,
        )

    def run(self) -> None:
        """Runs every step and writes ``summary.json``."""
        self._out.mkdir(parents=True, exist_ok=True)
        with self._display.step("routes", "Call every route of the API") as step:
            self._call_routes(step)
        with self._display.step("first_model", "Check without a champion: train the first model") as step:
            self._train_first(step)
        with self._display.step("check_null", "Check the half of January-February kept aside") as step:
            self._check_null(step)
        with self._display.step("check_shifted", "Check May-June by the schedule's own event") as step:
            key = self._check_shifted(step)
        with self._display.step("challenger", "Train a challenger on May-June") as step:
            self._train_challenger(step, key)
        with self._display.step("check_again", "Check May-June again") as step:
            self._check_again(step)
        with self._display.step(
            "traffic", f"Send {self._requests:,} July flights, move the split twice"
        ) as step:
            traffic, changes = self._send(step)
        with self._display.step("outcomes", "Tell the router how late each flight really was") as step:
            self._tell_outcomes(step, traffic)
        with self._display.step("export", "Export the prediction log") as step:
            export = self._export(step)
        with self._display.step("analysis", "Analyse the export") as step:
            report = self._analyse(step, export, traffic, changes)
        self._write_summary()
        show(report, self._display.console)

    def say_where_things_lie(self) -> None:
        """Prints where a person finds what was made."""
        state = self._stack.state_dir
        database = f"sqlite:///{state / 'mlflow' / 'mlflow.db'}"
        places = {
            "summary": self._out / "summary.json",
            "chart": self._out / "analysis.png",
            "table": self._out / "analysis.csv",
            "drift reports": self._out / "drift-*.json",
            "experiment": self._out / "experiment.html",
            "MLflow again": f".venv/bin/mlflow ui --backend-store-uri {database}",
            "S3 objects": state / "s3",
            "logs": state / "logs",
        }
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

    def _train_first(self, step: Step) -> None:
        self._loop.upload(self._flights.root, self._flights.declaration, self._flights.reference)
        answer = self._loop.check(self._loop.schedule_event())
        _expect(answer, verdict="no_champion", action="launched")
        record = self._loop.wait_for_training(answer["run_key"], step.progress)
        self._summary["champion_version"] = record.model_version
        step.outcome = f"{answer['reason']} → version {record.model_version}, champion"
        step.notes = [f"runs, leaderboard and plots: {self._stack.mlflow_url}"]

    def _check_null(self, step: Step) -> None:
        self._loop.upload(self._flights.root, self._flights.heldout)
        answer = self._loop.check(self._loop.schedule_event())
        self._keep_report(answer, "drift-null.json")
        _expect(answer, verdict="no_drift", action="nothing")
        self._summary["drift"] = {"null": answer["verdict"]}
        step.outcome = f"{answer['verdict']}: {answer['reason']} Nothing is trained."

    def _check_shifted(self, step: Step) -> str:
        self._loop.upload(self._flights.root, self._flights.may_june)
        answer = self._loop.check(self._loop.schedule_event())
        self._keep_report(answer, "drift-shifted.json")
        _expect(answer, verdict="drift", action="launched")
        self._summary["drift"]["shifted"] = answer["verdict"]
        step.outcome = f"{answer['verdict']}: {answer['reason']}"
        return str(answer["run_key"])

    def _train_challenger(self, step: Step, run_key: str) -> None:
        record = self._loop.wait_for_training(run_key, step.progress)
        self._summary["challenger_version"] = record.model_version
        step.outcome = f"version {record.model_version}, {record.state.value}: {record.detail}"
        step.notes = [f"runs, leaderboard and plots: {self._stack.mlflow_url}"]

    def _check_again(self, step: Step) -> None:
        answer = self._loop.check(self._loop.schedule_event())
        self._summary["retrained_twice"] = answer["action"] == "launched"
        _expect(answer, verdict="drift", action="already_handled")
        step.outcome = f"already handled, not trained twice: {answer['reason']}"

    def _send(self, step: Step) -> tuple[TrafficResult, list[Change]]:
        chosen = rows_from_file(self._flights.july, self._flights.dataset, self._requests)
        stack, answers = self._stack, 0
        planned = Planned(
            {
                len(chosen) // 2: lambda: by_aws_cli(
                    stack.aws_cli, os.environ, stack.split_parameter, SPLIT_BY_CLI
                ),
                len(chosen) * 3 // 4: lambda: by_api(stack.api_url, SPLIT_BY_API),
            }
        )

        def count(_: Response) -> None:
            nonlocal answers
            answers += 1
            planned(answers)
            step.progress(f"{answers:,} of {len(chosen):,} answered")

        traffic = send(stack.api_url, chosen, CONCURRENCY, count)
        failed = next((response for response in traffic.responses if not response.ok), None)
        if failed is not None:
            raise LoopFailed(f"a request failed: {failed.status} {failed.problem}")
        self._summary["requests"] = len(traffic.responses)
        self._summary["answered"] = len(traffic.answered)
        speed = len(traffic.responses) / traffic.seconds
        ms = np.percentile([response.ms for response in traffic.responses], [50, 99])
        step.outcome = (
            f"{len(traffic.answered):,} answered, {speed:.0f} a second; through API Gateway "
            f"p50 {ms[0]:.1f} ms, p99 {ms[1]:.1f} ms"
        )
        changes = planned.made()
        step.notes = [f"{change.how} → share of B {change.share_b}" for change in changes]
        return traffic, changes

    def _tell_outcomes(self, step: Step, traffic: TrafficResult) -> None:
        told = 0

        def count(_: object) -> None:
            nonlocal told
            told += 1
            step.progress(f"{told:,} outcomes told")

        result = send_outcomes(self._stack.api_url, traffic.outcomes(), CONCURRENCY, count)
        self._summary["outcomes"] = result.accepted
        step.outcome = f"{result.accepted:,} outcomes accepted"

    def _export(self, step: Step) -> str:
        exported = export_log(
            self._session,
            self._stack.predictions_table,
            self._stack.artifact_bucket,
            "demo",
            log_group=self._stack.router_logs,
            say=step.notes.append,
            progress=step.progress,
        )
        self._summary["logged"] = exported.stored
        self._summary["spilled"] = exported.spilled
        step.outcome = f"{exported.stored:,} stored and {exported.spilled} spilled records → {exported.uri}"
        return exported.uri

    def _analyse(self, step: Step, uri: str, traffic: TrafficResult, changes: list[Change]) -> Report:
        report = make_report(uri)
        write_files(report, self._out)
        document = to_document(report)
        a, b = document["variants"]["A"], document["variants"]["B"]
        self._summary["served"] = {
            "A": a["requests"] - a["fallbacks"] + b["fallbacks"],
            "B": b["requests"] - b["fallbacks"] + a["fallbacks"],
        }
        logged = self._logged()
        self._summary["split_followed_s"] = [seconds_to_follow(change, logged) for change in changes]
        self._summary["variants"] = {
            name: {metric: side["metrics"][metric]["value"] for metric in ("auc", "brier")}
            for name, side in (("A", a), ("B", b))
        }
        step.outcome = document["verdict"]["sentence"]
        step.notes = [
            f"{change.how} → {change.share_b}: followed by every worker within {seconds:.1f} s"
            for change, seconds in zip(changes, self._summary["split_followed_s"], strict=True)
        ]
        return report

    def _logged(self) -> list[tuple[float, int]]:
        newest = find_exports(self._artifacts, "exports/demo")[0]
        with read_export(self._artifacts, newest) as reading:
            return list(reading.times())

    def _write_summary(self) -> None:
        self._summary["seconds"] = self._display.seconds
        (self._out / "summary.json").write_text(json.dumps(self._summary, indent=2) + "\n")

    def _keep_report(self, answer: dict[str, Any], name: str) -> None:
        """Copies a drift report to where a person looks."""
        if answer["report_uri"]:
            key = answer["report_uri"].split("/", 3)[3]
            (self._out / name).write_bytes(self._artifacts.get(key))


def _expect(answer: dict[str, Any], **wanted: str) -> None:
    """Stops the demo where the loop does something else than it should."""
    for field, value in wanted.items():
        if answer[field] != value:
            raise LoopFailed(f"expected {field} {value}, got {answer[field]}: {answer['reason']}")
