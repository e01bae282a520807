"""Guardrails: shares of B's requests that must stay below a limit, watched at every look.

For a share that may be at most q₀, the likelihood ratio of a larger share to q₀ is a supermartingale as
long as the true share is at most q₀, and so is its mean over several larger shares. By Ville's inequality
that mean ever reaches 1/α with probability at most α (Howard, Ramdas, McAuliffe and Sekhon, "Time-uniform
Chernoff bounds via nonnegative supermartingales", Probability Surveys 17, 2020).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contender.domain.experiment.columns import Columns
from contender.domain.experiment.settings import ExperimentSettings
from contender.domain.experiment.wording import p_text

_ODDS_FACTORS = np.geomspace(1.1, 200.0, 24)
"""By how much larger the odds of the alternatives are, from hardly to hopelessly worse."""


class Guardrail(NamedTuple):
    """One guardrail as it stands.

    Attributes:
        name: ``fallbacks`` or ``latency``.
        label: For people.
        limit: Largest allowed share of B's requests.
        share_a: A's share, for comparison; NaN without requests.
        share_b: B's share; NaN without requests.
        p_value: That B keeps the limit, valid for all looks together.
        breached: Whether ``p_value`` is below the alarm, and B does worse than A: what troubles both is no
            fault of B's.
    """

    name: str
    label: str
    limit: float
    share_a: float
    share_b: float
    p_value: float
    breached: bool

    @property
    def remark(self) -> str:
        """Why a share above the limit is no breach; empty where it is not above it, or is one."""
        if self.breached or not self.share_b > self.limit:
            return ""
        if self.share_b <= self.share_a:
            return "above the limit, but A does no better"
        return f"above the limit, which chance may still explain (p {p_text(self.p_value)})"


class Counts(NamedTuple):
    """Requests of each variant, how many of them were bad, and the strongest evidence so far.

    Attributes:
        bad_a: A's bad requests.
        of_a: A's requests.
        bad_b: B's bad requests.
        of_b: B's requests.
        peak: Largest log evidence at any look, at least 0.
    """

    bad_a: int = 0
    of_a: int = 0
    bad_b: int = 0
    of_b: int = 0
    peak: float = 0.0


def limits(settings: ExperimentSettings) -> dict[str, tuple[str, float]]:
    """Guardrail → its label and limit."""
    return {
        "fallbacks": ("B could not answer", settings.fallback_limit),
        "latency": (f"slower than {settings.latency_limit_ms:g} ms", settings.latency_share),
    }


@dataclass(frozen=True, slots=True)
class GuardrailMonitor:
    """Counts of all guardrails.

    Attributes:
        counts: Guardrail → counts.
    """

    counts: Mapping[str, Counts] = field(default_factory=dict)

    def add(self, columns: Columns, settings: ExperimentSettings) -> GuardrailMonitor:
        """Takes in further requests, by assigned variant, and looks once."""
        bad = {"fallbacks": columns.fallback, "latency": columns.latency_ms > settings.latency_limit_ms}
        return GuardrailMonitor(
            {
                name: _counted(self.counts.get(name, Counts()), bad[name], columns.is_b, limit)
                for name, (_, limit) in limits(settings).items()
            }
        )

    def result(self, settings: ExperimentSettings) -> tuple[Guardrail, ...]:
        """Gives the guardrails as they stand."""
        found = []
        for name, (label, limit) in limits(settings).items():
            counts = self.counts.get(name, Counts())
            share_a = counts.bad_a / counts.of_a if counts.of_a else math.nan
            share_b = counts.bad_b / counts.of_b if counts.of_b else math.nan
            p_value = math.exp(-counts.peak)
            breached = p_value < settings.alarm_below and not share_b <= share_a
            found.append(Guardrail(name, label, limit, share_a, share_b, p_value, breached))
        return tuple(found)

    def to_dict(self) -> dict[str, object]:
        """Gives plain JSON types."""
        return {name: list(counts) for name, counts in self.counts.items()}

    @classmethod
    def from_dict(cls, document: Mapping[str, object]) -> GuardrailMonitor:
        """Reads what :meth:`to_dict` gave. Raises ``TypeError`` for anything else."""
        return cls({name: Counts(*counts) for name, counts in document.items()})  # type: ignore[misc]


def log_evidence(bad: int, of: int, limit: float) -> float:
    """Log evidence that the share is above the limit.

    Args:
        bad: In [0, of].
        of: How many.
        limit: In (0, 1).

    Returns:
        Log of the mean likelihood ratio; 0 without data.
    """
    share = limit * _ODDS_FACTORS / (1 - limit + limit * _ODDS_FACTORS)
    ratio = bad * np.log(share / limit) + (of - bad) * np.log((1 - share) / (1 - limit))
    return float(special.logsumexp(ratio) - math.log(ratio.size))


def _counted(before: Counts, bad: NDArray[np.bool_], is_b: NDArray[np.bool_], limit: float) -> Counts:
    after = Counts(
        before.bad_a + int((bad & ~is_b).sum()),
        before.of_a + int((~is_b).sum()),
        before.bad_b + int((bad & is_b).sum()),
        before.of_b + int(is_b.sum()),
    )
    return after._replace(peak=max(before.peak, log_evidence(after.bad_b, after.of_b, limit)))
