"""Runs the whole loop on real flights, on a stack of its own that it starts, deploys and stops again.

Flights of January-February are the reference; the half of them kept aside shows no drift, May-June does. The
model that this drift trains then meets July's traffic beside the first one, and the analysis compares them.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from contender.errors import ContenderError
from infra.local.errors import LocalStackError
from infra.local.stack import LocalStack, TaskEngine
from scripts.demo.display import Display
from scripts.demo.prepare import prepare
from scripts.demo.steps import Demo
from scripts.loop import LoopFailed

STATE = Path(".contender/demo")


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.demo",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--requests",
        type=int,
        default=6_000,
        help="July flights to send, at least 100 (default: %(default)s)",
    )
    parser.add_argument(
        "--engine",
        type=TaskEngine,
        choices=list(TaskEngine),
        default=TaskEngine.PROCESS,
        metavar="{process,docker}",
        help="what runs the training task (default: %(default)s)",
    )
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for results (default: out)")
    options = parser.parse_args(argv)
    if options.requests < 100:
        parser.error("--requests must be at least 100: fewer tell nothing about a split")
    return options


def main(argv: list[str] | None = None) -> int:
    """Runs the demo; gives the exit code."""
    options = _arguments(argv)
    console = Console()
    display = Display(console)
    console.print("[bold]Contender[/]: from raw flights to a compared A/B test, on this machine alone\n")
    try:
        with ExitStack() as running:
            with display.step("prepare", "Prepare flights and their weather") as step:
                flights = prepare(STATE / "data", step)
            with display.step("stack", "Start the emulator, deploy the template, start MLflow") as step:
                stack = running.enter_context(
                    LocalStack.start(
                        STATE,
                        engine=options.engine,
                        on_step=lambda name, seconds: step.progress(f"{name} done in {seconds:.1f} s"),
                    )
                )
                step.outcome = f"API {stack.api_url}, MLflow {stack.mlflow_url}"
            demo = Demo(display, stack, flights, options.out, options.requests)
            demo.run()
        demo.say_where_things_lie()
    except KeyboardInterrupt:
        console.print("\nStopped; everything that was started has been ended.")
        return 130
    except (LoopFailed, LocalStackError, ContenderError) as error:
        console.print(f"\n{error}", style="red", highlight=False, markup=False)
        console.print(f"Logs: {STATE / 'logs'}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
