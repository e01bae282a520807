"""How often an experiment's verdict is wrong, and how soon it comes, beside the rules that are usual.

Plays experiments of invented outcomes, with a look after every 200 of them: without any difference, with
one, with a split that moves while the world moves, with records that get lost. Prints tables and writes
``out/simulate-experiment.json``.
"""

from __future__ import annotations

import math
import multiprocessing
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from simulations import program
from simulations.experiment_cases import OUTCOMES, Case, Tally, cases
from simulations.experiment_verdicts import DECISIONS
from simulations.rates import upper_bound

OUT = Path("out/simulate-experiment.json")
SEED = 20130701
CELLS = 2_000_000
"""Outcomes that a worker plays at once: some 200 MB."""
BIAS_GOAL = 0.001
"""Largest bias of an estimate that is tolerated: a tenth of a point of accuracy."""
FULL_RUNS = 10_000
"""Runs for which :data:`BIAS_GOAL` is meant; fewer have a wider one, as the simulation's own error has."""
Z99 = 2.576
"""Standard errors of the simulation within which a mean lies 99 times in 100."""

QUICK = {"scale": 0.02, "slack": 0.25}
"""Few runs and wide goals: shows only that it works."""


class Step(NamedTuple):
    """How far a simulation is: chunks done, chunks in all, and what came of each case so far."""

    done: int
    total: int
    tallies: list[Tally]


class _Chunk(NamedTuple):
    """Some runs of a case for one worker."""

    number: int
    case: Case
    runs: int
    seed: tuple[int, int, int]


def simulate(chosen: Sequence[Case], *, seed: int, workers: int) -> Iterator[Step]:
    """Plays all cases.

    Args:
        chosen: The cases.
        seed: Seed of everything; the result depends on nothing else.
        workers: Processes, ≥ 1.

    Yields:
        The state after each chunk, at least once.
    """
    chunks = list(_chunks(chosen, seed))
    parts: list[dict[int, Tally]] = [{} for _ in chosen]
    pool = multiprocessing.Pool(workers, _start_worker)
    try:
        for done, (number, place, tally) in enumerate(pool.imap_unordered(_work, chunks), start=1):
            parts[number][place] = tally
            # In the order of the chunks, not of their ends: sums of floats depend on it.
            finished = done == len(chunks)
            tallies = [sum_of([part[key] for key in sorted(part)]) for part in parts if finished]
            yield Step(done, len(chunks), tallies)
        pool.close()
    finally:
        pool.terminate()
        pool.join()


def sum_of(tallies: Sequence[Tally]) -> Tally:
    """All together."""
    total = Tally()
    for tally in tallies:
        total = total.plus(tally)
    return total


def rows_of(chosen: Sequence[Case], tallies: Sequence[Tally]) -> list[dict[str, Any]]:
    """Makes the lines of the JSON file.

    Each has ``case``, ``rate`` (of what should not happen), ``upper`` (its 99 % bound), ``goal`` (the most
    that is tolerated) and ``holds`` (``upper <= goal``); besides, the runs, the peer's rate, and where they
    were asked for the median stop, the share of each first decision, and the bias, which also has a line of
    its own.
    """
    rows: list[dict[str, Any]] = []
    for case, tally in zip(chosen, tallies, strict=True):
        row: dict[str, Any] = {
            "case": case.name,
            "rate": tally.hits / tally.runs,
            "upper": upper_bound(tally.hits, tally.runs),
            "goal": case.goal,
            "runs": tally.runs,
            "outcomes": case.outcomes,
            "peer": case.peer,
            "peer_rate": tally.peer / tally.runs,
        }
        if tally.stops.size:
            median = float(np.median(tally.stops))
            row["median_stop"] = median if math.isfinite(median) else None
            row["found_by_20000"] = float((tally.stops <= OUTCOMES).mean())
        if tally.decided.size:
            median = float(np.median(tally.decided))
            row["median_decision"] = median if math.isfinite(median) else None
            names = (*(reason.value for reason in DECISIONS), "undecided")
            shares = (tally.decisions / tally.runs).tolist()
            row["first_decision"] = dict(zip(names, shares, strict=True))
        row["holds"] = row["upper"] <= row["goal"]
        rows.append(row)
        if tally.errors.size:
            rows.append(_bias(case, tally))
    return rows


