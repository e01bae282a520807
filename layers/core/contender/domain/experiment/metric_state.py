"""What is kept of one metric of an experiment between two looks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from contender.domain.experiment.columns import Columns
from contender.domain.experiment.metrics import Scores
from contender.domain.experiment.moments import Moments
from contender.domain.experiment.sequence import Forecast, RunningEstimate, served_increments

MAX_POINTS = 256
"""Points kept of the course of an estimate; beyond it every other one is dropped: enough for a curve."""


class Point(NamedTuple):
    """An estimate at one look.

    Attributes:
        at: Time of the latest outcome, in epoch seconds.
        outcomes: How many so far.
        value: B - A.
        standard_error: Of it.
        information: ``Σ w``.
        epoch: Latest version of the split among the outcomes.
    """

    at: float
    outcomes: int
    value: float
    standard_error: float
    information: float
    epoch: int


@dataclass(frozen=True, slots=True)
class MetricState:
    """All that is kept of a metric.

    Attributes:
        outcomes: How many had a score.
        a: Scores of A's outcomes, where B had a chance too: others say nothing of the difference.
        b: The same of B.
        served: The A/B comparison.
        paired: The comparison on the same requests.
        gap: The A/B comparison less the paired one, with the A/B comparison's weights: 0 on average as long
            as outcomes do not depend on what was predicted.
        forecast: Of the score.
        course: The A/B comparison at each look so far, thinned.
        paired_course: The same of the paired comparison.
    """

    outcomes: int = 0
    a: Moments = field(default_factory=Moments)
    b: Moments = field(default_factory=Moments)
    served: RunningEstimate = field(default_factory=RunningEstimate)
    paired: RunningEstimate = field(default_factory=RunningEstimate)
    gap: RunningEstimate = field(default_factory=RunningEstimate)
    forecast: Forecast = field(default_factory=Forecast)
    course: tuple[Point, ...] = ()
    paired_course: tuple[Point, ...] = ()

    def add(self, columns: Columns, scores: Scores) -> MetricState:
        """Takes in scores of further outcomes, in the order in which they became known."""
        known = ~np.isnan(scores.served)
        own, columns = scores.served[known], columns if known.all() else columns.take(known)
        if not own.size:
            return self
        is_b, p, unit, alone = columns.is_b, columns.probability_b, columns.unit, columns.alone
        chance = (p > 0) & (p < 1)
        x, w, forecast = served_increments(own[chance], is_b[chance], p[chance], self.forecast)
        served = self.served.add(x, w, unit[chance], alone[chance])
        paired, gap = self.paired, self.gap
        if scores.shadow is not None:
            other = scores.shadow[known]
            lead = np.where(columns.served_b, own - other, other - own)
            both, here = ~np.isnan(lead), ~np.isnan(lead[chance])
            paired = paired.add(lead[both], np.ones(int(both.sum())), unit[both], alone[both])
            apart = (x - w * lead[chance])[here]
            gap = gap.add(apart, w[here], unit[chance][here], alone[chance][here])
        at, epoch = float(columns.known_at.max()), int(columns.epoch.max())
        return MetricState(
            self.outcomes + int(own.size),
            self.a.merge(Moments.of(own[~is_b & chance])),
            self.b.merge(Moments.of(own[is_b & chance])),
            served,
            paired,
            gap,
            forecast,
            _extended(self.course, served, at, epoch),
            _extended(self.paired_course, paired, at, epoch),
        )

    def to_dict(self) -> dict[str, object]:
        """Gives plain JSON types."""
        return {
            "outcomes": self.outcomes,
            "a": [self.a.count, self.a.mean, self.a.m2],
            "b": [self.b.count, self.b.mean, self.b.m2],
            "served": self.served.to_dict(),
            "paired": self.paired.to_dict(),
            "gap": self.gap.to_dict(),
            "forecast": list(self.forecast),
            "course": [list(point) for point in self.course],
            "paired_course": [list(point) for point in self.paired_course],
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> MetricState:
        """Reads what :meth:`to_dict` gave."""
        return cls(
            outcomes=int(document["outcomes"]),
            a=Moments(*document["a"]),
            b=Moments(*document["b"]),
            **{name: RunningEstimate.from_dict(document[name]) for name in ("served", "paired", "gap")},
            forecast=Forecast(*document["forecast"]),
            course=tuple(Point(*point) for point in document["course"]),
            paired_course=tuple(Point(*point) for point in document["paired_course"]),
        )


def _extended(
    course: tuple[Point, ...], estimate: RunningEstimate, at: float, epoch: int
) -> tuple[Point, ...]:
    error = estimate.standard_error
    if math.isnan(error):
        return course
    if len(course) >= MAX_POINTS:
        course = course[1::2]
    epoch = max(epoch, course[-1].epoch) if course else epoch
    return (*course, Point(at, estimate.count, estimate.value, error, estimate.w, epoch))
