"""Starts the local stack with a data set and its first model, and leaves it running; `make down` stops it.

Without --data it brings the flights of the demo.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import boto3
from rich.console import Console
from rich.markup import escape

from contender.errors import BadInput, ContenderError
from infra.local import guide, localstack, stack, tools
from infra.local.errors import AlreadyUp, LocalStackError
from infra.local.info import StackInfo
from infra.local.services import TaskEngine
from infra.local.tools import UP_STATE
from scripts.bring import bring, print_problems, read_folder
from scripts.datasets.flights import prepare_flights
from scripts.loop import Loop, LoopFailed


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.up",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--data", type=Path, metavar="DIR", help="your data set: dataset.json and reference/")
    which.add_argument("--empty", action="store_true", help="bring no data yet")
    parser.add_argument(
        "--engine",
        type=TaskEngine,
        choices=list(TaskEngine),
        default=TaskEngine.PROCESS,
        metavar="{process,docker}",
        help="what runs the training task (default: %(default)s)",
    )
    parser.add_argument(
        "--emulator",
        choices=("ministack", "localstack"),
        default="ministack",
        help="what plays AWS; localstack is only started, and needs Docker and a token",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program; gives the exit code."""
    options = _arguments(argv)
    console = Console()
    try:
        if options.emulator == "localstack":
            print(localstack.guide(localstack.start(os.environ)))
            return 0
        if options.data is not None:
            read_folder(options.data)  # whatever is wrong with it is said before a minute has passed
        info = _start(options.engine, console)
        if not options.empty:
            folder = options.data or prepare_flights(UP_STATE / "data").root
            os.environ.update(info.env)
            bring(folder, _loop(info), console, check=True)
    except AlreadyUp:
        console.print("The stack is already up (`make down` stops it).")
        if options.data is not None:
            console.print(
                f"Bring {options.data} to it with: python -m scripts.bring {options.data}", markup=False
            )
            return 1
        running = stack.find(UP_STATE)
        assert running is not None
        info = running
    except BadInput as error:
        print_problems(error, console)
        return 1
    except LocalStackError as error:
        console.print(
            f"[red]{escape(error.problem)}[/]\n→ {escape(error.next_step)}", highlight=False, soft_wrap=True
        )
        return 1
    except (ContenderError, LoopFailed) as error:
        console.print(str(error), style="red", highlight=False, soft_wrap=True, markup=False)
        console.print(f"The stack is up all the same (`make down` stops it). Logs: {UP_STATE / 'logs'}")
        return 1
    except KeyboardInterrupt:
        console.print("Stopped. If the stack is up already, `make down` ends it.")
        return 130
    print(f"\n{guide.commands(info, tools.ROOT)}")
    return 0


def _start(engine: TaskEngine, console: Console) -> StackInfo:
    with console.status("starting the emulator") as status:

        def tell(name: str, seconds: float) -> None:
            console.print(f"  {name:10} {seconds:5.1f} s", highlight=False)
            status.update("starting")

        return stack.bring_up(UP_STATE, engine=engine, on_step=tell)


def _loop(info: StackInfo) -> Loop:
    return Loop(
        boto3.Session(), info.data_bucket, info.runs_table, info.detect_drift_function, info.drift_schedule
    )


if __name__ == "__main__":
    sys.exit(main())
