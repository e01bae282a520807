"""`python -m infra.local down|status`: the local stack that `make up` left running."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from infra.local import guide, stack, tools
from infra.local.errors import LocalStackError


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    parser.add_argument("command", choices=("down", "status"), help="stop, or say what runs")
    parser.add_argument(
        "--state",
        type=Path,
        default=tools.UP_STATE,
        help=f"folder of the stack's files (default: {tools.UP_STATE})",
    )
    options = parser.parse_args(arguments)
    try:
        return {"down": _down, "status": _status}[options.command](options.state)
    except LocalStackError as problem:
        print(f"{problem.problem}\n→ {problem.next_step}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def _down(state: Path) -> int:
    print("The stack is down." if stack.take_down(state) else "No stack was running.")
    return 0


def _status(state: Path) -> int:
    info = stack.find(state)
    if info is None:
        print("No stack is running. `make up` starts one.")
        return 1
    print(guide.commands(info, tools.ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
