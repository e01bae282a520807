"""Ids of requests that tell when they were made, so that one which is not in the log yet can be told from one
that never was."""

from __future__ import annotations

import re

NOISE_BYTES = 10
"""Random bytes of an id; 74 of their bits are used, so that ids neither collide nor can be guessed."""
_HYPHENS = re.compile(r"\w{8}(-\w{4}){3}-\w{12}")
_OURS = re.compile(r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}")


def new_request_id(at: float, noise: bytes) -> str:
    """Makes an id: a UUID of version 7 (RFC 9562, section 5.7) without its hyphens.

    Args:
        at: When the request is answered, in epoch seconds.
        noise: ``NOISE_BYTES`` random bytes.

    Returns:
        32 hex digits, of which the first 12 are the time in milliseconds.

    Raises:
        ValueError: For another number of bytes, or a time before 1970 or after the year 10889.
    """
    if len(noise) != NOISE_BYTES:
        raise ValueError(f"an id needs {NOISE_BYTES} random bytes, got {len(noise)}")
    bits = int.from_bytes(noise, "big")
    version = 0x7 << 12 | bits & 0xFFF
    variant = 0b10 << 62 | bits >> 12 & (1 << 62) - 1
    return f"{int(at * 1000).to_bytes(6, 'big').hex()}{version:04x}{variant:016x}"


def as_issued(request_id: str) -> str:
    """Gives an id as it was issued, where a client has written it as UUIDs are written elsewhere.

    Args:
        request_id: Any text.

    Returns:
        Without hyphens and in small letters if it is one of ours then; else unchanged.
    """
    plain = request_id.replace("-", "") if _HYPHENS.fullmatch(request_id) else request_id
    return plain.lower() if _OURS.fullmatch(plain.lower()) else request_id


def made_at(request_id: str) -> float | None:
    """Reads when an id was made.

    Args:
        request_id: Any text.

    Returns:
        Epoch seconds, to the millisecond; ``None`` for an id that is not of this form.
    """
    return int(request_id[:12], 16) / 1000 if _OURS.fullmatch(request_id) else None
