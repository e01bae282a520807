"""Brings a data set to the running stack: checks it, uploads it, and lets the drift check act on it.

The folder holds dataset.json, reference/ and perhaps current/<window-id>/: CSV or Parquet files.
Without a champion the check trains the first model on the reference; with one it compares the newest window.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import boto3
from rich.console import Console

from contender.adapters.local_objects import LocalObjects
from contender.adapters.windows_duckdb import DuckDbWindows
from contender.domain.dataset import Dataset
from contender.domain.drift import NumericSample, UnusableSample
from contender.errors import BadInput, ContenderError, Problem
from contender.usecases.check_drift import CURRENT, REFERENCE
from contender.usecases.declaration import DATASET_KEY, read_dataset
from scripts.loop import Loop, LoopFailed
from scripts.running_stack import adopt_running_stack, required

ADD_IT = "add it (upper and lower case matter), or do not declare it"
CORRECT_THEM = "correct them, leave them empty, or declare the column categorical"


def read_folder(folder: Path) -> tuple[Dataset, list[Path]]:
    """Checks a data set before anything of it is uploaded.

    Args:
        folder: Has ``dataset.json``, ``reference/`` and perhaps ``current/<window-id>/``.

    Returns:
        The declaration, and every file to upload.

    Raises:
        BadInput: Naming every file, column or field that is missing or wrong.
    """
    store = LocalObjects(folder)
    dataset = read_dataset(store)
    windows: dict[str, list[str]] = {}
    for info in [*store.list(REFERENCE), *store.list(CURRENT)]:
        windows.setdefault(info.key.rpartition("/")[0], []).append(info.key)
    if not store.list(REFERENCE):
        raise BadInput.of(str(folder / REFERENCE), "holds no data", "put the reference window's files there")
    problems: list[Problem] = []
    for window in windows:
        objects = store.list(f"{window}/")
        with DuckDbWindows(store).open(objects, dataset) as columns:
            wanted = [*dataset.features, dataset.target, *filter(None, (dataset.timestamp, dataset.unit))]
            problems += [
                Problem(f"{window}: {name}", "is not a column of it", ADD_IT)
                for name in wanted
                if name not in columns
            ]
            for name in dataset.features:
                sample = columns.get(name)
                place = f"{window}: {name}"
                if isinstance(sample, UnusableSample):
                    problems.append(Problem(place, sample.problem, "correct the column or its kind"))
                elif isinstance(sample, NumericSample) and sample.unreadable:
                    reason = f"{sample.unreadable} of {sample.rows} values are no numbers"
                    problems.append(Problem(place, reason, CORRECT_THEM))
    if problems:
        raise BadInput(problems)
    return dataset, [folder / DATASET_KEY, *(folder / key for keys in windows.values() for key in keys)]


def bring(folder: Path, loop: Loop, console: Console, check: bool) -> None:
    """Uploads a data set, and runs the drift check on it.

    Args:
        folder: See :func:`read_folder`.
        loop: The stack.
        console: Where to say what happens.
        check: Whether to run the check, and wait for the training that it launches.

    Raises:
        BadInput: See :func:`read_folder`.
        LoopFailed: When the check or the training fails.
    """
    dataset, files = read_folder(folder)
    loop.upload(folder, *files)
    console.print(
        f"{dataset.name}: {len(files)} files uploaded, {len(dataset.features)} features declared",
        markup=False,
    )
    if not check:
        return
    answer = loop.check({})
    _say(console, f"{answer['verdict']}: {answer['reason']}")
    if answer["action"] != "launched":
        return
    with console.status("training") as status:
        record = loop.wait_for_training(answer["run_key"], status.update)
    version = f"version {record.model_version}: " if record.model_version else ""
    _say(console, f"{record.state.value}: {version}{record.detail}")


def _say(console: Console, text: str) -> None:
    """Prints text that holds names from the data, which are not rich's markup."""
    console.print(text, highlight=False, soft_wrap=True, markup=False)


def print_problems(error: BadInput, console: Console) -> None:
    """Prints what is wrong with a data set, a line each."""
    count = "one problem" if len(error.problems) == 1 else f"{len(error.problems)} problems"
    console.print(f"[red]The data set is not usable yet, {count}:[/]")
    for problem in error.problems:
        _say(console, f"  {problem}")


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.bring",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="The stack is the one that the environment names (as `make up` prints it), or the local one.",
    )
    parser.add_argument("folder", type=Path, help="folder with dataset.json, reference/ and perhaps current/")
    parser.add_argument(
        "--check",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="run the drift check at once rather than leave it to the schedule (default: yes)",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program; gives the exit code."""
    options = _arguments(argv)
    console = Console()
    try:
        adopt_running_stack(os.environ)
        loop = Loop(
            boto3.Session(),
            required(os.environ, "DATA_BUCKET"),
            required(os.environ, "RUNS_TABLE"),
            required(os.environ, "DETECT_DRIFT_FUNCTION"),
            required(os.environ, "DRIFT_SCHEDULE"),
        )
        bring(options.folder, loop, console, options.check)
    except BadInput as error:
        print_problems(error, console)
        return 1
    except (ContenderError, LoopFailed) as error:
        console.print(str(error), style="red", highlight=False, soft_wrap=True, markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped. What was uploaded stays; a training that was launched goes on.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
