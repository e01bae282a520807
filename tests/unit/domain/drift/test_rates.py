"""Error rates by simulation, at a reduced size and with wide bounds."""

import numpy as np
import pytest

from contender.domain.dataset import Kind
from contender.domain.drift import (
    CategoricalSample,
    DriftSettings,
    NumericSample,
    Verdict,
    judge_window,
)

SETTINGS = DriftSettings()
NUMERIC = [f"n{i}" for i in range(10)]
SHARES = {f"c{i}": np.array([0.1, *np.geomspace(1, 0.02, 4 + 3 * i)]) for i in range(5)}
FEATURES = {**dict.fromkeys(NUMERIC, Kind.NUMERIC), **dict.fromkeys(SHARES, Kind.CATEGORICAL)}


def window(generator, rows, moved=0.0, grown=0.1, missing=0.0):
    """Draws 10 numeric columns of various shapes and 5 categorical ones; the first of each may drift."""
    columns = {}
    for index, name in enumerate(NUMERIC):
        values = generator.normal(size=rows)
        if index % 3 == 1:
            values = np.exp(values)
        elif index % 3 == 2:
            values = values.round(1)
        if name == "n0":
            values += moved
        if name == "n3":
            values[generator.random(rows) < missing] = np.nan
        columns[name] = NumericSample(values)
    for name, weights in SHARES.items():
        first = grown if name == "c0" else 0.1
        shares = np.concatenate([[first], (1 - first) * weights[1:] / weights[1:].sum()])
        counts = generator.multinomial(rows, shares)
        columns[name] = CategoricalSample({f"v{i}": int(n) for i, n in enumerate(counts) if n})
    return columns


def verdicts(generator, repetitions, rows, **drift):
    return [
        judge_window(window(generator, rows), window(generator, rows, **drift), FEATURES, SETTINGS).verdict
        for _ in range(repetitions)
    ]


@pytest.mark.parametrize(("rows", "repetitions"), [(200, 80), (2_000, 120), (20_000, 20)])
def test_false_alarms_are_rare(rows, repetitions):
    seen = verdicts(np.random.default_rng(rows), repetitions, rows)

    quiet = Verdict.INSUFFICIENT_DATA if rows == 200 else Verdict.NO_DRIFT
    assert seen.count(Verdict.DRIFT) <= 0.02 * repetitions
    assert seen.count(quiet) >= 0.98 * repetitions


@pytest.mark.parametrize("drift", [{"moved": 0.5}, {"grown": 0.25}, {"missing": 0.1}])
def test_planted_shifts_are_found(drift):
    seen = verdicts(np.random.default_rng(11), 60, 2_000, **drift)

    assert seen.count(Verdict.DRIFT) >= 58


def test_shifts_below_the_threshold_are_not_called_drift_at_a_million_rows():
    generator = np.random.default_rng(3)
    rows = 1_000_000
    old, new = generator.normal(size=rows), generator.normal(0.22, size=rows)  # D = 0.088
    new[: rows // 25] = np.nan  # 4 %
    reference = {"x": NumericSample(old), "c": CategoricalSample({"a": 500_000, "b": 500_000})}
    current = {"x": NumericSample(new), "c": CategoricalSample({"a": 405_000, "b": 550_000, "z": 45_000})}

    report = judge_window(reference, current, {"x": Kind.NUMERIC, "c": Kind.CATEGORICAL}, DriftSettings())

    assert report.verdict is Verdict.NO_DRIFT
    tests = [finding for column in report.columns for finding in column.evidence.findings]
    assert sum(finding.adjusted_p < 1e-100 for finding in tests) == 4  # all but c's missing share
