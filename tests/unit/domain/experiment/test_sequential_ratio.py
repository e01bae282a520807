"""The sample ratio check for any number of looks."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest

from contender.domain.experiment.sequential_ratio import SEEN_BITS, RatioMonitor, log_evidence


def monitor(is_b: np.ndarray, p: np.ndarray, looks: int = 1) -> RatioMonitor:
    found = RatioMonitor()
    for part in np.array_split(np.arange(is_b.size), looks):
        found = found.add(is_b[part], p[part], part.astype(np.uint64), np.ones(part.size, dtype=bool))
    return found


def test_given_a_kept_split_then_the_expected_evidence_is_one_after_any_units() -> None:
    shares = np.array([0.1, 0.5])
    order = [0, 1, 1, 0, 1]  # the split of each unit
    total = 0.0
    for assigned in itertools.product([0, 1], repeat=len(order)):
        chance = math.prod(shares[k] if b else 1 - shares[k] for b, k in zip(assigned, order, strict=True))
        counts = np.bincount(order, minlength=2)
        total += chance * math.exp(log_evidence(np.array(sum(assigned)), counts, shares))
    assert total == pytest.approx(1.0, rel=1e-12)


def test_given_no_units_then_there_is_no_evidence() -> None:
    assert float(log_evidence(np.array(0), np.array([0]), np.array([0.5]))) == pytest.approx(0.0)
    result = RatioMonitor().result(0.001)
    assert (result.units, result.p_value, result.sequential_p, result.alarm) == (0, 1.0, 1.0, False)


def test_given_parts_then_counts_add_up_and_the_peak_is_that_of_the_strongest_look() -> None:
    rng = np.random.default_rng(1)
    is_b = np.concatenate([np.ones(60, dtype=bool), rng.random(3000) < 0.3])
    p = np.full(is_b.size, 0.3)
    whole, parts = monitor(is_b, p), monitor(is_b, p, looks=51)
    assert parts.counts == whole.counts
    assert parts.peak > whole.peak  # sixty Bs in a row were seen, though they drowned later
    assert parts.result(0.001).alarm
    assert parts.result(0.001).p_value == whole.result(0.001).p_value


def test_given_lost_records_then_it_alarms_and_says_for_all_looks() -> None:
    rng = np.random.default_rng(2)
    p = np.full(20_000, 0.5)
    is_b = rng.random(p.size) < p
    kept = ~is_b | (rng.random(p.size) < 0.9)
    result = monitor(is_b[kept], p[kept], looks=100).result(0.001)
    assert result.alarm
    assert result.p_value < result.sequential_p < 0.001
    assert not monitor(is_b, p, looks=100).result(0.001).alarm


def test_given_units_that_come_back_then_each_counts_once_across_looks() -> None:
    unit = np.array([1, 2, 1, 3], dtype=np.uint64)
    is_b = np.array([True, False, True, True])
    p, comes_back = np.full(4, 0.5), np.zeros(4, dtype=bool)
    once = RatioMonitor().add(is_b, p, unit, comes_back)
    twice = once.add(is_b, p, unit, comes_back)
    assert once.counts == twice.counts == {0.5: (1, 2)}
    assert len(twice.seen) == SEEN_BITS // 8


def test_given_a_document_then_it_comes_back_as_it_was() -> None:
    unit, comes_back = np.array([5, 6], dtype=np.uint64), np.zeros(2, dtype=bool)
    found = RatioMonitor().add(np.array([True, False]), np.array([0.3, 0.3]), unit, comes_back)
    back = RatioMonitor.from_dict(json.loads(json.dumps(found.to_dict())))
    assert back == found
