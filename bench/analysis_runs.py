"""The runs of the analysis benchmark, whether both sides say the same, and the lines they make."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from bench.analysis_data import FILE_RECORDS, file_name
from bench.report import Line, line
from bench.runs import Medians, Run, check_ended, kept_environment, our_environment, run_process
from infra.local.tools import ROOT

PEERS_PYTHON = ROOT / ".venv-bench-models/bin/python"
PEER = ROOT / "bench/analysis_peer.py"
WRITERS = 2
"""Processes that make data at a time."""
TIMES_FASTER = 5
"""Goal at a million records."""
STEADY = 1.15
"""Most that memory may differ between the smallest and the largest export to be called constant: what the
order of allocations in several threads alone does to it."""
EXACT = 1e-9
"""How far numbers may be apart that both sides compute exactly: only by the order of additions."""


class Subject(StrEnum):
    """Who is measured."""

    OURS = "contender"
    PEER = "TypeDeserializer and pandas"


Measures = Mapping[int, Mapping[Subject, Medians]]
"""Records → who → runs; the peer may be missing."""


def write_data(folder: Path, records: int) -> None:
    """Makes the data files for so many records. Raises ``ContenderError`` with the cause when that fails."""
    names = [number for number in range(records // FILE_RECORDS) if not (folder / file_name(number)).exists()]
    command = [sys.executable, "-m", "bench.analysis_data", str(folder)]
    parts = [[*command, *map(str, names[part::WRITERS])] for part in range(WRITERS) if names[part::WRITERS]]
    env = our_environment("TMPDIR")
    writers = [subprocess.Popen(part, env=env, cwd=ROOT, stderr=subprocess.PIPE, text=True) for part in parts]
    try:
        for writer in writers:
            _, complaint = writer.communicate()
            check_ended("making the records", writer.returncode, complaint)
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()


def run_once(subject: Subject, export: Path) -> Run:
    """Analyses an export once in a fresh process. Raises ``ContenderError`` when that fails."""
    if subject is Subject.OURS:
        command, env = [sys.executable, "-m", "bench.analysis_ours", str(export)], our_environment("TMPDIR")
    else:
        command, env = [str(PEERS_PYTHON), str(PEER), str(export)], kept_environment("TMPDIR")
    return run_process(subject, command, env, "make bench-analysis")


def disagreements(found: Mapping[Subject, Medians]) -> list[str]:
    """Compares what both sides say of one export, in every round.

    Args:
        found: Who → runs; both, and as many of each.

    Returns:
        What differs, in words. Empty when: counts and verdict are equal; metrics by variant, differences
        within epochs with their intervals, the confidence sequence and the sample ratio agree within
        ``EXACT``; each AUC within the bound that ours states, or within ``EXACT`` where it is 0; and
        latencies within the rounding that ours states.
    """
    rounds = zip(found[Subject.OURS].answers, found[Subject.PEER].answers, strict=True)
    return list(dict.fromkeys(text for ours, peer in rounds for text in _of_round(ours, peer)))


def _of_round(ours: Mapping[str, Any], peer: Mapping[str, Any]) -> list[str]:
    wrong = [
        f"{name}: ours {ours[name]}, peer {peer[name]}"
        for name in ("requests", "outcomes", "verdict")
        if ours[name] != peer[name]
    ]
    tolerances = {"metrics/auc": ours["auc_bound"] + EXACT, "latency": ours["latency_error"] * 1e3 + EXACT}
    mine, its = (_numbers({name: side[name] for name in _COMPARED}) for side in (ours, peer))
    if mine.keys() != its.keys():
        return [*wrong, f"only one side has {sorted(mine.keys() ^ its.keys())}"]
    for name, value in mine.items():
        tolerance = next((most for start, most in tolerances.items() if name.startswith(start)), EXACT)
        if not abs(value - its[name]) <= tolerance:
            wrong.append(f"{name}: ours {value}, peer {its[name]}")
    return wrong


def lines_of(measures: Measures) -> list[Line]:
    """Makes the lines of ``out/bench-analysis.json``; ``ratio`` is peer / ours."""
    lines: list[Line] = []
    for records, found in measures.items():
        ours, peer = found[Subject.OURS], found.get(Subject.PEER)
        for what, unit in (("seconds", "seconds"), ("cpu_s", "CPU seconds"), ("peak_mb", "peak MB")):
            mine = getattr(ours, what)
            its = None if peer is None else getattr(peer, what)
            goal = TIMES_FASTER if what == "seconds" and records == 1_000_000 and its is not None else None
            told = None if goal is None else f"ratio ≥ {goal}"
            holds = None if goal is None or its is None else its >= goal * mine
            measure = f"{records:,} records, {unit}"
            lines.append(line(measure, mine, its, goal=told, holds=holds, rounds=ours.rounds))
    if len(measures) > 1:
        first, last = (measures[records][Subject.OURS] for records in (min(measures), max(measures)))
        growth = last.peak_mb / first.peak_mb
        measure = f"peak memory at {max(measures):,} records / at {min(measures):,}"
        lines.append(line(measure, growth, goal=f"≤ {STEADY:g}", holds=growth <= STEADY, rounds=last.rounds))
    return lines


_COMPARED = ("metrics", "differences", "sequence", "sample_ratio_z", "latency")


def _numbers(value: Any, name: str = "") -> dict[str, float]:
    """Flattens nested answers: ``metrics/auc/A`` → number."""
    if isinstance(value, Mapping):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)  # type: ignore[assignment]
    else:
        return {name: value}
    return {
        key: number
        for part, member in parts
        for key, number in _numbers(member, f"{name}/{part}" if name else str(part)).items()
    }
