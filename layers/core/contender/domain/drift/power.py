"""How many rows a verdict needs."""

from __future__ import annotations

import math

from scipy.special import kolmogi, ndtri


def rows_needed(
    effect: float, *, alpha: float, power: float, tests: int = 1, reference_rows: int | None = None
) -> int | None:
    """Rows of the current window from which an effect is found with the power asked for.

    The test rejects when ``D > λ sqrt(1/n + 1/m)``, λ being the upper α/tests point of Kolmogorov's
    distribution. If the distribution functions differ by δ at some x, then D is at least the difference
    observed at x, which is normal around δ with standard deviation at most ``½ sqrt(1/n + 1/m)``. So the
    power is at least that asked for as soon as::

        sqrt(1/n + 1/m) ≤ δ / (λ + ½ z_power)

    α is divided by the number of tests: what the Benjamini–Hochberg rule asks of a lone drifted column.
    On two categories total variation equals D, so the count serves categorical columns as well; a change
    spread thinly over many categories needs more.

    Args:
        effect: δ, the smallest effect that matters, in (0, 1).
        alpha: False discovery rate of the window, in (0, 1).
        power: Chance to find it, in [0.5, 1).
        tests: Number of tests in the window, ≥ 1.
        reference_rows: Rows of the reference; ``None`` for two windows of equal size.

    Returns:
        The smallest sufficient number of rows; ``None`` when the reference is so small that no current
        window suffices.

    References:
        Massey (1951), The Kolmogorov–Smirnov test for goodness of fit, Journal of the American
        Statistical Association 46 (lower bound of the power).
    """
    spread = effect / (float(kolmogi(alpha / max(1, tests))) + float(ndtri(power)) / 2)
    if reference_rows is None:
        return math.ceil(2 / spread**2)
    if reference_rows <= 0:
        return None
    left = spread**2 - 1 / reference_rows
    return math.ceil(1 / left) if left > 0 else None
