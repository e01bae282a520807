"""Runs the whole loop on real flights, on a stack of its own that it starts, deploys and stops again.

Flights of January-February are the reference; the half of them kept aside shows no drift, May-June does. The
model that this drift trains meets July's traffic beside the first one, wins, and becomes champion by itself.
Then winter's model is put back and meets December beside a model of June, which is retired by itself.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from contender.domain.dataset import Task
from contender.errors import ContenderError
from infra.local.errors import LocalStackError
from infra.local.stack import LocalStack, TaskEngine
from scripts.demo.display import Display
from scripts.demo.prepare import prepare
from scripts.demo.steps import PARAMETERS, Demo
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
        default=4_000,
        metavar="N",
        help="July flights to send, at least 100 (default: %(default)s)",
    )
    parser.add_argument(
        "--december-requests",
        type=int,
        default=2_500,
        metavar="N",
        help="December flights to send, at least 100, or 0 to leave December out (default: %(default)s)",
    )
    parser.add_argument(
        "--task",
        type=Task,
        choices=list(Task),
        default=Task.CLASSIFICATION,
        metavar="{classification,regression}",
        help="whether a flight is late, or by how many minutes (default: %(default)s)",
    )
    parser.add_argument(
        "--engine",
        type=TaskEngine,
        choices=list(TaskEngine),
        default=TaskEngine.PROCESS,
        metavar="{process,docker}",
        help="what runs the training task (default: %(default)s)",
    )
    parser.add_argument(
        "--out", type=Path, help="folder for results (default: out, or out/regression for that task)"
    )
    options = parser.parse_args(argv)
    if options.out is None:
        options.out = Path("out") if options.task is Task.CLASSIFICATION else Path("out") / options.task
    if options.requests < 100:
        parser.error("--requests must be at least 100: fewer tell nothing about a split")
    if options.december_requests != 0 and options.december_requests < 100:
        parser.error("--december-requests must be 0 or at least 100")
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
                flights = prepare(STATE / "data", options.task, step)
            with display.step("stack", "Start the emulator, deploy the template, start MLflow") as step:
                stack = running.enter_context(
                    LocalStack.start(
                        STATE,
                        engine=options.engine,
                        parameters=PARAMETERS,
                        on_step=lambda name, seconds: step.progress(f"{name} done in {seconds:.1f} s"),
                    )
                )
                step.outcome = f"API {stack.api_url}, MLflow {stack.mlflow_url}"
            demo = Demo(display, stack, flights, options.out, options.requests, options.december_requests)
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
