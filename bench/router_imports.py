"""What importing the router takes, by package."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence

from contender.errors import ContenderError
from infra.local.tools import ROOT

ALL = "import handler, webapp.wiring"
"""The second is imported by the first event."""
STANDARD = "standard library"


def import_times(env: Mapping[str, str], rounds: int = 3) -> list[tuple[str, float]]:
    """Imports the router in fresh processes.

    Args:
        env: Environment of the processes; its path has the router's packages.
        rounds: How many.

    Returns:
        Package → milliseconds of its own modules (CPython's ``-X importtime``), in the quickest round, those
        that take longest first.

    Raises:
        ContenderError: When the router cannot be imported.
    """
    found = []
    for _ in range(rounds):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-c", ALL],
            env=env, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise ContenderError(f"the router cannot be imported:\n{done.stderr[-2000:]}")
        found.append(by_package(done.stderr.splitlines()))
    quickest = min(found, key=lambda times: sum(times.values()))
    return sorted(quickest.items(), key=lambda item: -item[1])


def by_package(lines: Sequence[str]) -> dict[str, float]:
    """Adds up what ``-X importtime`` writes.

    Args:
        lines: ``import time: self [us] | cumulative | imported package``; others are not read.

    Returns:
        Package → milliseconds of its modules, without what these import.
    """
    times: dict[str, float] = defaultdict(float)
    for line in lines:
        head, _, rest = line.partition(":")
        own, _, named = rest.partition("|")
        if head == "import time" and own.strip().isdecimal():
            package = named.partition("|")[2].strip().partition(".")[0]
            known = package in sys.stdlib_module_names or package.startswith("_")
            times[STANDARD if known else package] += int(own) / 1e3
    return dict(times)
