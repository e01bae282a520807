"""Sample ratio mismatch under continuous monitoring: one alarm level for all looks together.

Under a kept split each unit is B with the probability p in force at it. If one variant's records are lost,
those that are left are B with odds multiplied by some factor r. The likelihood ratio of "odds times r" to
"split kept" is a martingale under the latter, and so is its average over a prior for r::

    E = Σⱼ πⱼ  r_j^(units of B)  /  Πᵢ (1 + (r_j - 1) pᵢ)

By Ville's inequality E ever reaches 1/α with probability at most α, so 1/max E is a p-value that may be
looked at after every record. This is the test of Lindon and Malek, "Anytime-valid inference for multinomial
count data", NeurIPS 2022 (arXiv 2011.03567), with the mixture put on the odds instead of on the shares, so
that one and the same mismatch is recognised under splits that change.

The same test on the records *with outcome*, in the order of their outcomes, asks whether outcomes go
missing, or come late, more often for one variant: if they do not, then the assignments among those that
came are as random as among all.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from contender.domain.experiment.srm import SampleRatio, sample_ratio_of_counts

SPREADS = ((0.7, 0.1), (0.3, 1.0))
"""Prior of ln r: weights and standard deviations of normals about 0. 0.1 is a loss of a tenth, which a
release that breaks one of several clients, or a timeout, makes; 1.0 keeps the test quick for total
losses."""

_MAGNITUDES = np.geomspace(0.004, 4.0, 60)
_LOG_RATIO = np.concatenate([-_MAGNITUDES[::-1], _MAGNITUDES])


def _prior() -> NDArray[np.float64]:
    density = sum(weight / scale * np.exp(-0.5 * (_LOG_RATIO / scale) ** 2) for weight, scale in SPREADS)
    mass = np.asarray(density) * np.gradient(_LOG_RATIO)
    prior: NDArray[np.float64] = mass / mass.sum()
    return prior


_LOG_PRIOR = np.log(_prior())

SEEN_BITS = 2**20
"""Marks for units that were counted. A unit whose mark is taken by another is not counted; since that is no
matter of its variant, the test loses units (a tenth of them at 100,000, 37 % of the next ones at 500,000),
not its level."""


def log_evidence(
    of_b: NDArray[np.int64], counts: NDArray[np.int64], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """``ln E`` against a kept split.

    Args:
        of_b: Shape [...], units assigned to B so far.
        counts: Shape [..., k], units so far under each split.
        shares: Shape [k], the splits, in (0, 1).

    Returns:
        Shape [...]; 0 without units.
    """
    per_unit = np.log1p(np.expm1(_LOG_RATIO) * shares[:, None])
    exponents = _LOG_PRIOR + of_b[..., None] * _LOG_RATIO - counts @ per_unit
    found: NDArray[np.float64] = special.logsumexp(exponents, axis=-1)
    return found


@dataclass(frozen=True, slots=True)
class RatioMonitor:
    """Counts of units by split, and the strongest evidence against the split so far.

    Attributes:
        counts: Probability of B → units assigned to A and to B; probabilities of 0 and 1 say nothing and are
            left out.
        peak: Largest ``ln E`` at any look so far, at least 0.
        seen: Marks of units that were counted and may come back; empty while there are none.
    """

    counts: Mapping[float, tuple[int, int]] = field(default_factory=dict)
    peak: float = 0.0
    seen: bytes = b""

    def add(
        self,
        is_b: NDArray[np.bool_],
        probability_b: NDArray[np.float64],
        unit: NDArray[np.uint64],
        alone: NDArray[np.bool_],
    ) -> RatioMonitor:
        """Takes in further records and looks once.

        Args:
            is_b: Shape [n], in time order.
            probability_b: Shape [n], in [0, 1].
            unit: Shape [n]; each unit counts once, by its first record.
            alone: Shape [n], whether the unit has no other record.
        """
        fresh, seen = _first_records(unit, alone, self.seen)
        fresh &= (probability_b > 0) & (probability_b < 1)
        counts = dict(self.counts)
        # 1 - (1 - p) is not always p: rounding must not make two splits of one.
        shares, code = np.unique(np.round(probability_b[fresh], 12), return_inverse=True)
        of_b = np.bincount(code, is_b[fresh], shares.size)
        for share, all_, b in zip(shares, np.bincount(code, minlength=shares.size), of_b, strict=True):
            before = counts.get(float(share), (0, 0))
            counts[float(share)] = (before[0] + int(all_ - b), before[1] + int(b))
        return RatioMonitor(counts, max(self.peak, _log_evidence(counts)), seen)

    @property
    def p_value(self) -> float:
        """Valid for all looks together, in (0, 1]."""
        return math.exp(-self.peak)

    def result(self, alarm_below: float) -> SampleRatio:
        """Gives the check as it stands; its alarm is that of all looks."""
        return sample_ratio_of_counts(self.counts, self.p_value, alarm_below)

    def to_dict(self) -> dict[str, object]:
        """Gives plain JSON types."""
        return {
            "counts": [[share, a, b] for share, (a, b) in self.counts.items()],
            "peak": self.peak,
            "seen": base64.b64encode(zlib.compress(self.seen)).decode() if self.seen else "",
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, object]) -> RatioMonitor:
        """Reads what :meth:`to_dict` gave. Raises ``KeyError`` and ``TypeError`` for anything else."""
        counts = {float(share): (int(a), int(b)) for share, a, b in document["counts"]}  # type: ignore[attr-defined]
        seen = str(document["seen"])
        return cls(
            counts,
            float(document["peak"]),  # type: ignore[arg-type]
            zlib.decompress(base64.b64decode(seen)) if seen else b"",
        )


class _Fresh(NamedTuple):
    records: NDArray[np.bool_]
    seen: bytes


def _first_records(unit: NDArray[np.uint64], alone: NDArray[np.bool_], seen: bytes) -> _Fresh:
    """Tells which records are the first of their units, and marks these units."""
    if alone.all():
        return _Fresh(alone.copy(), seen)
    marks = np.frombuffer(seen or bytes(SEEN_BITS // 8), dtype=np.uint8).copy()
    fresh = alone.copy()
    mark = (unit % SEEN_BITS).astype(np.intp)
    candidates = np.flatnonzero(~alone)
    taken = (marks[mark[candidates] >> 3] >> (mark[candidates] & 7).astype(np.uint8)) & 1
    candidates = candidates[taken == 0]
    first = np.unique(mark[candidates], return_index=True)[1]
    fresh[candidates[first]] = True
    chosen = mark[candidates[first]]
    np.bitwise_or.at(marks, chosen >> 3, (1 << (chosen & 7)).astype(np.uint8))
    return _Fresh(fresh, marks.tobytes())


def _log_evidence(counts: Mapping[float, tuple[int, int]]) -> float:
    if not counts:
        return 0.0
    shares = np.array(list(counts))
    ab = np.array(list(counts.values()), dtype=np.int64)
    return float(log_evidence(np.array(ab[:, 1].sum()), ab.sum(axis=1), shares))
