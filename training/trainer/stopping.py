"""Signals that end a training, and the exception that they raise where it is."""

from __future__ import annotations

import signal
import sys
from types import FrameType, TracebackType
from typing import Any

TIMED_OUT, STOPPED = 124, 128 + signal.SIGTERM
FROM_OUTSIDE = "the task was stopped from outside before it was done"
OUT_OF_TIME = "the training was not done within TRAINING_LIMIT_SECONDS and gave up"

AGAIN_S = 1.0
"""Seconds after which a stop comes again that has not got through."""

LAST_S = 20.0
"""How long a stop waits for the last steps, in seconds: they are some dozen calls, and of the 30 s that ECS
gives a task the rest is enough to write down its end."""

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)


class Stopped(BaseException):
    """The training has to end now. Not an ``Exception``: PyCaret goes on after those.

    Args:
        reason: Why, for the record.
        code: Exit code of the task.
    """

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class Stops:
    """Raises :class:`Stopped` in the main thread after SIGTERM or Ctrl-C, and when the time is over.

    Not every such exception gets through: what comes up inside a callback of a library in C is dropped, or
    the library raises an error of its own in its place (5 of 157 stops while the training's libraries were
    imported). So the first stop is kept, and it comes again until somebody catches it.

    Args:
        limit_s: Seconds until the time is over.

    Attributes:
        told: The first stop, once there was one. What is caught after it is its doing.
    """

    def __init__(self, limit_s: float) -> None:
        self.told: Stopped | None = None
        self._limit_s = limit_s
        self._held = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stops:
        self._before = {one: signal.signal(one, self._stop) for one in SIGNALS}
        signal.setitimer(signal.ITIMER_REAL, self._limit_s, AGAIN_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def hold(self) -> None:
        """From here on a stop waits for the last steps, ``LAST_S`` at most: it would leave them half-done.

        Raises:
            Stopped: When there was a stop already that has not got through.
        """
        self._held = True
        if self.told is not None:
            raise self.told

    def over(self) -> None:
        """From here on nothing is raised: the end is being written down."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self.told is None:
            alarm = number == signal.SIGALRM
            self.told = Stopped(OUT_OF_TIME, TIMED_OUT) if alarm else Stopped(FROM_OUTSIDE, STOPPED)
            signal.setitimer(signal.ITIMER_REAL, LAST_S if self._held else AGAIN_S, AGAIN_S)
            if self._held:
                return
        elif isinstance(sys.exc_info()[1], Stopped):
            return  # it has got through: what it came past is cleaning up
        elif self._held and number != signal.SIGALRM:
            return  # asked again; the alarm tells when the last steps have had their time
        raise self.told