def _bias(case: Case, tally: Tally) -> dict[str, Any]:
    error = float(tally.errors.std(ddof=1)) / math.sqrt(tally.errors.size)
    bias = abs(float(tally.errors.mean()))
    goal = BIAS_GOAL * math.sqrt(FULL_RUNS / tally.errors.size)  # it rests on the error of few runs
    return {
        "case": case.name.replace("true effect left out", "bias of the estimate at the end"),
        "rate": bias,
        "upper": bias + Z99 * error,
        "goal": goal,
        "runs": tally.runs,
        "outcomes": case.outcomes,
        "peer": "pooled difference of means",
        "peer_rate": abs(float(tally.peer_errors.mean())),
        "holds": bias + Z99 * error <= goal,
    }


def _chunks(chosen: Sequence[Case], seed: int) -> Iterator[_Chunk]:
    for number, case in enumerate(chosen):
        size = max(1, CELLS // case.outcomes)
        for place, start in enumerate(range(0, case.runs, size)):
            yield _Chunk(number, case, min(size, case.runs - start), (seed, number, place))


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the workers


def _work(chunk: _Chunk) -> tuple[int, int, Tally]:
    rng = np.random.default_rng(chunk.seed)
    return chunk.number, chunk.seed[2], chunk.case.play(rng, chunk.runs, chunk.case.outcomes)


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(title="Experiments, with a look after every 200 outcomes", title_justify="left")
    table.add_column("case")
    for heading in ("runs", "outcomes", "rate", "99 % bound", "goal", "holds", "peer's rate"):
        table.add_column(heading, justify="right")
    table.add_column("peer")
    for row in rows:
        form = ".3%" if row["goal"] < 0.01 else ".2%"
        table.add_row(
            row["case"],
            f"{row['runs']:,}",
            f"{row['outcomes']:,}",
            format(row["rate"], form),
            format(row["upper"], form),
            f"≤ {row['goal']:.3g}" if row["goal"] < 0.01 else f"≤ {row['goal']:.0%}",
            "yes" if row["holds"] else "NO",
            format(row["peer_rate"], form),
            row["peer"],
        )
    return table


def _stops(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(title="When a true difference is found", title_justify="left")
    table.add_column("case")
    for heading in ("median stop", "found by 20,000"):
        table.add_column(heading, justify="right")
    for row in rows:
        if "median_stop" in row:
            median = "later" if row["median_stop"] is None else f"{row['median_stop']:,.0f}"
            table.add_row(row["case"].partition(":")[0], median, f"{row['found_by_20000']:.1%}")
    return table


def _decisions(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(title="What the verdict says first", title_justify="left")
    table.add_column("case")
    headings = ("SHIP", "KEEP: worse", "KEEP: below margin", "KEEP: ran out", "undecided", "median")
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in rows:
        if "first_decision" in row:
            first, median = row["first_decision"], row["median_decision"]
            names = ("better", "worse", "too_little", "budget", "undecided")
            shares = [f"{first[name]:.1%}" for name in names]
            at = "later" if median is None else f"{median:,.0f}"
            table.add_row(row["case"].partition(":")[0], *shares, at)
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; gives its exit code: 0 when every goal holds, 1 when one does not, 2 on an error."""
    quick = "few runs, wide goals: shows only that it works"
    options = program.read(program.parser("experiment", __doc__, OUT, SEED, quick), arguments)
    size = QUICK if options.quick else {"scale": 1.0, "slack": 0.0}
    chosen = cases(**size)
    started = time.monotonic()
    try:
        last = program.last_of(simulate(chosen, seed=options.seed, workers=options.workers))
        rows = rows_of(chosen, [] if last is None else last.tallies)
        program.write(rows, options.out)
    except OSError as error:
        print(f"simulate-experiment: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("simulate-experiment: stopped; nothing was written", file=sys.stderr)
        return 130
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(_table(rows))
    console.print(_stops(rows))
    console.print(_decisions(rows))
    console.print(f"{options.out} · {time.monotonic() - started:.0f} s", highlight=False)
    return 0 if all(row["holds"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
