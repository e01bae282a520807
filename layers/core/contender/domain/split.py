"""The share of traffic that the challenger gets."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from contender.errors import BadInput

_FIX = "send a number from 0 (all traffic to A) to 1 (all to B), such as 0.3"


class Split(NamedTuple):
    """A split in force.

    Attributes:
        share_b: Share of units assigned to B, in [0, 1].
        version: Version of the parameter that holds it; it names the epoch of the experiment.
            0 when no valid value has been read yet.
    """

    share_b: float
    version: int


class Ignored(NamedTuple):
    """What the parameter of the split holds and no router follows.

    Attributes:
        value: Its text, at most the first 40 characters.
        version: The version of the parameter that holds it.
        reason: Why it is no share, and what to set.
    """

    value: str
    version: int
    reason: str


def check_share(value: object, field: str = "ab_split_b") -> float:
    """Accepts a share of B from a JSON body.

    Args:
        value: What came in; only a real number (no bool, no text) is accepted.
        field: Name used in the error.

    Returns:
        The share, in [0, 1].

    Raises:
        BadInput: When it is not a finite number in [0, 1].
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput.of(field, f"must be a number, got {type(value).__name__}", _FIX)
    if not 0 <= value <= 1:  # NaN too; comparing never overflows, whatever the size of the integer
        raise BadInput.of(field, f"must lie in [0, 1], got {str(value)[:40]}", _FIX)
    return float(value)


def parse_share(text: str, field: str = "ab_split_b") -> float:
    """Accepts a share of B from the text of a parameter.

    Args:
        text: The parameter's value, such as ``"0.3"``; surrounding blanks are ignored.
        field: Name used in the error.

    Returns:
        The share, in [0, 1].

    Raises:
        BadInput: When the text is not a finite number in [0, 1].
    """
    try:
        number = float(text.replace("_", "?"))  # float() would read a mistyped 0_1 as 1
    except ValueError:
        raise BadInput.of(field, f"must be a number, got {text[:40]!r}", _FIX) from None
    return check_share(number, field)


def format_share(share: float) -> str:
    """Writes a share so that :func:`parse_share` gives the same float back: digits and a point, no exponent.

    That is what the ``AllowedPattern`` of the parameter in ``template.yaml`` accepts.
    """
    return format(Decimal(repr(float(share))), "f")
