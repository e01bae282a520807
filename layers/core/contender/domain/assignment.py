"""Which variant a unit belongs to: a hash, no table, no state."""

from __future__ import annotations

from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple

_RESOLUTION = 2**53  # every value k / 2**53 in [0, 1) is exact in a float64


class Variant(StrEnum):
    """The two arms of an experiment: A is the champion, B the challenger."""

    A = "A"
    B = "B"

    @property
    def other(self) -> Variant:
        """The variant that stands in when this one cannot serve."""
        return Variant.B if self is Variant.A else Variant.A


class Assignment(NamedTuple):
    """Where a unit was sent, and how likely that was.

    Attributes:
        variant: The assigned variant.
        probability: Probability, before the hash was known, of that variant: in (0, 1].
    """

    variant: Variant
    probability: float


def unit_position(salt: str, unit: str) -> float:
    """Places a unit on [0, 1), uniformly and for ever.

    The position is the first 53 bits of BLAKE2b (RFC 7693) of the unit, keyed by the salt, so
    that positions under different salts are independent and no unit can be chosen to land in a
    given variant without knowing the salt.

    Args:
        salt: Names the experiment. Any text; the empty text is allowed.
        unit: The randomisation unit (a user, a device, a request). Any text.

    Returns:
        A float in [0, 1), a multiple of 2**-53.
    """
    key = blake2b(salt.encode(), digest_size=32).digest()
    digest = blake2b(unit.encode(), digest_size=8, key=key).digest()
    return (int.from_bytes(digest, "big") >> 11) / _RESOLUTION


def assign(salt: str, unit: str, split: float) -> Assignment:
    """Assigns a unit: B when its position lies below the split.

    Raising the split moves units only from A to B and lowering it only from B to A; a unit's
    position never changes while the salt stands.

    Args:
        salt: Names the experiment.
        unit: The randomisation unit.
        split: Share of B, in [0, 1].

    Returns:
        The variant and the probability with which it was drawn.

    Raises:
        ValueError: When ``split`` lies outside [0, 1] or is NaN.
    """
    if not 0.0 <= split <= 1.0:
        raise ValueError(f"split must lie in [0, 1], got {split!r}")
    if unit_position(salt, unit) < split:
        return Assignment(Variant.B, split)
    return Assignment(Variant.A, 1.0 - split)
