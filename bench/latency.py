"""How long calls take; standard library only: peers have other environments."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any


def time_calls(call: Callable[[Any], Any], items: Sequence[Any], calls: int) -> dict[str, Any]:
    """Calls again and again, one call at a time.

    Args:
        call: What is timed.
        items: Its arguments, taken in turn; each is called once before, untimed, which also warms up.
        calls: Calls that are timed.

    Returns:
        ``p50_ms`` and ``p99_ms`` over the timed calls, and ``answers``: that of each item.
    """
    answers = [call(item) for item in items]
    taken = []
    for number in range(calls):
        item = items[number % len(items)]
        started = time.perf_counter()
        call(item)
        taken.append(time.perf_counter() - started)
    return {"p50_ms": quantile(taken, 0.5) * 1e3, "p99_ms": quantile(taken, 0.99) * 1e3, "answers": answers}


def quantile(values: Sequence[float], share: float) -> float:
    """Gives the smallest value that at least this share of the values do not exceed (share in (0, 1])."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
