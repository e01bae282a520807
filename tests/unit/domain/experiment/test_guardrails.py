"""Guardrails: shares that must stay below a limit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from contender.domain.experiment import ExperimentSettings
from contender.domain.experiment.guardrails import GuardrailMonitor, log_evidence
from tests.support.observations import PLAIN, table

SETTINGS = ExperimentSettings()


def watched(bad_a: int, bad_b: int, of: int = 400, latency: float = 500.0) -> dict[str, tuple[float, bool]]:
    rows = [
        PLAIN._replace(assigned_b=is_b, latency_ms=latency if index < bad else 1.0)
        for is_b, bad in ((False, bad_a), (True, bad_b))
        for index in range(of)
    ]
    found = GuardrailMonitor().add(table(rows), SETTINGS).result(SETTINGS)
    return {entry.name: (entry.p_value, entry.breached) for entry in found}


@pytest.mark.parametrize(("share", "most"), [(0.01, 1.0), (0.004, 1.0)])
def test_given_a_kept_limit_then_the_expected_evidence_is_at_most_one(share: float, most: float) -> None:
    n = 60
    expected = sum(
        stats.binom.pmf(bad, n, share) * math.exp(log_evidence(bad, n, 0.01)) for bad in range(n + 1)
    )
    assert expected <= most + 1e-9


def test_given_a_slow_b_then_the_guardrail_is_breached() -> None:
    assert watched(bad_a=2, bad_b=40)["latency"][1]
    assert not watched(bad_a=2, bad_b=4)["latency"][1]


def test_given_that_both_are_slow_then_b_is_not_to_blame() -> None:
    p_value, breached = watched(bad_a=60, bad_b=40)["latency"]
    assert p_value < 0.001
    assert not breached


@pytest.mark.parametrize(
    ("bad_a", "bad_b", "remark"),
    [
        (0, 4, ""),
        (0, 6, "above the limit, which chance may still explain (p = 1)"),
        (60, 40, "above the limit, but A does no better"),
        (2, 40, ""),  # breached: the verdict says so
    ],
)
def test_given_a_share_above_the_limit_without_a_breach_then_it_is_said_why(
    bad_a: int, bad_b: int, remark: str
) -> None:
    rows = [
        PLAIN._replace(assigned_b=is_b, latency_ms=500.0 if index < bad else 1.0)
        for is_b, bad in ((False, bad_a), (True, bad_b))
        for index in range(400)
    ]
    (_, latency) = GuardrailMonitor().add(table(rows), SETTINGS).result(SETTINGS)
    assert latency.remark.startswith(remark)
    assert bool(latency.remark) == bool(remark)


def test_given_fallbacks_then_they_count_for_the_variant_that_could_not_answer() -> None:
    rows = [PLAIN._replace(assigned_b=True, fallback=index % 5 == 0) for index in range(200)]
    (fallbacks, _) = GuardrailMonitor().add(table(rows), SETTINGS).result(SETTINGS)
    assert fallbacks.share_b == 0.2
    assert fallbacks.breached
    assert math.isnan(fallbacks.share_a)


def test_given_parts_then_the_strongest_look_is_kept() -> None:
    bad = table([PLAIN._replace(assigned_b=True, latency_ms=500.0) for _ in range(20)])
    good = table([PLAIN._replace(assigned_b=True) for _ in range(5000)])
    found = GuardrailMonitor().add(bad, SETTINGS).add(good, SETTINGS)
    (_, latency) = found.result(SETTINGS)
    assert latency.breached
    assert latency.share_b == pytest.approx(20 / 5020)
    assert GuardrailMonitor.from_dict(found.to_dict()) == found
    assert np.isclose(found.counts["latency"].peak, log_evidence(20, 20, SETTINGS.latency_share))
