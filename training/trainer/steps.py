"""One line on stdout per step, for CloudWatch Logs and for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TextIO


class Steps:
    """Writes JSON lines: the step, what came of it, its seconds and the seconds since the start.

    Args:
        clock: Monotonic seconds.
        stream: Where lines go; stdout by default.
    """

    def __init__(self, clock: Callable[[], float], stream: TextIO | None = None) -> None:
        self._clock = clock
        self._stream = stream
        self._started = self._last = clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self._started

    def done(self, step: str, message: str, **fields: object) -> None:
        """Reports that a step has ended.

        Args:
            step: Its name.
            message: What came of it, in one sentence.
            **fields: Figures, as JSON types.
        """
        now = self._clock()
        line = {
            "step": step,
            "seconds": round(now - self._last, 2),
            "total_seconds": round(now - self._started, 2),
            "message": message,
            **fields,
        }
        self._last = now
        print(json.dumps(line, ensure_ascii=False, default=str), file=self._stream or sys.stdout, flush=True)
