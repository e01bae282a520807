"""How often the drift check is wrong, beside the seed's rule and Evidently's defaults.

Windows are drawn from a year of real flights (15 columns), so that nothing differs between two of them but
chance and what is planted. Prints a table and writes ``out/simulate-drift.json``.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from contender.errors import ContenderError
from simulations import program
from simulations.drift_cases import CASES, QUICK, Case
from simulations.drift_rules import (
    EVIDENTLY_PYTHON,
    NOTHING,
    Tally,
    by_contender,
    by_evidently,
    by_seed,
)
from simulations.drift_windows import Population, load_population
from simulations.rates import upper_bound

OUT = Path("out/simulate-drift.json")
SEED = 20130101
CONTENDER, SEEDS, EVIDENTLY, ANY_COLUMN = "contender", "seed", "evidently", "evidently_any_column"
NOTE = (
    "Seed's rule: KS p < 0.05 in more than 5 % of the columns. Evidently: DataDriftPreset as it comes, half\n"
    "of the columns; any column: at least one drifted by its default test. Neither compares missing values:\n"
    "what they find of those they find by chance."
)
EVIDENTLY_CHUNK = 22
"""Pairs for one start of Evidently, which takes three seconds."""

Tallies = dict[tuple[str, str], Tally]
"""(case, rule) → outcome."""


class Step(NamedTuple):
    """How far a simulation is: chunks done, chunks in all, and the outcomes so far."""

    done: int
    total: int
    tallies: Tallies


class Chunk(NamedTuple):
    """Some pairs for one worker."""

    case: Case
    rule: str
    numbers: range
    seed: int


def simulate(
    cases: Sequence[Case], *, seed: int, workers: int, evidently: bool, population: Population | None = None
) -> Iterator[Step]:
    """Runs all cases.

    Args:
        cases: The cases.
        seed: Seed of everything; the result depends on nothing else.
        workers: Processes, ≥ 1.
        evidently: Whether Evidently judges too.
        population: What windows are drawn from; the year's flights by default.

    Yields:
        The state after each chunk, at least once.

    Raises:
        ContenderError: When the data or Evidently cannot be used.
    """
    population = population or load_population()
    chunks = list(_chunks(cases, seed, evidently))
    tallies: Tallies = {}
    pool = multiprocessing.Pool(workers, _start_worker, (population,))
    try:
        for done, found in enumerate(pool.imap_unordered(_work, chunks), start=1):
            for key, tally in found.items():
                tallies[key] = tallies.get(key, NOTHING).plus(tally)
            yield Step(done, len(chunks), tallies)
        pool.close()
    finally:
        pool.terminate()
        pool.join()


def rows_of(cases: Sequence[Case], tallies: Tallies) -> list[dict[str, Any]]:
    """Makes the lines of the JSON file.

    Each has ``case``, ``rate`` (share of pairs with the wrong verdict: a false alarm, or a planted drift
    that was missed), ``upper`` (its 99 % bound), ``goal`` (the most that is tolerated) and ``holds``
    (``upper <= goal``); besides, the numbers of pairs and what the other rules say.
    """
    return [_row(case, tallies) for case in cases]


def _row(case: Case, tallies: Tallies) -> dict[str, Any]:
    own = tallies[case.name, CONTENDER]
    upper = upper_bound(own.wrong, own.pairs)
    peers = {
        rule: tallies[case.name, rule]
        for rule in (SEEDS, EVIDENTLY, ANY_COLUMN)
        if (case.name, rule) in tallies
    }
    return {
        "case": f"{'missed' if case.drifts else 'false alarm'}: {case.name}",
        "rate": own.wrong / own.pairs,
        "upper": upper,
        "goal": case.goal,
        "holds": upper <= case.goal,
        "pairs": own.pairs,
        "verdicts": dict(own.verdicts),
        "peers": {
            rule: {
                "rate": tally.wrong / tally.pairs,
                "upper": upper_bound(tally.wrong, tally.pairs),
                "pairs": tally.pairs,
            }
            for rule, tally in peers.items()
        },
    }


def _chunks(cases: Sequence[Case], seed: int, evidently: bool) -> Iterator[Chunk]:
    # The long ones first, so that no core idles at the end.
    for case in sorted(cases, key=lambda case: -case.rows):
        wanted = [(CONTENDER, case.pairs, case.chunk), (SEEDS, case.seed_pairs, case.chunk)]
        if evidently:
            wanted.insert(0, (EVIDENTLY, case.evidently_pairs, EVIDENTLY_CHUNK))
        for rule, pairs, size in wanted:
            for start in range(0, pairs, size):
                yield Chunk(case, rule, range(start, min(start + size, pairs)), seed)


_shared: list[Population] = []
"""What each worker process draws from; filled when it starts, so that it is not sent with every chunk."""


def _start_worker(population: Population) -> None:
    _shared[:] = [population]
    # Ends a running Evidently with it, and without a traceback.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(130))


def _work(chunk: Chunk) -> Tallies:
    (population,), case = _shared, chunk.case
    arguments = (case, population, chunk.numbers, chunk.seed)
    if chunk.rule == EVIDENTLY:
        by_set, by_column = by_evidently(*arguments)
        return {(case.name, EVIDENTLY): by_set, (case.name, ANY_COLUMN): by_column}
    return {(case.name, chunk.rule): {CONTENDER: by_contender, SEEDS: by_seed}[chunk.rule](*arguments)}


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table(
        title="Wrong verdicts on pairs of windows from real flights, 15 columns", title_justify="left"
    )
    table.add_column("case")
    for heading in (
        "pairs",
        "Contender",
        "99 % bound",
        "goal",
        "holds",
        "seed's rule",
        "Evidently",
        "any column",
    ):
        table.add_column(heading, justify="right")
    for row in rows:
        peers = [
            f"{row['peers'][rule]['rate']:.1%}\nof {row['peers'][rule]['pairs']:,}"
            if rule in row["peers"]
            else "–"
            for rule in (SEEDS, EVIDENTLY, ANY_COLUMN)
        ]
        table.add_row(
            row["case"],
            f"{row['pairs']:,}",
            f"{row['rate']:.1%}",
            f"{row['upper']:.2%}",
            f"≤ {row['goal']:.0%}",
            "yes" if row["holds"] else "NO",
            *peers,
        )
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; gives its exit code: 0 when every goal holds, 1 when one does not, 2 on an error."""
    parser = program.parser(
        "drift", __doc__, OUT, SEED, "few pairs, wide bounds, no Evidently: shows only that it works"
    )
    parser.add_argument("--no-evidently", action="store_true", help="leave Evidently out")
    options = program.read(parser, arguments)
    evidently = not (options.quick or options.no_evidently)
    if evidently and not EVIDENTLY_PYTHON.exists():
        print(
            "simulate-drift: Evidently is not installed; run `make simulate-drift`, which installs it into "
            ".venv-bench, or leave it out: --no-evidently",
            file=sys.stderr,
        )
        return 2
    cases = QUICK if options.quick else CASES
    started = time.monotonic()
    try:
        last = program.last_of(
            simulate(cases, seed=options.seed, workers=options.workers, evidently=evidently)
        )
        rows = rows_of(cases, {} if last is None else last.tallies)
        program.write(rows, options.out)
    except (ContenderError, OSError) as error:
        print(f"simulate-drift: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("simulate-drift: stopped; nothing was written", file=sys.stderr)
        return 130
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(_table(rows))
    console.print(NOTE)
    console.print(f"{options.out} · {time.monotonic() - started:.0f} s")
    return 0 if all(row["holds"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
