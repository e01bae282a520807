"""Lines of ``out/bench-drift.json``: what was measured, against which goal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.drift_runs import Subject
from bench.runs import Medians

Measures = Mapping[int, Mapping[Subject, Medians]]
"""Rows of each window → subject → its runs."""

TIMES_FASTER = 50
"""Goal at a million rows: so many times faster than Evidently's default."""
MEMORY_SHARE = 0.2
"""Goal at a million rows: at most this share of Evidently's memory."""
LARGEST_S = 15.0
"""Goal for ten million rows against a kept profile, in seconds."""
LAMBDA_MB = 2_048 * 1.048576
"""Memory of the function, in MB of 10⁶ bytes."""
STEADY = 1.15
"""Most that memory may differ between one and ten million rows to be called constant: what the order of
allocations alone does to it."""


def rows_of(measures: Measures, growing: Mapping[int, Medians]) -> list[dict[str, Any]]:
    """Makes the lines.

    Args:
        measures: Pairs of equal windows.
        growing: Current rows → runs against a kept profile of a million rows.

    Returns:
        Lines of ``measure``, ``ours``, ``peer``, ``ratio`` (peer / ours: how many times better), ``goal`` and
        ``holds`` (``None`` without a goal).
    """
    lines = []
    largest = max(measures, default=0)
    for rows, found in measures.items():
        goals = rows == largest == 1_000_000
        for peer in (Subject.EVIDENTLY, Subject.EVIDENTLY_KS, Subject.SCIPY):
            if peer not in found:
                continue
            least = {Subject.EVIDENTLY: TIMES_FASTER, Subject.SCIPY: 1}.get(peer) if goals else None
            lines.append(_line(f"{rows:,} rows, seconds, {peer}", found, peer, "seconds", least))
            least = 1 / MEMORY_SHARE if goals and peer is Subject.EVIDENTLY else None
            lines.append(_line(f"{rows:,} rows, peak MB, {peer}", found, peer, "peak_mb", least))
    return [*lines, *_growing(growing)]


def _line(
    measure: str, found: Mapping[Subject, Medians], peer: Subject, what: str, least: float | None
) -> dict[str, Any]:
    ours, its = getattr(found[Subject.OURS], what), getattr(found[peer], what)
    ratio = its / ours
    return {
        "measure": measure,
        "ours": round(ours, 3),
        "peer": round(its, 3),
        "ratio": round(ratio, 2),
        "goal": None if least is None else f"ratio ≥ {least:g}",
        "holds": None if least is None else ratio >= least,
        "rounds": [found[Subject.OURS].rounds, found[peer].rounds],
    }


def _growing(growing: Mapping[int, Medians]) -> list[dict[str, Any]]:
    lines = []
    for rows, runs in growing.items():
        limit = LARGEST_S if rows == 10_000_000 else None
        lines.append(
            _alone(f"{rows:,} rows against a kept profile, seconds", runs, runs.seconds, limit, "seconds")
        )
        lines.append(
            _alone(f"{rows:,} rows against a kept profile, peak MB", runs, runs.peak_mb, LAMBDA_MB, "MB")
        )
    if len(growing) > 1:
        first, last = growing[min(growing)], growing[max(growing)]
        growth = last.peak_mb / first.peak_mb
        lines.append(
            {
                "measure": f"peak memory at {max(growing):,} rows / at {min(growing):,}",
                "ours": round(growth, 3),
                "peer": None,
                "ratio": None,
                "goal": f"≤ {STEADY:g}",
                "holds": growth <= STEADY,
                "rounds": [last.rounds],
            }
        )
    return lines


def _alone(measure: str, runs: Medians, value: float, limit: float | None, unit: str) -> dict[str, Any]:
    return {
        "measure": measure,
        "ours": round(value, 3),
        "peer": None,
        "ratio": None,
        "goal": None if limit is None else f"≤ {limit:,.0f} {unit}",
        "holds": None if limit is None else value <= limit,
        "rounds": [runs.rounds],
    }
