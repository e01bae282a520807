"""What every benchmark does with its lines: check how often to run, show them, and write them down."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

Line = dict[str, Any]
"""``measure``, ``ours``, ``peer``, ``ratio``, ``goal``, ``holds`` (``None`` without a goal), and what else is
worth keeping."""


def rounds(text: str) -> int:
    """Reads ``--rounds``."""
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


def write(lines: Sequence[Line], path: Path) -> None:
    """Writes the lines as JSON, and the folder if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(lines, indent=1, ensure_ascii=False) + "\n")


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.2f}" if abs(value) >= 1 or value == 0 else f"{value:.4g}"
