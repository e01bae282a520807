"""What every benchmark does as a program: read its options, work in a folder, show and keep its lines."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import psutil
from rich.console import Console
from rich.status import Status
from rich.table import Table

from contender.errors import ContenderError
from infra.local.errors import LocalStackError
from scripts.loop import LoopFailed

OUT = Path("out")

Line = dict[str, Any]
"""``measure``, ``ours``, ``peer``, ``ratio``, ``goal``, ``holds`` (``None`` without a goal), ``rounds`` (a
whole number), and what else is worth keeping."""


class _Ended(KeyboardInterrupt):
    """Another signal that ends the program as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


def line(
    measure: str,
    ours: float,
    peer: float | None = None,
    *,
    rounds: int,
    goal: str | None = None,
    holds: bool | None = None,
    digits: int = 3,
    with_ratio: bool = True,
    **more: Any,
) -> Line:
    """Makes a line.

    Args:
        measure: In words.
        ours: Our figure.
        peer: The peer's, where there is one.
        rounds: How many rounds it was taken over.
        goal: In words, where there is one.
        holds: Whether it holds, where there is one.
        digits: What figures are rounded to.
        with_ratio: Whether peer / ours means anything.
        more: What else is worth keeping.
    """
    return {
        "measure": measure,
        "ours": round(ours, digits),
        "peer": None if peer is None else round(peer, digits),
        "ratio": None if peer is None or not with_ratio else round(peer / ours, 2),
        "goal": goal,
        "holds": holds,
        "rounds": rounds,
        **more,
    }


def run_name(name: str, options: argparse.Namespace) -> str:
    """Names files; a shortened one (``--quick``, ``--only-ours``) leaves those of a whole one alone."""
    shortened = [flag for flag in ("quick", "only_ours") if getattr(options, flag, False)]
    return "-".join([name, *shortened]).replace("_", "-")


def without_goals(lines: Sequence[Line]) -> list[Line]:
    """Takes the goals out of the lines of a shortened run: they are those of whole ones."""
    return [{**line, "goal": None, "holds": None} for line in lines]


def parser(name: str, about: str, rounds: str, quick: str) -> argparse.ArgumentParser:
    """Makes the parser of a benchmark's options.

    Args:
        name: Module below ``bench``.
        about: Its docstring; the first paragraph is shown.
        rounds: What ``--rounds`` counts.
        quick: What ``--quick`` does.
    """
    made = argparse.ArgumentParser(prog=f"python -m bench.{name}", description=about.split("\n\n")[0])
    made.add_argument("--rounds", type=_rounds, default=3, help=f"{rounds} (default 3)")
    made.add_argument("--quick", action="store_true", help=quick)
    made.add_argument("--out", type=Path, default=OUT, help="folder for JSON and chart (default out)")
    return made


def is_missing(peers: Path, name: str, console: Console) -> bool:
    """Tells whether the peers' interpreter is not there, and says what makes it."""
    if peers.exists():
        return False
    console.print(f"The peers' environment is missing: run `make bench-{name}`, which makes it.")
    return True


def is_unwritable(out: Path, console: Console) -> bool:
    """Makes the folder for JSON and chart; tells whether it cannot be written, and why, before any work."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            return False
    except OSError as error:
        _say(console, f"--out {out} cannot be written: {error}. Name another folder.")
        return True


@contextmanager
def working(name: str, console: Console, first: str) -> Iterator[tuple[Path, Status]]:
    """Gives a folder that is gone at the end, and where progress is shown.

    SIGTERM and SIGHUP end the block as Ctrl-C does: our processes in the foreground are interrupted, whatever
    was started is stopped, the folder goes.

    Args:
        name: Of the benchmark.
        console: Where to say why it ended early.
        first: What is done first.

    Raises:
        SystemExit: With 130 on Ctrl-C (128 and its number on another signal), with 1 when anything of ours or
            of a peer fails, or the disk does.
    """
    with _signals_interrupt():
        folder = Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))
        try:
            with console.status(first) as status:
                yield folder, status
        except KeyboardInterrupt as stopped:
            console.print("Stopped.")
            raise SystemExit(128 + getattr(stopped, "number", signal.SIGINT)) from None
        except LocalStackError as error:
            # Its next step may be to read a log that goes with the folder; the log's end is in the problem.
            _say(console, error.problem if str(folder) in error.next_step else str(error))
            raise SystemExit(1) from error
        except (ContenderError, LoopFailed) as error:
            _say(console, str(error))
            raise SystemExit(1) from error
        except OSError as error:
            _say(console, f"The benchmark cannot go on: {error}. Its files were in {folder.parent} (TMPDIR).")
            raise SystemExit(1) from error
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)  # once is enough; the end must not be disturbed
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error, OSError):
                if os.getpgid(child.pid) == os.getpgrp():  # those whom a terminal would interrupt
                    child.send_signal(signal.SIGINT)
        raise _Ended(number)

    numbers = (signal.SIGTERM, signal.SIGHUP)
    # Who is started by nohup wants to outlive its terminal.
    before = {number: it for number in numbers if (it := signal.getsignal(number)) is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def keep(
    lines: Sequence[Line], save_chart: Callable[[Path], None], name: str, out: Path, console: Console
) -> None:
    """Writes lines and chart, and says where.

    Args:
        lines: For ``bench-<name>.json``.
        save_chart: Draws ``bench-<name>.png``.
        name: Of the run, see :func:`run_name`.
        out: The folder; made if it is missing.
        console: Where to say it.

    Raises:
        SystemExit: With 1 when they cannot be written.
    """
    data, picture = out / f"bench-{name}.json", out / f"bench-{name}.png"
    try:
        out.mkdir(parents=True, exist_ok=True)
        data.write_text(json.dumps(lines, indent=1, ensure_ascii=False) + "\n")
        save_chart(picture)
    except OSError as error:
        _say(console, f"{out} could not be written: {error}. The table above has the figures.")
        raise SystemExit(1) from error
    console.print(f"Wrote {data} and {picture}.")


def tell_problems(problems: Sequence[str], console: Console) -> None:
    """Says what is wrong with the answers."""
    for text in problems:
        _say(console, text)


def _say(console: Console, problem: str) -> None:
    # What processes write may hold brackets that look like Rich's own.
    console.print(problem, style="red", markup=False, highlight=False, soft_wrap=True)


def _rounds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError("give a whole number from 1 to 100")
    return int(text)


def table(title: str, lines: Sequence[Line]) -> Table:
    """Makes a table for the console.

    Args:
        title: What was measured, and what the ratio is of.
        lines: The lines; numbers that are missing show as a dash.
    """
    made = Table(title=title, title_justify="left")
    made.add_column("measure")
    for heading in ("ours", "peer", "ratio", "goal", "holds"):
        made.add_column(heading, justify="right")
    for line in lines:
        told = {None: "", True: "yes", False: "[red]NO[/red]"}[line["holds"]]
        numbers = [_number(line[name]) for name in ("ours", "peer", "ratio")]
        made.add_row(line["measure"], *numbers, line["goal"] or "", told)
    return made


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.2f}" if abs(value) >= 1 or value == 0 else f"{value:.4g}"
