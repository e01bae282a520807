"""Figures in sentences."""

from __future__ import annotations

import math
from datetime import UTC, datetime

_SMALLEST_P = 1e-4
"""p-values below it are not spelt out: their digits depend on the far tail of an approximation."""


def signed(value: float) -> str:
    """A difference with its sign, to four digits; from a thousand on, whole."""
    return format(value, "+.4f" if abs(value) < 1 else "+.4g" if abs(value) < 1000 else "+,.0f")


def p_text(value: float) -> str:
    """A p-value after the letter p."""
    return f"= {value:.2g}" if value >= _SMALLEST_P else f"< {_SMALLEST_P:g}"


def rounded(count: int) -> str:
    """A count in two digits, upwards: a forecast is no better."""
    size = 10 ** max(0, len(str(count)) - 2)
    return f"{-(-count // size) * size:,}"


def moment(epoch_s: float) -> str:
    """A time, to the minute, in UTC; minutes that have begun count."""
    return f"{datetime.fromtimestamp(math.ceil(epoch_s / 60) * 60, UTC):%Y-%m-%d %H:%M} UTC"


def in_time(seconds: float | None) -> str:
    """A duration in brackets; nothing for ``None``."""
    if seconds is None:
        return ""
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f" ({seconds / size:,.0f} {unit} at the rate so far)"
    return f" ({max(1, math.ceil(seconds)):,} seconds at the rate so far)"
