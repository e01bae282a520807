"""What both simulations do as programs: read their options, show progress, write their lines."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


class Step(Protocol):
    """How far a simulation is."""

    @property
    def done(self) -> int:
        """Parts done."""

    @property
    def total(self) -> int:
        """Parts in all."""


S = TypeVar("S", bound=Step)


def parser(name: str, description: str | None, out: Path, seed: int, quick: str) -> argparse.ArgumentParser:
    """Makes the parser of a simulation's options.

    Args:
        name: Module below ``simulations``.
        description: What it does.
        out: Where its lines go by default.
        seed: Its default seed.
        quick: What ``--quick`` does.
    """
    made = argparse.ArgumentParser(
        prog=f"python -m simulations.{name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--out", type=Path, default=out, metavar="FILE", help="default: %(default)s")
    made.add_argument("--seed", type=int, default=seed, help="of everything random (default: %(default)s)")
    made.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="processes (default: %(default)s)",
    )
    made.add_argument("--quick", action="store_true", help=quick)
    return made


def read(made: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Reads the options; ends the program where they make no sense."""
    options = made.parse_args(arguments)
    if options.workers < 1 or options.seed < 0:
        made.error("give at least 1 worker, and a seed of at least 0")
    return options


def last_of(steps: Iterable[S]) -> S | None:
    """Runs a simulation to its end beside a bar of progress.

    Args:
        steps: The simulation.

    Returns:
        Its last step; ``None`` when there was none.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeElapsedColumn(),
    )
    last = None
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("simulating", total=None)
        for last in steps:
            progress.update(task, completed=last.done, total=last.total)
    return last


def write(rows: Sequence[dict[str, Any]], out: Path) -> None:
    """Writes the lines, and the folder if it is missing. Raises ``OSError``."""
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
