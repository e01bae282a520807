"""What every benchmark does as a program: read its options, work in a folder, show and keep its lines."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.table import Table

from contender.errors import ContenderError
from infra.local.errors import LocalStackError
from scripts.loop import LoopFailed

OUT = Path("out")

Line = dict[str, Any]
"""``measure``, ``ours``, ``peer``, ``ratio``, ``goal``, ``holds`` (``None`` without a goal), and what else is
worth keeping."""


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


@contextmanager
def working(name: str, console: Console, first: str) -> Iterator[tuple[Path, Status]]:
    """Gives a folder that is gone at the end, and where progress is shown.

    Args:
        name: Of the benchmark.
        console: Where to say why it ended early.
        first: What is done first.

    Raises:
        SystemExit: With 130 on Ctrl-C, with 1 when anything of ours or of a peer fails.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"bench-{name}-"))
    try:
        with console.status(first) as status:
            yield folder, status
    except KeyboardInterrupt:
        console.print("Stopped.")
        raise SystemExit(130) from None
    except (ContenderError, LocalStackError, LoopFailed, subprocess.CalledProcessError) as error:
        console.print(f"[red]{error}[/red]", highlight=False)
        raise SystemExit(1) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def keep(
    lines: Sequence[Line], save_chart: Callable[[Path], None], name: str, out: Path, console: Console
) -> None:
    """Writes lines and chart, and says where.

    Args:
        lines: For ``bench-<name>.json``.
        save_chart: Draws ``bench-<name>.png``.
        name: Of the benchmark.
        out: The folder; made if it is missing.
        console: Where to say it.
    """
    data, picture = out / f"bench-{name}.json", out / f"bench-{name}.png"
    out.mkdir(parents=True, exist_ok=True)
    data.write_text(json.dumps(lines, indent=1, ensure_ascii=False) + "\n")
    save_chart(picture)
    console.print(f"Wrote {data} and {picture}.")


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
