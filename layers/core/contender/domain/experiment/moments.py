"""Sufficient statistics of a mean."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean and sum of squared deviations of some numbers.

    They are all that an interval for a mean needs, and those of two parts merge into those of the
    whole, so that an evaluation may read only what is new.

    Attributes:
        count: How many numbers.
        mean: Their mean; 0 when there are none.
        m2: Sum of squared deviations from the mean, ``Σ (x - mean)²``.
    """

    count: int = 0
    mean: float = 0.0
    m2: float = 0.0

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Moments:
        """Summarises an array of any length; NaN in, NaN out."""
        if values.size == 0:
            return cls()
        mean = float(values.mean())
        return cls(int(values.size), mean, float(np.square(values - mean).sum()))

    def merge(self, other: Moments) -> Moments:
        """Gives the moments of both samples together.

        ``M2 = M2₁ + M2₂ + δ² n₁ n₂ / (n₁ + n₂)`` with ``δ = mean₂ - mean₁``: Chan, Golub and LeVeque,
        "Algorithms for computing the sample variance", The American Statistician 37 (1983).
        """
        count = self.count + other.count
        if count == 0:
            return self
        delta = other.mean - self.mean
        mean = self.mean + delta * other.count / count
        return Moments(count, mean, self.m2 + other.m2 + delta * delta * self.count * other.count / count)

    @property
    def variance(self) -> float:
        """Unbiased sample variance; NaN below two numbers."""
        return self.m2 / (self.count - 1) if self.count > 1 else math.nan

    @property
    def variance_of_mean(self) -> float:
        """Estimated variance of the mean; NaN below two numbers."""
        return self.variance / self.count if self.count > 1 else math.nan
