"""Changes of the split while traffic runs, and how long the router took to follow each."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import requests

from scripts.loop import LoopFailed


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the split.

    Attributes:
        how: What changed it, for people.
        share_b: The new share of B.
        asked_at: Epoch seconds just before it was asked for.
        version: Version that the parameter got.
    """

    how: str
    share_b: float
    asked_at: float
    version: int


def by_aws_cli(aws: Path, environment: Mapping[str, str], parameter: str, share_b: float) -> Change:
    """Runs ``aws ssm put-parameter``.

    Raises:
        LoopFailed: With what the command printed.
    """
    command = [str(aws), "ssm", "put-parameter", "--name", parameter, "--value", str(share_b)]
    command += ["--type", "String", "--overwrite", "--output", "json"]
    asked_at = time.time()
    ran = subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise LoopFailed(f"aws ssm put-parameter failed: {ran.stderr.strip()}")
    return Change("aws ssm put-parameter", share_b, asked_at, int(json.loads(ran.stdout)["Version"]))


def by_api(url: str, share_b: float) -> Change:
    """Calls ``POST /config``.

    Raises:
        LoopFailed: With what the router answered.
    """
    asked_at = time.time()
    answer = requests.post(f"{url}/config", json={"ab_split_b": share_b}, timeout=30)
    if answer.status_code != 200:
        raise LoopFailed(f"POST /config answered {answer.status_code}: {answer.text}")
    return Change("POST /config", share_b, asked_at, int(answer.json()["version"]))


class Planned:
    """Makes each change once, when so many answers have come, beside the traffic and without stopping it.

    Args:
        plan: Number of answers → the change to make then.
    """

    def __init__(self, plan: Mapping[int, Callable[[], Change]]) -> None:
        self._plan = dict(plan)
        self._worker = ThreadPoolExecutor(max_workers=1)
        self._started: list[Future[Change]] = []

    def __call__(self, answers: int) -> None:
        """To be told the number of answers so far, after each."""
        change = self._plan.pop(answers, None)
        if change is not None:
            self._started.append(self._worker.submit(change))

    def made(self) -> list[Change]:
        """Waits for the changes and gives them. Raises ``LoopFailed`` when one could not be made."""
        self._worker.shutdown()
        return [change.result() for change in self._started]


def seconds_to_follow(change: Change, logged: Iterable[tuple[float, int]]) -> float:
    """Measures how long the slowest worker of the router took to follow a change.

    Args:
        change: The change.
        logged: Time (epoch seconds) and split version of every logged prediction.

    Returns:
        Seconds from asking for the change to the last prediction made under an older version; 0 when
        there was none after it.
    """
    late = [at for at, version in logged if version < change.version and at > change.asked_at]
    return round(max(late) - change.asked_at, 2) if late else 0.0
