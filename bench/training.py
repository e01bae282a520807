"""The training task against a plain ``compare_models()`` with PyCaret's defaults, on the same rows and cores.

Ours is the whole task of the deployed loop, from its launch to the end of its run record: search, refit,
conversion, parity, gate, plots, everything in MLflow, alias and release. The peer's time is that of
``setup`` and ``compare_models()`` alone. The AUC of both is measured on the same newest fifth of each window:
of the peer's winner, as compared or fitted again on all rows, whichever is better; and likewise of the one
that its table names best by AUC. Prints seconds and AUC, and writes out/bench-training.json and
out/bench-training.png; it fails only when the two did not have the same rows.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import pandas as pd
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
from contender.errors import ContenderError
from scripts.datasets.flights import SEED, prepare_flights
from trainer.data import prepare
from trainer.holdout import split

HOLDOUT_SHARE = 0.2
"""The task's default."""
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
    found: dict[str, Sides] = {}
    for name, window in {"January-February": flights.reference, "May-June": flights.may_june}.items():
        data = prepare(pd.read_parquet(window), flights.dataset)
        made = split(data, HOLDOUT_SHARE, SEED)
        parts = made.train, made.holdout
        train, holdout = write_parts(parts, flights.dataset.target, folder)
        ours, peer = found[name] = ([], [])
        for number in range(rounds):
            status.update(f"{name}, round {number + 1} of {rounds}: the training task")
            ours.append(
                train_ours(flights.root, window, folder / "stack", parts, lambda text: status.update(text))
            )
            _tell(console, name, "training task", ours[-1])
            status.update(f"{name}, round {number + 1} of {rounds}: compare_models(), which takes minutes")
            peer.append(train_peer(train, holdout, flights.dataset.target))
            _tell(console, name, "compare_models()", peer[-1])
            if (ours[-1].rows, ours[-1].late) != (peer[-1].rows, peer[-1].late):
                raise ContenderError(
                    f"{name}: {ours[-1].rows} rows were trained on by ours, {peer[-1].rows} by the peer"
                )
    return found


def lines_of(found: Mapping[str, Sides]) -> list[report.Line]:
    """Makes the lines of ``out/bench-training.json``; ``ratio`` is peer / ours of seconds, none of AUC."""
    lines: list[report.Line] = []
    for name, (ours, peer) in found.items():
        mine, its = median(run.seconds for run in ours), median(run.seconds for run in peer)
        about = {"rounds": len(ours), "rows": list(ours[-1].rows)}
        lines.append(
            {
                "measure": f"{name}, seconds",
                "ours": round(mine, 2),
                "peer": round(its, 2),
                "ratio": round(its / mine, 2),
                "goal": f"ratio ≥ {TIMES_FASTER}",
                "holds": its >= TIMES_FASTER * mine,
                **about,
                "algorithms": [ours[-1].algorithms, peer[-1].algorithms],
                "winners": [ours[-1].winner, peer[-1].winner],
            }
        )
        for whose, goal in ((WINNER, AUC_MARGIN), (BEST_BY_AUC, None)):
            mine, its = median(run.best(OURS) for run in ours), median(run.best(whose) for run in peer)
            lines.append(
                {
                    "measure": f"{name}, holdout AUC, {whose}",
                    "ours": round(mine, 4),
                    "peer": round(its, 4),
                    "ratio": None,
                    "goal": None if goal is None else f"≥ peer - {goal}",
                    "holds": None if goal is None else mine >= its - goal,
                    **about,
                    "of_peer": dict(peer[-1].auc),
                }
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
    if report.is_missing(PEERS_PYTHON, "training", console):
        return 2
    with report.working("training", console, "preparing flights") as (folder, status):
        rows, rounds = (2_000, 1) if options.quick else (None, options.rounds)
        found = compare(folder, rows, rounds, console, status)
    lines = lines_of(found)
    console.print(report.table("Training, medians; ratio = peer / ours", lines))
    console.print("Both sides trained on the same rows and were scored on the same others.")
    report.keep(lines, lambda path: save_chart(found, path), "training", options.out, console)
    return 0


if __name__ == "__main__":
    sys.exit(main())
