"""Who is measured, each run in a fresh process, and whether all of them gave the same answers."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import numpy as np
from scipy.stats import kstwo

from bench.drift_columns import DRIFTED, FEATURES
from bench.runs import Medians, Run, our_environment, run_process
from contender.domain.drift import DriftSettings
from infra.local.tools import ROOT

PEERS_PYTHON = ROOT / ".venv-bench/bin/python"
PEERS = ROOT / "bench/drift_peers.py"
BUCKET = "bench"
EXACT_P_UP_TO, EXACT_P_TOLERANCE = 10_000, 0.01
"""Rows up to which SciPy, left to itself, computes exact p-values instead of asymptotic ones, and how far
those may be apart."""
EXACT = 1e-9
"""How far numbers may be apart that both sides compute exactly, beside the same share of themselves: only by
the order of additions."""


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
        env: Environment of the process, with credentials for the S3 and without our packages.

    Raises:
        ContenderError: When the process fails.
    """
    asked = json.dumps({**windows, "keep": subject is Subject.OURS_KEPT})
    env = {**env, "MALLOC_ARENA_MAX": "2"}  # as template.yaml sets it for the function; the same for all
    if subject in (Subject.OURS, Subject.OURS_KEPT):
        command = [sys.executable, "-m", "bench.drift_ours", endpoint, BUCKET, asked]
        env = {**env, **our_environment()}
    else:
        command = [str(PEERS_PYTHON), str(PEERS), subject.value, endpoint, BUCKET, asked]
    return run_process(subject, command, env, "make bench-drift")


def categories_by_scipy(
    endpoint: str, windows: Mapping[str, Sequence[str]], env: Mapping[str, str]
) -> Mapping[str, Any]:
    """Gives SciPy's numbers for the categorical columns: it is not measured. See :func:`run_once`."""
    command = [str(PEERS_PYTHON), str(PEERS), "categories", endpoint, BUCKET, json.dumps(windows)]
    columns: Mapping[str, Any] = run_process("scipy", command, env, "make bench-drift").answers["columns"]
    return columns


def disagreements(found: Mapping[Subject, Medians], categories: Mapping[str, Any] | None = None) -> list[str]:
    """Compares the answers of all subjects on one pair of windows, in every round.

    Args:
        found: Subject → its runs, as many of each; ours among them.
        categories: What :func:`categories_by_scipy` says of the same windows, if it was asked.

    Returns:
        What differs, in words. Empty when: ours found the planted drift and nothing else, and said
        so with a kept profile too; each D of SciPy lies between ours and ours + its bound (within
        1e-9 where ours is exact), and gives the same verdict by our rule; chi-squared, its p-value and the
        total variation are SciPy's (within ``EXACT``) where no category is so rare that ours pools it;
        Evidently's p-values of KS lie between those of the two ends; and Evidently found what was planted.
    """
    rounds = zip(*(runs.answers for runs in found.values()), strict=True)
    columns = (
        {subject: answers["columns"] for subject, answers in zip(found, each, strict=True)} for each in rounds
    )
    return list(dict.fromkeys(text for each in columns for text in _of_round(each, categories or {})))


def unplanted(runs: Medians) -> list[str]:
    """Says where ours called something else drifted than what was planted, in any round."""
    return list(dict.fromkeys(text for each in runs.answers for text in _planted(each["columns"])))


def _planted(ours: Mapping[str, Any]) -> list[str]:
    drifted = {name for name, column in ours.items() if column["drifted"]}
    if drifted == set(DRIFTED):
        return []
    return [f"ours called {sorted(drifted)} drifted, planted were {sorted(DRIFTED)}"]


def _of_round(columns: Mapping[Subject, Mapping[str, Any]], categories: Mapping[str, Any]) -> list[str]:
    ours = columns[Subject.OURS]
    wrong = _planted(ours)
    if Subject.OURS_KEPT in columns and columns[Subject.OURS_KEPT] != ours:
        wrong.append("ours answered otherwise with a kept profile")
    if Subject.SCIPY in columns:
        wrong += _against_scipy(ours, columns[Subject.SCIPY])
    wrong += _of_categories(ours, categories)
    for subject in (Subject.EVIDENTLY_KS, Subject.EVIDENTLY):
        if subject not in columns:
            continue
        theirs = columns[subject]
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


def _of_categories(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    fewest, wrong = DriftSettings().min_expected, []
    for name, test in theirs.items():
        if test["least_expected"] < fewest:
            continue  # ours pools rare categories, SciPy does not
        for what in ("statistic", "p_value", "effect"):
            if not np.isclose(ours[name][what], test[what], rtol=EXACT, atol=EXACT):
                wrong.append(f"{what} of {name} is {test[what]} by SciPy, {ours[name][what]} by ours")
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
