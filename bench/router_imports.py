"""What importing the router takes, by package and by module."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bench.report import Line, line
from bench.runs import run_to_end

ALL = "import handler"
STANDARD = "standard library"
SHOWN = 10


class Imports(NamedTuple):
    """What the router's imports take, in milliseconds, without what each imports in turn; slowest first.

    Attributes:
        packages: By package, the standard library as one.
        modules: By module.
        rounds: How often they were imported; these are the times of the quickest.
    """

    packages: list[tuple[str, float]]
    modules: list[tuple[str, float]]
    rounds: int

    @property
    def total(self) -> float:
        """All of them together."""
        return sum(own for _, own in self.modules)


def import_times(env: Mapping[str, str], rounds: int = 3) -> Imports:
    """Imports the router in fresh processes.

    Args:
        env: Environment of the processes; its path has the router's packages.
        rounds: How many.

    Returns:
        What CPython's ``-X importtime`` says in the quickest round.

    Raises:
        ContenderError: When the router cannot be imported.
    """
    found = []
    for _ in range(rounds):
        done = run_to_end("importing the router", [sys.executable, "-X", "importtime", "-c", ALL], env)
        found.append(by_module(done.stderr.splitlines()))
    quickest = min(found, key=lambda times: sum(times.values()))
    return Imports(_slowest(by_package(quickest)), _slowest(quickest), rounds)


def by_module(written: Sequence[str]) -> dict[str, float]:
    """Reads what ``-X importtime`` writes.

    Args:
        written: ``import time: self [us] | cumulative | imported package``; other lines are not read.

    Returns:
        Module → milliseconds, without what it imports.
    """
    times: dict[str, float] = defaultdict(float)
    for each in written:
        head, _, rest = each.partition(":")
        own, _, named = rest.partition("|")
        if head == "import time" and own.strip().isdecimal():
            times[named.partition("|")[2].strip()] += int(own) / 1e3
    return dict(times)


def by_package(modules: Mapping[str, float]) -> dict[str, float]:
    """Adds modules up: package → milliseconds, all of the standard library as one package."""
    times: dict[str, float] = defaultdict(float)
    for module, own in modules.items():
        package = module.partition(".")[0]
        known = package in sys.stdlib_module_names or package.startswith("_")
        times[STANDARD if known else package] += own
    return dict(times)


def lines_of(imports: Imports) -> list[Line]:
    """Makes the lines of all imports and of the slowest modules."""
    return [
        line("imports of the router, ms", imports.total, rounds=imports.rounds),
        *(
            line(f"import of {module}, without what it imports, ms", own, rounds=imports.rounds)
            for module, own in imports.modules[:SHOWN]
        ),
    ]


def _slowest(times: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(times.items(), key=lambda item: -item[1])
