"""Measured processes: how one is run, and what several rounds of it come to."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

from contender.errors import ContenderError
from infra.local.tools import ROOT


class Run(NamedTuple):
    """One run of a process.

    Attributes:
        seconds: As :func:`bench.measured.measured` tells, imports left out.
        cpu_s: Processor time of it, over all threads.
        peak_mb: Largest resident size of the process, imports included.
        answers: What it found.
    """

    seconds: float
    cpu_s: float
    peak_mb: float
    answers: Mapping[str, Any]


class Medians(NamedTuple):
    """Several runs of one subject on the same data.

    Attributes:
        rounds: How many.
        seconds: Median.
        cpu_s: Median.
        peak_mb: Largest, because it is a bound that counts.
        answers: Of each run.
    """

    rounds: int
    seconds: float
    cpu_s: float
    peak_mb: float
    answers: tuple[Mapping[str, Any], ...]

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Medians:
        """Sums runs up."""
        return cls(
            len(runs),
            median(run.seconds for run in runs),
            median(run.cpu_s for run in runs),
            max(run.peak_mb for run in runs),
            tuple(run.answers for run in runs),
        )


def run_process(name: str, command: Sequence[str], env: Mapping[str, str], target: str) -> Run:
    """Runs a program that measures itself with :func:`bench.measured.measured`, in the project's root.

    Args:
        name: Whose it is, for error messages.
        command: Program and arguments.
        env: Its whole environment.
        target: The command that makes its environment.

    Returns:
        What it told.

    Raises:
        ContenderError: When it does not start, or fails.
    """
    told = answer_of(name, command, env, target)
    return Run(told.pop("seconds"), told.pop("cpu_s"), told.pop("peak_mb"), told)


def answer_of(name: str, command: Sequence[str], env: Mapping[str, str], target: str) -> dict[str, Any]:
    """Runs a program in the project's root, and gives the JSON of its last line; see :func:`run_process`."""
    done = run_to_end(name, command, env, target)
    try:
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError) as error:
        raise ContenderError(f"{name} told nothing:\n{last_words(done.stderr)}") from error
    return told


def run_to_end(
    name: str, command: Sequence[str], env: Mapping[str, str], target: str = "make setup"
) -> subprocess.CompletedProcess[str]:
    """Runs a program in the project's root, and gives what it wrote; see :func:`run_process`."""
    try:
        done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError as error:
        raise ContenderError(f"{name} does not start: {error}; run `{target}`") from error
    check_ended(name, done.returncode, done.stderr)
    return done


def check_ended(name: str, code: int, complaint: str) -> None:
    """Raises ``ContenderError`` with the cause when a process ended with another exit code than 0."""
    if code:
        raise ContenderError(f"{name} failed with exit code {code}:\n{last_words(complaint)}")


def last_words(complaint: str) -> str:
    """Gives the end of what a process wrote on its way out, where the cause stands."""
    return complaint.strip()[-2000:] or "  (it wrote nothing; -9 means killed, often for want of memory)"


def kept_environment(*more: str) -> dict[str, str]:
    """What any measured process keeps of this one's environment: ``PATH``, ``HOME``, ``LANG``, and more."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", *more) if name in os.environ}


def our_environment(*more: str) -> dict[str, str]:
    """The same for a process of ours, which knows where our packages are."""
    paths = os.pathsep.join(str(path) for path in (ROOT, ROOT / "layers/core"))
    return {**kept_environment(*more), "PYTHONPATH": paths}
