"""Two-sample Kolmogorov–Smirnov test."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kstwo

_BLOCK = 64
"""Ranks between two looks of the coarse pass. It changes only the speed, never the result."""


class KolmogorovSmirnov(NamedTuple):
    """Result of the test.

    Attributes:
        d: D, the largest distance between the two empirical distribution functions, in [0, 1].
        p_value: Two-sided p-value, in [0, 1]. Conservative where values are tied.
    """

    d: float
    p_value: float


def kolmogorov_smirnov(reference: NDArray[Any], current: NDArray[Any]) -> KolmogorovSmirnov | None:
    """Tests whether two samples come from one continuous distribution.

    ``D = sup_x |F_n(x) − G_m(x)|``; its p-value is that of the one-sample statistic at the effective
    size ``round(n m / (n + m))``, as ``scipy.stats.ks_2samp(method="asymp")`` has it.

    Args:
        reference: Shape ``(n,)``, ascending, without NaN.
        current: Shape ``(m,)``, ascending, without NaN.

    Returns:
        D and p, symmetric in the samples; ``None`` when either is empty.

    References:
        Smirnov (1948), Table for estimating the goodness of fit of empirical distributions, Annals of
        Mathematical Statistics 19. Simard and L'Ecuyer (2011), Computing the two-sided
        Kolmogorov–Smirnov distribution, Journal of Statistical Software 39(11).
    """
    n, m = reference.size, current.size
    if n == 0 or m == 0:
        return None
    d = max(_largest_lead(reference, current), _largest_lead(current, reference))
    return KolmogorovSmirnov(d, p_of_d(d, n, m))


def p_of_d(d: float, reference_size: int, current_size: int) -> float:
    """Gives the two-sided p-value of D, in [0, 1]; falls as D grows.

    Args:
        d: D, in [0, 1].
        reference_size: n ≥ 1.
        current_size: m ≥ 1.
    """
    size = round(reference_size * current_size / (reference_size + current_size))
    if size == 0:  # one value against one: no outcome is rare
        return 1.0
    return min(1.0, max(0.0, float(kstwo.sf(d, size))))


def _largest_lead(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Gives ``max(0, sup_x F_a(x) − F_b(x))``, exactly.

    F_a grows only at values of a, so the supremum is at one of them. Between two of them both
    functions are monotone, which bounds the lead inside a block of ranks by F_a at its end and F_b at
    its start: only blocks whose bound reaches the best lead seen so far are looked at closely.
    """
    n, m = a.size, b.size
    starts = np.arange(0, n, _BLOCK)
    ends = np.minimum(starts + _BLOCK, n)  # exclusive
    below_start = np.searchsorted(b, a[starts], side="right") / m
    below_end = np.searchsorted(b, a[ends - 1], side="right") / m
    best = max(0.0, float((ends / n - below_end).max()))
    open_blocks = np.flatnonzero(ends / n - below_start > best)
    ranks = (starts[open_blocks, np.newaxis] + np.arange(_BLOCK)).ravel()
    ranks = ranks[ranks < n]
    if ranks.size:
        leads = (ranks + 1) / n - np.searchsorted(b, a[ranks], side="right") / m
        best = max(best, float(leads.max()))
    return best
