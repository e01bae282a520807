"""The runs of the analysis benchmark, whether both sides say the same, and the lines they make."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from bench.analysis_data import FILE_RECORDS, file_name
from bench.report import Line
from bench.runs import Medians, Run, our_environment, run_process
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
    """Makes the data files for so many records. Raises ``subprocess.CalledProcessError``."""
    names = [number for number in range(records // FILE_RECORDS) if not (folder / file_name(number)).exists()]
    command = [sys.executable, "-m", "bench.analysis_data", str(folder)]
    parts = [[*command, *map(str, names[part::WRITERS])] for part in range(WRITERS) if names[part::WRITERS]]
    writers = [subprocess.Popen(part, env=our_environment("TMPDIR"), cwd=ROOT) for part in parts]
    try:
        for writer in writers:
            if writer.wait():
                raise subprocess.CalledProcessError(writer.returncode, "bench.analysis_data")
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()


def run_once(subject: Subject, export: Path) -> Run:
    """Analyses an export once in a fresh process. Raises ``ContenderError`` when that fails."""
    command = (
        [sys.executable, "-m", "bench.analysis_ours", str(export)]
        if subject is Subject.OURS
        else [str(PEERS_PYTHON), str(PEER), str(export)]
    )
    return run_process(subject, command, our_environment("TMPDIR"), "make bench-analysis")


def disagreements(found: Mapping[Subject, Medians]) -> list[str]:
    """Compares what both sides say of one export.

    Args:
        found: Who → runs; both.

    Returns:
        What differs, in words. Empty when: counts and verdict are equal; metrics by variant, differences
        within epochs with their intervals, the confidence sequence and the sample ratio agree within
        ``EXACT``; each AUC within the bound that ours states, or within ``EXACT`` where it is 0; and
        latencies within the rounding that ours states.
    """
    ours, peer = (found[subject].answers for subject in (Subject.OURS, Subject.PEER))
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
            lines.append(
                {
                    "measure": f"{records:,} records, {unit}",
                    "ours": round(mine, 3),
                    "peer": None if its is None else round(its, 3),
                    "ratio": None if its is None else round(its / mine, 2),
                    "goal": None if goal is None else f"ratio ≥ {goal}",
                    "holds": None if goal is None or its is None else its >= goal * mine,
                    "rounds": ours.rounds,
                }
            )
    if len(measures) > 1:
        growth = measures[max(measures)][Subject.OURS].peak_mb / measures[min(measures)][Subject.OURS].peak_mb
        lines.append(
            {
                "measure": f"peak memory at {max(measures):,} records / at {min(measures):,}",
                "ours": round(growth, 3),
                "peer": None,
                "ratio": None,
                "goal": f"≤ {STEADY:g}",
                "holds": growth <= STEADY,
                "rounds": measures[max(measures)][Subject.OURS].rounds,
            }
        )
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
