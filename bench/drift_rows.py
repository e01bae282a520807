"""Lines of ``out/bench-drift.json``: what was measured, against which goal."""

from __future__ import annotations

from collections.abc import Mapping

from bench.drift_runs import Subject
from bench.report import Line, line
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


def rows_of(measures: Measures, growing: Mapping[int, Medians]) -> list[Line]:
    """Makes the lines.

    Args:
        measures: Pairs of equal windows.
        growing: Current rows → runs against a kept profile of a million rows.

    Returns:
        Lines, see :func:`bench.report.line`; ``ratio`` is peer / ours: how many times better.
    """
    lines = []
    largest = max(measures, default=0)
    for rows, found in measures.items():
        goals = rows == largest == 1_000_000
        peers = [peer for peer in (Subject.EVIDENTLY, Subject.EVIDENTLY_KS, Subject.SCIPY) if peer in found]
        for peer in peers:
            least: float | None = (
                {Subject.EVIDENTLY: TIMES_FASTER, Subject.SCIPY: 1}.get(peer) if goals else None
            )
            lines.append(_beside(f"{rows:,} rows, seconds, {peer}", found, peer, "seconds", least))
            least = 1 / MEMORY_SHARE if goals and peer is Subject.EVIDENTLY else None
            lines.append(_beside(f"{rows:,} rows, peak MB, {peer}", found, peer, "peak_mb", least))
        # Beside a peer ours stand in its lines already.
        for subject in (Subject.OURS_KEPT,) if peers else (Subject.OURS, Subject.OURS_KEPT):
            if subject in found:
                runs = found[subject]
                lines.append(_alone(f"{rows:,} rows, seconds, {subject}", runs, runs.seconds))
                lines.append(_alone(f"{rows:,} rows, peak MB, {subject}", runs, runs.peak_mb))
    return [*lines, *_growing(growing)]


def _beside(
    measure: str, found: Mapping[Subject, Medians], peer: Subject, what: str, least: float | None
) -> Line:
    ours, its = getattr(found[Subject.OURS], what), getattr(found[peer], what)
    goal, holds = (None, None) if least is None else (f"ratio ≥ {least:g}", its / ours >= least)
    return line(measure, ours, its, goal=goal, holds=holds, rounds=found[Subject.OURS].rounds)


def _growing(growing: Mapping[int, Medians]) -> list[Line]:
    lines = []
    for rows, runs in growing.items():
        against, limit = f"{rows:,} rows against a kept profile", LARGEST_S if rows == 10_000_000 else None
        lines.append(_alone(f"{against}, seconds", runs, runs.seconds, limit, "seconds"))
        lines.append(_alone(f"{against}, peak MB", runs, runs.peak_mb, LAMBDA_MB, "MB"))
    if len(growing) > 1:
        first, last = growing[min(growing)], growing[max(growing)]
        measure = f"peak memory at {max(growing):,} rows / at {min(growing):,}"
        growth, goal = last.peak_mb / first.peak_mb, f"≤ {STEADY:g}"
        lines.append(line(measure, growth, goal=goal, holds=growth <= STEADY, rounds=last.rounds))
    return lines


def _alone(measure: str, runs: Medians, value: float, limit: float | None = None, unit: str = "") -> Line:
    goal, holds = (None, None) if limit is None else (f"≤ {limit:,.0f} {unit}", value <= limit)
    return line(measure, value, goal=goal, holds=holds, rounds=runs.rounds)
