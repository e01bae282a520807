"""The drift check against Evidently and a plain SciPy loop, on the same Parquet windows in a local S3.

Each run is a process of its own that reads both windows from the emulator's S3, judges 15 numeric and 5
categorical columns, and writes a report; imports and clients are not timed, but their memory counts. Then the
check alone: one, three and ten million rows against a profile of the reference that was kept. Prints ratios
of medians (of memory: of the largest), checks that all gave the same answers, and writes out/bench-drift.json
and out/bench-drift.png; with --quick or --only-ours files of other names, without goals.
It fails only when answers differ; times are for reading. Takes about 10 minutes on two quiet cores, of which
Evidently takes most.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import boto3
from rich.console import Console
from rich.status import Status

from bench import report
from bench.drift_chart import save_chart
from bench.drift_rows import rows_of
from bench.drift_runs import (
    BUCKET,
    PEERS_PYTHON,
    Subject,
    categories_by_scipy,
    disagreements,
    run_once,
    unplanted,
)
from bench.local_s3 import client_environment, local_s3, peer_environment
from bench.runs import Medians, Run, run_to_end

SIZES = (10_000, 100_000, 1_000_000)
QUICK = (10_000, 100_000)
PARTS = 10
"""Files of a million rows each in the growing window."""
GROWING = (1, 3, PARTS)


class Equal(NamedTuple):
    """What runs on windows of equal size came to.

    Attributes:
        runs: Subject → its runs.
        categories: SciPy's numbers for the categorical columns; ``None`` without peers.
    """

    runs: dict[Subject, Medians]
    categories: Mapping[str, Any] | None


class Bench:
    """Windows in the emulator's S3, and the runs on them.

    Args:
        endpoint: URL of the S3.
        folder: For files that are made on the way.
        status: Where progress is shown.
    """

    def __init__(self, endpoint: str, folder: Path, status: Status) -> None:
        self._endpoint, self._folder, self._status = endpoint, folder, status
        self._env = peer_environment()
        self._s3 = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name="us-east-1",
        )
        self._s3.create_bucket(Bucket=BUCKET)

    def upload(self, key: str, rows: int, seed: int, *, moved: bool) -> None:
        """Makes a window and puts it into the bucket."""
        self._status.update(f"making {key}: {rows:,} rows")
        path = self._folder / "window.parquet"
        argument = f"{path},{rows},{seed},{'moved' if moved else 'same'}"
        # In a process of its own, because this one's memory would be counted to those it starts.
        run_to_end(
            f"making {key}", [sys.executable, "-m", "bench.drift_data", argument], client_environment()
        )
        with path.open("rb") as file:
            self._s3.put_object(Bucket=BUCKET, Key=key, Body=file)
        path.unlink()

    def delete(self, keys: Sequence[str]) -> None:
        """Removes windows, which the emulator holds in memory."""
        for key in keys:
            self._s3.delete_object(Bucket=BUCKET, Key=key)

    def equal_windows(self, rows: int, subjects: Sequence[Subject], rounds: int) -> Equal:
        """Runs all subjects on windows of equal size, one after the other in each round."""
        windows = {"reference": [f"{rows}/reference.parquet"], "current": [f"{rows}/current.parquet"]}
        self.upload(windows["reference"][0], rows, 1, moved=False)
        self.upload(windows["current"][0], rows, 2, moved=True)
        runs: dict[Subject, list[Run]] = {subject: [] for subject in subjects}
        if Subject.OURS_KEPT in subjects:
            run_once(Subject.OURS_KEPT, self._endpoint, windows, self._env)  # this one makes the profile
        for number in range(rounds):
            for subject in subjects:
                self._status.update(f"{rows:,} rows, round {number + 1} of {rounds}: {subject}")
                runs[subject].append(run_once(subject, self._endpoint, windows, self._env))
        categories = None
        if Subject.SCIPY in subjects:
            self._status.update(f"{rows:,} rows: SciPy's numbers for the categorical columns")
            categories = categories_by_scipy(self._endpoint, windows, self._env)
        self.delete([*windows["reference"], *windows["current"]])
        return Equal({subject: Medians.of(its) for subject, its in runs.items()}, categories)

    def growing_window(self, rounds: int) -> dict[int, Medians]:
        """Runs ours on one, three and ten million rows against the kept profile of a million."""
        self.upload("growing/reference.parquet", 1_000_000, 1, moved=False)
        parts = [f"growing/part-{number}.parquet" for number in range(PARTS)]
        for number, key in enumerate(parts):
            self.upload(key, 1_000_000, 100 + number, moved=True)
        found = {}
        for count in GROWING:
            windows = {"reference": ["growing/reference.parquet"], "current": parts[:count]}
            runs = []
            for number in range(rounds + 1):
                self._status.update(
                    f"{count} million rows against a kept profile, round {number} of {rounds}"
                )
                runs.append(run_once(Subject.OURS_KEPT, self._endpoint, windows, self._env))
            found[count * 1_000_000] = Medians.of(runs[1:])  # the very first one made the profile
        self.delete(["growing/reference.parquet", *parts])
        return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark. Gives the exit code: 1 when answers differ."""
    parser = report.parser(
        "drift", __doc__, "runs of each size", "up to 100,000 rows, one round, no growing window (a minute)"
    )
    parser.add_argument("--only-ours", action="store_true", help="leave the peers out")
    options = parser.parse_args(arguments)
    console = Console()
    if not options.only_ours and report.is_missing(PEERS_PYTHON, "drift", console):
        return 2
    if report.is_unwritable(options.out, console):
        return 2
    rounds = 1 if options.quick else options.rounds
    ours = (Subject.OURS, Subject.OURS_KEPT)
    subjects = ours if options.only_ours else tuple(Subject)
    measures: dict[int, Mapping[Subject, Medians]] = {}
    growing: dict[int, Medians] = {}
    differ: list[str] = []
    with (
        report.working("drift", console, "starting the emulator") as (folder, status),
        local_s3(folder) as endpoint,
    ):
        bench = Bench(endpoint, folder, status)
        for rows in QUICK if options.quick else SIZES:
            measures[rows], categories = bench.equal_windows(rows, subjects, rounds)
            _tell(console, rows, measures[rows])
            differ += [f"{rows:,} rows: {text}" for text in disagreements(measures[rows], categories)]
        if not options.quick:
            growing = bench.growing_window(rounds)
            differ += [f"{rows:,} rows: {text}" for rows, its in growing.items() for text in unplanted(its)]
    lines, name = rows_of(measures, growing), report.run_name("drift", options)
    lines = lines if name == "drift" else report.without_goals(lines)
    console.print(report.table("Drift check, medians, of MB the largest; ratio = peer / ours", lines))
    report.tell_problems([f"Answers differ, {text}" for text in differ], console)
    if not differ:
        found = "Ours found the planted drifts and nothing else, with and without a kept profile."
        console.print(f"{found} No peer was asked." if options.only_ours else "All gave the same answers.")
    report.keep(lines, lambda path: save_chart(measures, growing, path), name, options.out, console)
    return 1 if differ else 0


def _tell(console: Console, rows: int, found: Mapping[Subject, Medians]) -> None:
    parts = [
        f"{subject} {runs.seconds:.2f} s ({runs.cpu_s:.2f} s CPU, {runs.peak_mb:,.0f} MB)"
        for subject, runs in found.items()
    ]
    console.print(f"{rows:,} rows: {'; '.join(parts)}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
