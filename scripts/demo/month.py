"""A month of the demo: its traffic, what became of it, and the analysis of both models' answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
import numpy as np

from contender.adapters.export_layout import find_exports
from contender.adapters.export_reader import read_export
from contender.adapters.s3_objects import S3Objects
from contender.domain.experiment import ExperimentSettings
from contender.domain.release import release_digest
from infra.local.info import StackInfo
from scripts.analysis.document import to_document
from scripts.analysis.report import Report, make_report
from scripts.analyze import write_files
from scripts.demo.display import Step
from scripts.demo.splits import Change, Planned, seconds_to_follow
from scripts.export import export_log
from scripts.loop import LoopFailed
from scripts.traffic_client import Response, TrafficResult, send, send_outcomes
from scripts.traffic_rows import Row

CONCURRENCY = 2
"""Requests under way at once: the emulator shares the machine's cores with the router."""


def release_in_force(session: boto3.Session, stack: StackInfo) -> str:
    """Gives the digest of the release in force."""
    found = session.client("ssm").get_parameter(Name=stack.release_parameter)
    return release_digest(found["Parameter"]["Value"])


class Month:
    """One month, in the order of its methods.

    Args:
        name: Of the month, for people; in small letters that of its export.
        rows: Flights to send.
        stack: The running stack.
        session: Points at it.
        out: Folder for the analysis.
        settings: How the experiment is judged, here as by the deployed function.

    Attributes:
        planned: Flights to send.
        figures: What the summary says of it.
        told_at: Epoch seconds when the last outcome was told.
    """

    def __init__(
        self,
        name: str,
        rows: list[Row],
        stack: StackInfo,
        session: boto3.Session,
        out: Path,
        settings: ExperimentSettings,
    ) -> None:
        self.name = name
        self.planned = len(rows)
        self.figures: dict[str, Any] = {}
        self.told_at = 0.0
        self._rows = rows
        self._stack = stack
        self._session = session
        self._out = out
        self._settings = settings
        self._traffic = TrafficResult((), 0.0)
        self._changes: list[Change] = []
        self._export = ""

    def send(self, step: Step, plan: Mapping[int, Callable[[], Change]]) -> None:
        """Sends the flights, and makes each change of the split after so many answers.

        Raises:
            LoopFailed: When a request failed.
        """
        answers, total, planned = 0, len(self._rows), Planned(plan)

        def count(_: Response) -> None:
            nonlocal answers
            answers += 1
            planned(answers)
            step.progress(f"{answers:,} of {total:,} answered")

        traffic = self._traffic = send(self._stack.api_url, self._rows, CONCURRENCY, count)
        failed = next((response for response in traffic.responses if not response.ok), None)
        if failed is not None:
            raise LoopFailed(f"a request failed: {failed.status} {failed.problem}")
        self.figures["requests"] = len(traffic.responses)
        self.figures["answered"] = len(traffic.answered)
        speed = len(traffic.responses) / traffic.seconds
        ms = np.percentile([response.ms for response in traffic.responses], [50, 99])
        step.outcome = (
            f"{len(traffic.answered):,} answered, {speed:.0f} a second; through API Gateway "
            f"p50 {ms[0]:.1f} ms, p99 {ms[1]:.1f} ms"
        )
        self._changes = planned.made()
        step.notes = [f"{change.how} → share of B {change.share_b}" for change in self._changes]

    def tell(self, step: Step) -> None:
        """Tells the router what really happened."""
        told = 0

        def count(_: object) -> None:
            nonlocal told
            told += 1
            step.progress(f"{told:,} outcomes told")

        result = send_outcomes(self._stack.api_url, self._traffic.outcomes(), CONCURRENCY, count)
        self.told_at = time.time()
        self.figures["outcomes"] = result.accepted
        step.outcome = f"{result.accepted:,} outcomes accepted"

    def export(self, step: Step) -> None:
        """Exports the prediction log."""
        exported = export_log(
            self._session,
            self._stack.predictions_table,
            self._stack.artifact_bucket,
            self.name.lower(),
            log_group=self._stack.router_logs,
            say=step.notes.append,
            progress=step.progress,
        )
        self._export = exported.uri
        step.outcome = f"{exported.stored:,} stored and {exported.spilled} spilled records → {exported.uri}"

    def analyse(self, step: Step) -> Report:
        """Analyses the export: the release that is in force."""
        release = release_in_force(self._session, self._stack)
        report = make_report(self._export, release=release, settings=self._settings)
        write_files(report, self._out)
        document = to_document(report)
        a, b = document["variants"]["A"], document["variants"]["B"]
        spilled = a["spilled"] + b["spilled"]
        self.figures["logged"] = document["requests"] - spilled
        self.figures["spilled"] = spilled
        self.figures["served"] = {
            "A": a["requests"] - a["fallbacks"] + b["fallbacks"],
            "B": b["requests"] - b["fallbacks"] + a["fallbacks"],
        }
        self.figures["variants"] = {
            name: {metric: estimate["value"] for metric, estimate in side["metrics"].items()}
            for name, side in (("A", a), ("B", b))
        }
        step.outcome = document["verdict"]["sentence"]
        if self._changes:
            logged = self._logged()
            followed = [seconds_to_follow(change, logged) for change in self._changes]
            self.figures["split_followed_s"] = followed
            step.notes = [
                f"{change.how} → {change.share_b}: followed by every worker within {seconds:.1f} s"
                for change, seconds in zip(self._changes, followed, strict=True)
            ]
        return report

    def _logged(self) -> list[tuple[float, int]]:
        store = S3Objects(self._session.client("s3"), self._stack.artifact_bucket)
        newest = find_exports(store, f"exports/{self.name.lower()}")[0]
        with read_export(store, newest) as reading:
            return list(reading.times())
