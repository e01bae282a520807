"""The training task against a plain ``compare_models()`` with PyCaret's defaults, on the same rows and cores.

Ours is the whole task of the deployed loop, from its launch to the end of its run record: search, refit,
conversion, parity, gate, plots, everything in MLflow, alias and release. The peer's time is that of
``setup`` and ``compare_models()`` alone. The AUC of both is measured on the same newest fifth of each window:
of the peer's winner, as compared or fitted again on all rows, whichever is better; and likewise of the one
that its table names best by AUC. Prints seconds and AUC, and writes out/bench-training.json and
out/bench-training.png; with --quick files of other names, without goals. It fails only when the two did not
have the same rows.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.status import Status

from bench import report
from bench.training_chart import save_chart
from bench.training_runs import (
    BEST_BY_AUC,
    OURS,
    PEERS_PYTHON,
    WINNER,
    Trained,
    train_ours,
    train_peer,
    write_parts,
)
from scripts.datasets.flights import prepare_flights

TIMES_FASTER = 3
"""Goal: so many times faster than the peer."""
AUC_MARGIN = 0.002
"""Goal: at most so much below the peer's AUC."""

Sides = tuple[list[Trained], list[Trained]]
"""Runs of ours and of the peer."""


def compare(
    folder: Path, rows: int | None, rounds: int, console: Console, status: Status
) -> dict[str, Sides]:
    """Trains both sides on each window, one after the other in each round.

    Args:
        folder: For everything that is made on the way.
        rows: Most rows of a window; all by default.
        rounds: How often.
        console: Told about each training.
        status: Where progress is shown.

    Returns:
        Window → runs.

    Raises:
        ContenderError: When a side fails, or they had not the same rows.
    """
    flights = prepare_flights(folder / "data", rows=rows)
    target = flights.dataset.target
    found: dict[str, Sides] = {}
    for name, window in {"January-February": flights.reference, "May-June": flights.may_june}.items():
        parts = write_parts(flights.root, window, folder)
        ours, peer = found[name] = ([], [])
        for number in range(rounds):
            status.update(f"{name}, round {number + 1} of {rounds}: the training task")
            ours.append(
                train_ours(
                    flights.root, window, folder / "stack", parts, target, lambda text: status.update(text)
                )
            )
            _tell(console, name, "training task", ours[-1])
            status.update(f"{name}, round {number + 1} of {rounds}: compare_models(), which takes minutes")
            peer.append(train_peer(parts, target))
            _tell(console, name, "compare_models()", peer[-1])
    return found


def lines_of(found: Mapping[str, Sides]) -> list[report.Line]:
    """Makes the lines of ``out/bench-training.json``; ``ratio`` is peer / ours of seconds, none of AUC."""
    lines: list[report.Line] = []
    for name, (ours, peer) in found.items():
        mine, its = median(run.seconds for run in ours), median(run.seconds for run in peer)
        lines.append(
            report.line(
                f"{name}, seconds",
                mine,
                its,
                rounds=len(ours),
                goal=f"ratio ≥ {TIMES_FASTER}",
                holds=its >= TIMES_FASTER * mine,
                digits=2,
                rows=list(ours[-1].rows),
                algorithms=[ours[-1].algorithms, peer[-1].algorithms],
                winners=[ours[-1].winner, peer[-1].winner],
            )
        )
        for whose, margin in ((WINNER, AUC_MARGIN), (BEST_BY_AUC, None)):
            mine, its = median(run.best(OURS) for run in ours), median(run.best(whose) for run in peer)
            lines.append(
                report.line(
                    f"{name}, holdout AUC, {whose}",
                    mine,
                    its,
                    rounds=len(ours),
                    goal=None if margin is None else f"≥ peer - {margin}",
                    holds=None if margin is None else mine >= its - margin,
                    digits=4,
                    with_ratio=False,
                    rows=list(ours[-1].rows),
                    of_peer=dict(peer[-1].auc),
                )
            )
    return lines


def _tell(console: Console, window: str, whose: str, run: Trained) -> None:
    auc = ", ".join(f"{value:.4f} {name}" for name, value in run.auc.items())
    console.print(
        f"{window}, {whose}: {run.seconds:.1f} s, {run.algorithms} algorithms, {run.winner}; AUC {auc}",
        highlight=False,
        soft_wrap=True,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark. Gives the exit code: 1 when a side failed or had other rows."""
    quick = "2,000 rows of each window, one round (minutes)"
    options = report.parser("training", __doc__, "trainings of each side", quick).parse_args(arguments)
    console = Console()
    if report.is_missing(PEERS_PYTHON, "training", console) or report.is_unwritable(options.out, console):
        return 2
    with report.working("training", console, "preparing flights") as (folder, status):
        rows, rounds = (2_000, 1) if options.quick else (None, options.rounds)
        found = compare(folder, rows, rounds, console, status)
    lines, name = lines_of(found), report.run_name("training", options)
    lines = lines if name == "training" else report.without_goals(lines)
    console.print(report.table("Training, medians; ratio = peer / ours", lines))
    console.print("Both sides trained on the same rows and were scored on the same others.")
    report.keep(lines, lambda path: save_chart(found, path), name, options.out, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
