"""Who is measured, each run in a fresh process, and whether all of them gave the same answers."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from scipy.stats import kstwo

from bench.drift_columns import DRIFTED, FEATURES
from bench.runs import Medians, Run, run_process
from contender.domain.drift import DriftSettings
from infra.local.tools import ROOT

PEERS_PYTHON = ROOT / ".venv-bench/bin/python"
PEERS = ROOT / "bench/drift_peers.py"
BUCKET = "bench"
EXACT_P_UP_TO, EXACT_P_TOLERANCE = 10_000, 0.01
"""Rows up to which SciPy, left to itself, computes exact p-values instead of asymptotic ones, and how far
those may be apart."""


class Subject(StrEnum):
    """Who is measured."""

    OURS = "contender"
    OURS_KEPT = "contender, reference profile kept"
    SCIPY = "scipy"
    EVIDENTLY_KS = "evidently-ks"
    EVIDENTLY = "evidently"


def run_once(
    subject: Subject, endpoint: str, windows: Mapping[str, Sequence[str]], env: Mapping[str, str]
) -> Run:
    """Runs a subject once.

    Args:
        subject: Who.
        endpoint: URL of the S3 that holds the windows.
        windows: ``reference`` and ``current`` → keys.
        env: Environment of the process; it needs credentials for the S3.

    Raises:
        ContenderError: When the process fails.
    """
    asked = json.dumps({**windows, "keep": subject is Subject.OURS_KEPT})
    if subject in (Subject.OURS, Subject.OURS_KEPT):
        command = [sys.executable, "-m", "bench.drift_ours", endpoint, BUCKET, asked]
        paths = os.pathsep.join(str(path) for path in (ROOT, ROOT / "layers/core"))
        env = {**env, "PYTHONPATH": paths, "MALLOC_ARENA_MAX": "2"}  # as template.yaml sets it
    else:
        command = [str(PEERS_PYTHON), str(PEERS), subject.value, endpoint, BUCKET, asked]
    return run_process(subject, command, env, "make bench-drift")


def disagreements(found: Mapping[Subject, Medians]) -> list[str]:
    """Compares the answers of all subjects on one pair of windows.

    Args:
        found: Subject → its runs; ours among them.

    Returns:
        What differs, in words. Empty when: ours found the planted drift and nothing else, and said
        so with a kept profile too; each D of SciPy lies between ours and ours + its bound (within
        1e-9 where ours is exact), and gives the same verdict by our rule; Evidently's p-values of KS lie
        between those of the two ends; and Evidently found what was planted.
    """
    ours = found[Subject.OURS].answers["columns"]
    wrong = []
    drifted = {name for name, column in ours.items() if column["drifted"]}
    if drifted != set(DRIFTED):
        wrong.append(f"ours called {sorted(drifted)} drifted, planted were {sorted(DRIFTED)}")
    if Subject.OURS_KEPT in found and found[Subject.OURS_KEPT].answers["columns"] != ours:
        wrong.append("ours answered otherwise with a kept profile")
    if Subject.SCIPY in found:
        wrong += _against_scipy(ours, found[Subject.SCIPY].answers["columns"])
    for subject in (Subject.EVIDENTLY_KS, Subject.EVIDENTLY):
        if subject not in found:
            continue
        theirs = found[subject].answers["columns"]
        missed = [name for name in DRIFTED if not theirs[name]["drifted"]]
        if missed:
            wrong.append(f"{subject} did not find {missed}")
        if subject is Subject.EVIDENTLY_KS:
            wrong += [
                f"{subject}'s p of {name} is {theirs[name]['value']}, ours from {low} to {high}"
                for name, (low, high) in _p_values(ours).items()
                if not low <= theirs[name]["value"] <= high
            ]
    return wrong


def _against_scipy(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    settings, wrong = DriftSettings(), []
    for name, test in theirs.items():
        column = ours[name]
        if not -1e-9 <= test["statistic"] - column["statistic"] <= column["bound"] + 1e-9:
            wrong.append(f"D of {name} is {test['statistic']} by SciPy, {column['statistic']} by ours")
        drifts = test["statistic"] >= settings.ks_effect and test["p_value"] < settings.alpha
        if drifts is not column["drifted"]:
            wrong.append(f"{name} by our rule on SciPy's numbers: {drifts}, by ours: {column['drifted']}")
    return wrong


def _p_values(ours: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Gives the least and the largest p-value of each numeric column, its D being known up to a bound."""
    ends = {}
    for name, column in ours.items():
        if FEATURES[name] == "numeric":
            n, m = column["sizes"]
            least = float(kstwo.sf(column["statistic"] + column["bound"], round(n * m / (n + m))))
            tolerance = EXACT_P_TOLERANCE if max(n, m) <= EXACT_P_UP_TO else 1e-9
            ends[name] = (least - tolerance, column["p_value"] + tolerance)
    return ends
