"""Further processes that cross-validate candidates, so that the search uses every core.

Most of a search runs on one core: PyCaret itself, and every algorithm without threads of its own. A helper
is a fresh process, not a fork: forked processes hang in OpenMP once their parent has used it. It imports
PyCaret while the task claims its record and reads the window, which leaves all cores but one idle.
What the two tell each other goes through a pipe that nobody else has; no model comes back, only figures.
This module imports nothing that takes time, so that helpers can be started before anything else.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trainer.contest import Contest, Trial

MOST_HELPERS = 3
"""Most helpers: each takes some 0.4 GB of memory beside the rows, and the longest candidate bounds the search
anyway."""


class HelperLost(Exception):
    """A helper has died; what it was doing is not done."""


class Helper:
    """One such process, used by one thread at a time. It ends with the process that started it."""

    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self._process = process
        self._connection = connection

    @classmethod
    def start(cls) -> Helper:
        """Starts one; it is usable at once, and quick when it has imported what it needs."""
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), name="helper", daemon=True)
        process.start()
        theirs.close()  # so that the death of the process ends every wait for it
        return cls(process, ours)

    def enter(self, contest: Contest, threads: int) -> None:
        """Tells it what candidates get from now on.

        Args:
            contest: The same for all of them.
            threads: Most threads of numerical libraries.

        Raises:
            HelperLost: When it has died.
        """
        self._send((contest, threads))

    def cross_validate(self, estimator: Any) -> Trial:
        """Cross-validates an unfitted estimator, see :class:`trainer.contest.Arena`.

        Raises:
            HelperLost: When it has died.
        """
        self._send(estimator)
        try:
            trial: Trial = self._connection.recv()
        except (EOFError, OSError) as error:
            raise HelperLost from error
        return trial

    def end(self) -> None:
        """Ends it, whatever it is doing; a wait for it raises ``HelperLost``."""
        self._process.kill()
        self._process.join()

    def _send(self, message: object) -> None:
        try:
            self._connection.send(message)
        except OSError as error:
            raise HelperLost from error


def usable_cores() -> int:
    """How many cores this process may use, which may be fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def helpers(cores: int | None = None) -> Iterator[Sequence[Helper]]:
    """Gives one helper for every core but the first, at most :data:`MOST_HELPERS`, and ends them.

    Args:
        cores: How many there are; by default those that this process may use.
    """
    started: list[Helper] = []
    try:
        with suppress(OSError):  # no process or memory left: those there are do the search
            for _ in range(min((cores or usable_cores()) - 1, MOST_HELPERS)):
                started.append(Helper.start())
        yield started
    finally:
        for helper in started:
            helper.end()


def _serve(connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the starting process's, which ends this one
    import pycaret.classification
    import pycaret.regression  # noqa: F401
    from threadpoolctl import threadpool_limits

    from trainer.contest import Arena

    try:
        contest, threads = connection.recv()
        with threadpool_limits(threads):
            arena = Arena(contest)
            while True:
                connection.send(arena.cross_validate(connection.recv()))
    except (EOFError, BrokenPipeError):
        return  # whoever started this is gone
