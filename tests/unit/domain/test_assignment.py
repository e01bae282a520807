from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from contender.domain.assignment import Variant, assign, unit_position

UNITS = [f"unit-{number}" for number in range(100_000)]
shares = st.floats(0, 1)


@given(salt=st.text(), unit=st.text(), low=shares, high=shares)
def test_raising_the_split_moves_a_unit_only_from_a_to_b(
    salt: str, unit: str, low: float, high: float
) -> None:
    low, high = sorted((low, high))
    before, after = assign(salt, unit, low), assign(salt, unit, high)
    assert not (before.variant is Variant.B and after.variant is Variant.A)


@given(salt=st.text(), unit=st.text(), split=shares)
def test_the_probability_is_that_of_the_drawn_variant(salt: str, unit: str, split: float) -> None:
    variant, probability = assign(salt, unit, split)
    assert probability == (split if variant is Variant.B else 1 - split)
    assert 0 < probability <= 1


@given(salt=st.text(), unit=st.text())
def test_positions_are_in_the_unit_interval_and_never_change(salt: str, unit: str) -> None:
    position = unit_position(salt, unit)
    assert 0 <= position < 1
    assert position == unit_position(salt, unit)
    assert (position * 2**53).is_integer()


@given(salt=st.text(), unit=st.text())
def test_at_the_ends_all_are_sent_one_way(salt: str, unit: str) -> None:
    assert assign(salt, unit, 0.0) == (Variant.A, 1.0)
    assert assign(salt, unit, 1.0) == (Variant.B, 1.0)


def test_positions_are_uniform() -> None:
    positions = np.array([unit_position("salt", unit) for unit in UNITS])
    counts = np.histogram(positions, bins=100, range=(0, 1))[0]
    # The units are fixed, so this is one draw: it fails for a bad hash, not for bad luck.
    assert stats.chisquare(counts).pvalue > 0.001


def test_the_split_is_kept_within_sampling_error() -> None:
    in_b = sum(assign("salt", unit, 0.3).variant is Variant.B for unit in UNITS)
    assert stats.binomtest(in_b, len(UNITS), 0.3).pvalue > 0.001


def test_positions_under_two_salts_are_unrelated() -> None:
    first = np.array([unit_position("2-aaaa", unit) for unit in UNITS])
    second = np.array([unit_position("3-aaaa", unit) for unit in UNITS])
    assert stats.pearsonr(first, second).pvalue > 0.001
    table = np.histogram2d(first, second, bins=10, range=((0, 1), (0, 1)))[0]
    assert stats.chi2_contingency(table).pvalue > 0.001


def test_the_place_of_a_unit_is_the_documented_hash() -> None:
    # From hashlib by hand; a change here would reshuffle running experiments.
    assert unit_position("2-abc", "user-1") == (0x3C5ED34FBD2C3835 >> 11) / 2**53


@pytest.mark.parametrize("split", [-0.001, 1.001, math.nan, math.inf, -math.inf])
def test_a_split_outside_the_unit_interval_is_refused(split: float) -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        assign("salt", "unit", split)


def test_the_other_of_the_other_is_the_same() -> None:
    assert Variant.A.other is Variant.B
    assert Variant.B.other is Variant.A
