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

from rich.console import Console

from contender.adapters.local_objects import LocalObjects
from contender.adapters.windows_duckdb import DuckDbWindows
from contender.domain.dataset import Dataset
from contender.domain.drift import NumericSample, UnusableSample
from contender.domain.drift.samples import ABSENT
from contender.errors import BadInput, ContenderError, Problem
from contender.ports import ObjectInfo
from contender.usecases.check_drift import CURRENT
from contender.usecases.declaration import DATASET_KEY, read_dataset
from contender.usecases.measured_against import REFERENCE
from scripts.loop import Loop, LoopFailed
from scripts.running_stack import adopt_running_stack, aws_session, required

ADD_IT = "add it (upper and lower case matter), or do not declare it"
LISTED = 5
"""Files named in a sentence; more would not be read."""
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
    if not store.list(REFERENCE):
        raise BadInput.of(str(folder / REFERENCE), "holds no data", "put the reference window's files there")
    keys = [info.key for info in (*store.list(REFERENCE), *store.list(CURRENT))]
    problems = [
        Problem(key, "lies in no window", f"move it into {CURRENT}<window-id>/")
        for key in keys
        if not _window_of(key)
    ]
    for window in _windows(folder, keys):
        objects = store.list(window)
        problems += [
            Problem(info.key, "is empty", "fill it, or delete it") for info in objects if not info.size
        ]
        if not objects:
            problems.append(Problem(window, "holds no data", "put its files there, or delete the folder"))
        elif all(info.size for info in objects):
            problems += _problems_of(store, window, objects, dataset)
    if problems:
        raise BadInput(problems)
    return dataset, [folder / DATASET_KEY, *(folder / key for key in keys)]


def _window_of(key: str) -> str:
    """Prefix of the window that a file belongs to, as the drift check sees it; empty for none."""
    if key.startswith(REFERENCE):
        return REFERENCE
    name, inside, _ = key.removeprefix(CURRENT).partition("/")
    return f"{CURRENT}{name}/" if inside else ""


def _windows(folder: Path, keys: Sequence[str]) -> list[str]:
    """Prefixes of the windows of a folder, those without a file included."""
    current = folder / CURRENT
    folders = sorted(path for path in current.iterdir() if path.is_dir()) if current.is_dir() else []
    found = [*map(_window_of, keys), *(f"{CURRENT}{path.name}/" for path in folders)]
    return [window for window in dict.fromkeys(found) if window]


def _problems_of(
    store: LocalObjects, window: str, objects: Sequence[ObjectInfo], dataset: Dataset
) -> list[Problem]:
    problems: list[Problem] = []
    with DuckDbWindows(store).open(objects, dataset) as columns:
        others = [name for name in (dataset.target, dataset.timestamp, dataset.unit) if name]
        for name in (*dataset.features, *others):
            place = f"{window.rstrip('/')}: {name}"
            if name not in columns:
                problems.append(Problem(place, "is not a column of it", ADD_IT))
                continue
            sample = columns[name] if name in dataset.features else None
            if isinstance(sample, UnusableSample):
                fix = (
                    ADD_IT if sample.problem.startswith(ABSENT.problem) else "correct the column or its kind"
                )
                problems.append(Problem(place, sample.problem, fix))
            elif isinstance(sample, NumericSample) and sample.unreadable:
                reason = f"{sample.unreadable} of {sample.rows} values are no numbers"
                problems.append(Problem(place, reason, CORRECT_THEM))
        common = [name for name in others if name in columns]
    if len(objects) > 1:
        # Not features, so the window as a whole does not say which of its files lack them.
        for info in objects:
            with DuckDbWindows(store).open([info], dataset) as columns:
                problems += [
                    Problem(f"{info.key}: {name}", "is not a column of it", ADD_IT)
                    for name in common
                    if name not in columns
                ]
    return problems


def foreign_keys(keys: Sequence[str], loop: Loop) -> dict[str, list[str]]:
    """Finds what lies in the bucket where a data set is to be uploaded, and is not of it.

    Args:
        keys: Keys of the files to upload.
        loop: The stack.

    Returns:
        Prefix of a window → keys that would become part of it.
    """
    windows = dict.fromkeys(filter(None, map(_window_of, keys)))
    found = {window: sorted(set(loop.keys(window)) - set(keys)) for window in windows}
    return {window: others for window, others in found.items() if others}


def bring(folder: Path, loop: Loop, console: Console, check: bool, replace: bool = False) -> None:
    """Uploads a data set, and runs the drift check on it.

    Args:
        folder: See :func:`read_folder`.
        loop: The stack.
        console: Where to say what happens.
        check: Whether to run the check, and wait for the training that it launches.
        replace: Whether to delete what else lies in the bucket in the windows of the folder.

    Raises:
        BadInput: See :func:`read_folder`; and, unless they are to be replaced, naming other files that would
            be merged with those of the folder.
        LoopFailed: When the check or the training fails.
    """
    dataset, files = read_folder(folder)
    foreign = foreign_keys([file.relative_to(folder).as_posix() for file in files], loop)
    if foreign and not replace:
        raise BadInput([_other_files(window, others) for window, others in foreign.items()])
    for window, others in foreign.items():
        loop.delete(others)
        _say(console, f"{window}: deleted {_listed(others)}")
    loop.upload(folder, *files)
    console.print(
        f"{dataset.name}: {len(files)} files uploaded, {len(dataset.features)} features declared",
        markup=False,
    )
    if not check:
        return
    answer = loop.check({})
    window = f"window {answer['window']}: " if answer["window"] else ""
    _say(console, f"{window}{answer['verdict']}: {answer['reason']}")
    if answer["action"] != "launched":
        return
    with console.status("training") as status:
        record = loop.wait_for_training(answer["run_key"], status.update)
    version = f"version {record.model_version}: " if record.model_version else ""
    _say(console, f"{record.state.value}: {version}{record.detail}")


def _other_files(window: str, others: Sequence[str]) -> Problem:
    fix = "--replace deletes them"
    if window != REFERENCE:
        fix += "; or give the window another id"
    return Problem(window, f"has other files in the bucket, which would be merged: {_listed(others)}", fix)


def _listed(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - LISTED} more" if len(keys) > LISTED else ""
    return ", ".join(keys[:LISTED]) + more


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
    parser.add_argument(
        "--replace",
        action="store_true",
        help="delete what else lies in the bucket in the windows of the folder, rather than refuse",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program; gives the exit code."""
    options = _arguments(argv)
    console = Console()
    try:
        adopt_running_stack(os.environ)
        loop = Loop(
            aws_session(),
            required(os.environ, "DATA_BUCKET"),
            required(os.environ, "RUNS_TABLE"),
            required(os.environ, "DETECT_DRIFT_FUNCTION"),
            required(os.environ, "DRIFT_SCHEDULE"),
        )
        bring(options.folder, loop, console, options.check, options.replace)
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
