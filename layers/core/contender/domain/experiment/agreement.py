"""How far the two models agree on the same requests: known before any outcome has come."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from contender.domain.dataset import Task
from contender.domain.experiment.columns import Columns


class Agreement(NamedTuple):
    """Sums over the requests that both models answered.

    Attributes:
        requests: All requests of the experiment.
        pairs: Those with both answers.
        same: Pairs with the same label (for regression, the same number).
        distance: Sum of the distance of the answers: for regression ``|B - A|``, for classification with
            probabilities the total variation ``½ Σ |p_B - p_A|``.
        lead: Sum of B's number less A's; regression only.
    """

    requests: int = 0
    pairs: int = 0
    same: int = 0
    distance: float = 0.0
    lead: float = 0.0

    def add(self, columns: Columns) -> Agreement:
        """Takes in further requests."""
        both = columns.has_shadow
        own, other = columns.predicted[both], columns.shadow_predicted[both]
        lead = 0.0
        if columns.task is Task.REGRESSION:
            ahead = np.where(columns.served_b[both], own - other, other - own)
            distance, lead = float(np.nansum(np.abs(ahead))), float(np.nansum(ahead))
        elif columns.shadow_probabilities.shape[1] and columns.probabilities.shape[1]:
            apart = np.abs(columns.probabilities[both] - columns.shadow_probabilities[both])
            distance = float(np.nansum(apart)) / 2
        else:
            distance = float((own != other).sum())
        return Agreement(
            self.requests + len(columns),
            self.pairs + int(both.sum()),
            self.same + int((own == other).sum()),
            self.distance + distance,
            self.lead + lead,
        )

    @property
    def share(self) -> float:
        """Share of requests with both answers; NaN without requests."""
        return self.pairs / self.requests if self.requests else math.nan

    @property
    def same_share(self) -> float:
        """Share of pairs that agree; NaN without pairs."""
        return self.same / self.pairs if self.pairs else math.nan

    @property
    def mean_distance(self) -> float:
        """Mean distance of the answers; NaN without pairs."""
        return self.distance / self.pairs if self.pairs else math.nan
