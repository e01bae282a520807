"""`python -m infra.local up|down|status`: the local stack, left running."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from infra.local import guide, stack, tools
from infra.local.errors import AlreadyUp, LocalStackError
from infra.local.services import TaskEngine

DEFAULT_STATE = tools.ROOT / ".contender" / "up"


def main(arguments: list[str] | None = None) -> int:
    """Runs one command. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    parser.add_argument("command", choices=("up", "down", "status"), help="start, stop, or say what runs")
    parser.add_argument(
        "--state",
        type=Path,
        default=DEFAULT_STATE,
        help=f"folder of the stack's files (default: {DEFAULT_STATE})",
    )
    parser.add_argument(
        "--engine",
        type=TaskEngine,
        choices=list(TaskEngine),
        default=TaskEngine.PROCESS,
        help="what runs training tasks: a process, or a container on a Docker engine (default: process)",
    )
    options = parser.parse_args(arguments)
    try:
        return {"up": _up, "down": _down, "status": _status}[options.command](options)
    except LocalStackError as problem:
        print(f"{problem.problem}\n→ {problem.next_step}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def _up(options: argparse.Namespace) -> int:
    try:
        info = stack.bring_up(options.state, engine=options.engine, on_step=_tell)
    except AlreadyUp:
        print("The stack is already up (`make down` stops it).\n")
        return _status(options)
    print(f"\n{guide.commands(info, tools.ROOT)}")
    return 0


def _down(options: argparse.Namespace) -> int:
    print("The stack is down." if stack.take_down(options.state) else "No stack was running.")
    return 0


def _status(options: argparse.Namespace) -> int:
    info = stack.find(options.state)
    if info is None:
        print("No stack is running. `make up` starts one.")
        return 1
    print(guide.commands(info, tools.ROOT))
    return 0


def _tell(name: str, seconds: float) -> None:
    print(f"  {name:10} {seconds:5.1f} s", flush=True)


if __name__ == "__main__":
    sys.exit(main())
