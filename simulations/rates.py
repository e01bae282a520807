"""How often something happened, and how often it may really happen."""

from __future__ import annotations

from scipy.special import betaincinv

CONFIDENCE = 0.99
"""Of the bounds: a goal that holds by luck alone would be seen once in a hundred runs."""


def upper_bound(hits: int, trials: int, confidence: float = CONFIDENCE) -> float:
    """Bounds a rate from above.

    Args:
        hits: How often it happened, in [0, trials].
        trials: How often it could have, ≥ 0.
        confidence: In (0, 1).

    Returns:
        The one-sided Clopper-Pearson bound, in [0, 1]; 1 without trials. No true rate above it
        would give so few hits with a chance of more than 1 − confidence.

    References:
        Clopper and Pearson (1934), The use of confidence or fiducial limits illustrated in the case of
        the binomial, Biometrika 26.
    """
    return 1.0 if hits >= trials else float(betaincinv(hits + 1, trials - hits, confidence))
