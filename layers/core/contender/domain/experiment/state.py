"""An experiment's state: all that its next look needs of all earlier records, in one small document.

An evaluator that runs on a schedule hands over what is new since it last ran, and goes on from where it
stopped: the cost grows with the new records, the state does not grow (some 100 kB, twice that where users
have several requests each).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from contender.domain.experiment.agreement import Agreement
from contender.domain.experiment.columns import Columns, Order
from contender.domain.experiment.guardrails import GuardrailMonitor
from contender.domain.experiment.log import Feed, Log
from contender.domain.experiment.metric_state import MetricState
from contender.domain.experiment.metrics import outcome_scores
from contender.domain.experiment.sequential_ratio import RatioMonitor
from contender.domain.experiment.settings import ExperimentSettings
from contender.errors import BadInput

FORMAT = 2
"""Of the document; a state of another format is not read but begun anew."""

MOST_AT_A_LOOK = 2**16
"""Records of a replay that are in memory at a time: some 15 MB with two classes and shadows."""


@dataclass(frozen=True, slots=True)
class ExperimentState:
    """One experiment (one release with a B) up to its latest look.

    Attributes:
        requests_a: Requests assigned to A.
        requests_b: Requests assigned to B.
        outcomes: Records whose outcome came, with unknown ones.
        first_outcome_at: When the first outcome became known, in epoch seconds; NaN before.
        last_outcome_at: When the latest did.
        first_at: Time of the earliest request whose outcome came, in epoch seconds; NaN before.
        last_at: Time of the latest.
        metrics: Name → its state, in the order in which metrics appeared.
        ratio: Split among requests.
        outcome_ratio: Split among the records with outcome.
        guardrails: Their counts.
        agreement: How far the two models agree, where the log has both answers.
    """

    requests_a: int = 0
    requests_b: int = 0
    outcomes: int = 0
    first_outcome_at: float = math.nan
    last_outcome_at: float = math.nan
    first_at: float = math.nan
    last_at: float = math.nan
    metrics: Mapping[str, MetricState] = field(default_factory=dict)
    ratio: RatioMonitor = field(default_factory=RatioMonitor)
    outcome_ratio: RatioMonitor = field(default_factory=RatioMonitor)
    guardrails: GuardrailMonitor = field(default_factory=GuardrailMonitor)
    agreement: Agreement = field(default_factory=Agreement)

    def advance(
        self, requests: Columns | None, outcomes: Columns | None, settings: ExperimentSettings
    ) -> ExperimentState:
        """Takes in what is new and looks once; gives the new state.

        Each request must be handed over once, and each record once more when its outcome is there; a record
        that comes with its outcome is in both.

        Args:
            requests: New records of the release, in any order; ``None`` for none.
            outcomes: Records whose outcome is new.
            settings: How the experiment is judged; the same at every look.
        """
        state = self
        if requests is not None and len(requests):
            state = state._with_requests(requests.ordered(requests.at), settings)
        if outcomes is not None and len(outcomes):
            state = state._with_outcomes(outcomes.ordered(outcomes.known_at))
        return state

    def _with_requests(self, columns: Columns, settings: ExperimentSettings) -> ExperimentState:
        of_b = int(columns.is_b.sum())
        return replace(
            self,
            requests_a=self.requests_a + len(columns) - of_b,
            requests_b=self.requests_b + of_b,
            ratio=self.ratio.add(columns.is_b, columns.probability_b, columns.unit, columns.alone),
            guardrails=self.guardrails.add(columns, settings),
            agreement=self.agreement.add(columns),
        )

    def _with_outcomes(self, columns: Columns) -> ExperimentState:
        known = columns.known_at
        metrics = dict(self.metrics)
        for scores in outcome_scores(columns):
            before = metrics.get(scores.metric.name, MetricState())
            metrics[scores.metric.name] = before.add(columns, scores)
        return replace(
            self,
            outcomes=self.outcomes + len(columns),
            first_outcome_at=float(np.fmin(self.first_outcome_at, known[0])),
            last_outcome_at=float(np.fmax(self.last_outcome_at, known[-1])),
            first_at=float(np.fmin(self.first_at, columns.at.min())),
            last_at=float(np.fmax(self.last_at, columns.at.max())),
            metrics=metrics,
            outcome_ratio=self.outcome_ratio.add(
                columns.is_b, columns.probability_b, columns.unit, columns.alone
            ),
        )

    def to_dict(self) -> dict[str, object]:
        """Gives plain JSON types."""
        return {
            "format": FORMAT,
            "requests": [self.requests_a, self.requests_b],
            "outcomes": self.outcomes,
            "outcome_at": [_null(self.first_outcome_at), _null(self.last_outcome_at)],
            "at": [_null(self.first_at), _null(self.last_at)],
            "metrics": {name: state.to_dict() for name, state in self.metrics.items()},
            "ratio": self.ratio.to_dict(),
            "outcome_ratio": self.outcome_ratio.to_dict(),
            "guardrails": self.guardrails.to_dict(),
            "agreement": list(self.agreement),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> ExperimentState:
        """Reads what :meth:`to_dict` gave. Raises ``BadInput`` for anything else."""
        try:
            if document["format"] != FORMAT:
                raise ValueError(f"format {document['format']}")
            first, last = document["outcome_at"]
            first_at, last_at = document["at"]
            of_a, of_b = document["requests"]
            return cls(
                requests_a=of_a,
                requests_b=of_b,
                outcomes=document["outcomes"],
                first_outcome_at=_nan(first),
                last_outcome_at=_nan(last),
                first_at=_nan(first_at),
                last_at=_nan(last_at),
                metrics={name: MetricState.from_dict(state) for name, state in document["metrics"].items()},
                ratio=RatioMonitor.from_dict(document["ratio"]),
                outcome_ratio=RatioMonitor.from_dict(document["outcome_ratio"]),
                guardrails=GuardrailMonitor.from_dict(document["guardrails"]),
                agreement=Agreement(*document["agreement"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput.of(
                "state", f"is no state of format {FORMAT} ({error!r})", "begin anew from the export"
            ) from error


def replay(log: Log, settings: ExperimentSettings, looks: int = 100) -> ExperimentState:
    """Looks at a whole experiment again as if it had been evaluated while it ran.

    Args:
        log: All its records.
        settings: How it is judged.
        looks: After how many equal parts of its outcomes; more where these would have more than
            ``MOST_AT_A_LOOK``.

    Returns:
        The state after the last look.
    """
    looks = max(looks, -(-log.told // MOST_AT_A_LOOK))
    sizes = [part.size for part in np.array_split(np.empty(log.told), max(1, min(looks, log.told)))]
    asked, told = Feed(log.batches(Order.ASKED)), Feed(log.batches(Order.TOLD))
    state = ExperimentState()
    for size in sizes:
        outcomes = told.take(size)
        until = math.inf if outcomes is None else float(outcomes.known_at[-1])
        requests: Columns | None = None
        for part in asked.until(until, MOST_AT_A_LOOK):
            if requests is not None:
                state = state.advance(requests, None, settings)
            requests = part
        state = state.advance(requests, outcomes, settings)
    for part in asked.until(math.inf, MOST_AT_A_LOOK):
        state = state.advance(part, None, settings)
    return state


def _null(value: float) -> float | None:
    return None if math.isnan(value) else value


def _nan(value: float | None) -> float:
    return math.nan if value is None else value
