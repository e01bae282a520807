"""Test for categories that the reference never had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from contender.domain.drift.two_proportions import TwoProportions, two_proportions


class UnseenCategories(NamedTuple):
    """Result of the test.

    Attributes:
        names: Unseen categories, most frequent first.
        share: Share of current rows in them, in [0, 1].
        expected_share: What the reference lets expect, in [0, 1].
        test: Comparison of the two, one-sided; its ``difference`` is the excess, which may be negative.
    """

    names: tuple[str, ...]
    share: float
    expected_share: float
    test: TwoProportions


def unseen_categories(reference: Mapping[str, int], current: Mapping[str, int]) -> UnseenCategories | None:
    """Tests whether more rows than chance explains lie in categories that the reference never had.

    A new category is no news by itself: a column of many rare ones brings some with every window. How
    many to expect, the reference tells: a row whose category occurs once would have been unseen had it
    come later, so the share of such rows estimates the mass of all categories not yet seen (Good and
    Turing). Under no drift each current row is unseen with that probability, so the two binomial counts
    are compared by Fisher's exact test, one-sided.

    When the current window is larger than the reference, its unseen rows come in clumps of one category;
    they are scaled down to the size of the reference, as clumps are not independent evidence.

    Args:
        reference: Category → count, each > 0.
        current: Category → count, each > 0.

    Returns:
        The result; ``None`` when a window is empty.

    References:
        Good (1953), The population frequencies of species and the estimation of population parameters,
        Biometrika 40.
    """
    n, m = sum(reference.values()), sum(current.values())
    if n == 0 or m == 0:
        return None
    new = sorted((name for name in current if name not in reference), key=lambda name: (-current[name], name))
    unseen = sum(current[name] for name in new)
    singles = sum(1 for count in reference.values() if count == 1)
    size = min(n, m)
    test = two_proportions(singles, n, unseen * size // m, size, greater=True)
    assert test is not None  # neither window is empty
    share, expected = unseen / m, singles / n
    return UnseenCategories(tuple(new), share, expected, test._replace(difference=share - expected))
