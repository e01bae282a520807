"""The analysis of an export against boto3's TypeDeserializer with pandas, from gzipped JSON to the verdict.

Exports of an invented experiment (15 features, both models' probabilities, three epochs of the split) lie in
a local folder. Each run is a process of its own; imports are not timed, but their memory counts. The peer
reaches the same verdict by the same rules. The largest export is analysed by ours alone, to show what memory
does. Writes out/bench-analysis.json and out/bench-analysis.png; with --quick files of other names, without
goals. It fails only when answers differ; times are for reading. Takes about 7 minutes on two quiet cores.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.status import Status

from bench import report
from bench.analysis_chart import save_chart
from bench.analysis_data import export_folder
from bench.analysis_runs import (
    PEERS_PYTHON,
    Measures,
    Subject,
    disagreements,
    lines_of,
    run_once,
    write_data,
)
from bench.runs import Medians, Run

SIZES = (100_000, 1_000_000, 3_000_000)
QUICK = (50_000, 100_000)
PEER_UP_TO = 1_000_000
"""Records beyond which the peer is left out: it would take minutes and gigabytes more."""


def measure(folder: Path, sizes: Sequence[int], rounds: int, console: Console, status: Status) -> Measures:
    """Analyses exports of each size, one side after the other in each round.

    Args:
        folder: For the data and the exports.
        sizes: Records.
        rounds: How often.
        console: Told about each size.
        status: Where progress is shown.

    Raises:
        ContenderError: When a side fails.
    """
    data = folder / "data"
    data.mkdir()
    status.update(f"making {max(sizes):,} records")
    write_data(data, max(sizes))
    found = {}
    for records in sizes:
        export = folder / str(records)
        export_folder(data, export, records)
        subjects = list(Subject) if records <= PEER_UP_TO else [Subject.OURS]
        runs: dict[Subject, list[Run]] = {subject: [] for subject in subjects}
        for number in range(rounds):
            for subject in subjects:
                status.update(f"{records:,} records, round {number + 1} of {rounds}: {subject}")
                runs[subject].append(run_once(subject, export))
        found[records] = {subject: Medians.of(its) for subject, its in runs.items()}
        told = "; ".join(
            f"{subject} {its.seconds:.2f} s ({its.cpu_s:.2f} s CPU, {its.peak_mb:,.0f} MB)"
            for subject, its in found[records].items()
        )
        console.print(f"{records:,} records: {told}", highlight=False, soft_wrap=True)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark. Gives the exit code: 1 when answers differ."""
    quick = "up to 100,000 records, one round (20 s)"
    options = report.parser("analysis", __doc__, "runs of each on each size", quick).parse_args(arguments)
    console = Console()
    if report.is_missing(PEERS_PYTHON, "analysis", console) or report.is_unwritable(options.out, console):
        return 2
    with report.working("analysis", console, "starting") as (folder, status):
        sizes, rounds = (QUICK, 1) if options.quick else (SIZES, options.rounds)
        found = measure(folder, sizes, rounds, console, status)
    lines, name = lines_of(found), report.run_name("analysis", options)
    lines = lines if name == "analysis" else report.without_goals(lines)
    console.print(report.table("Analysis, medians, of MB the largest; ratio = peer / ours", lines))
    differ = [
        f"{records:,} records: {text}"
        for records, runs in found.items()
        if Subject.PEER in runs
        for text in disagreements(runs)
    ]
    report.tell_problems([f"Answers differ, {text}" for text in differ], console)
    if not differ:
        console.print("Both gave the same answers.")
    report.keep(lines, lambda path: save_chart(found, path), name, options.out, console)
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
