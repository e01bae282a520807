"""Counts of categories that stay small and merge, even when a column holds ids."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import md5

MAX_CATEGORIES = 100_000
"""Most categories that are counted one by one, so that a column of ids cannot fill the memory."""

FURTHER = "(further categories)"
"""Stands for all others."""


def keep_known(
    counts: Mapping[str, int], known: Collection[str], limit: int = MAX_CATEGORIES
) -> dict[str, int]:
    """Keeps the categories of the reference, and so many others; the rest count as ``FURTHER``.

    Which others are kept depends on nothing but their names: those of the smallest digests. One that is among
    the smallest of a whole is so in each part that has it, so it was counted in full in every part: keeping
    and adding up can be done in any order, with the same result. Where the reference itself has further
    categories, nobody knows which; then all others are further ones.

    Args:
        counts: Category → count, each > 0.
        known: Categories of the reference.
        limit: Most others.

    Returns:
        Category → count, with the same sum.
    """
    others = [name for name in counts if name not in known and name != FURTHER]
    if FURTHER in known:
        limit = 0
    if len(others) <= limit:
        return dict(counts)
    dropped = set(others).difference(sorted(others, key=digest)[:limit])
    kept = {name: count for name, count in counts.items() if name not in dropped}
    kept[FURTHER] = kept.get(FURTHER, 0) + sum(counts[name] for name in dropped)
    return kept


def digest(name: str) -> str:
    """Gives what others are ranked by, as DuckDB's ``md5`` does."""
    return md5(name.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
