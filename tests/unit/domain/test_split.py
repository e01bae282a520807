from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contender.domain.split import check_share, format_share, parse_share
from contender.errors import BadInput


@given(share=st.floats(0, 1))
def test_what_is_written_is_read_back(share: float) -> None:
    assert parse_share(format_share(share)) == share


@pytest.mark.parametrize(("text", "share"), [("0", 0.0), ("1", 1.0), (" 0.3\n", 0.3), ("3e-1", 0.3)])
def test_the_text_of_a_parameter_is_read(text: str, share: float) -> None:
    assert parse_share(text) == share


@pytest.mark.parametrize(
    "text", ["", "half", "0,3", "30%", "nan", "inf", "-0.1", "1.01", "0_1", "1e999", "0x1"]
)
def test_any_other_text_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadInput, match=r"^ab_split_b: .*send a number from 0"):
        parse_share(text)


@pytest.mark.parametrize("value", [0, 1, 0.0, 0.25, 1.0])
def test_a_number_in_the_unit_interval_is_taken_as_a_float(value: float) -> None:
    share = check_share(value)
    assert share == value
    assert isinstance(share, float)


@pytest.mark.parametrize(
    "value", [True, False, None, "0.3", [], {}, math.nan, math.inf, -1, 2, 1.0000001, 10**400, -(10**400)]
)
def test_anything_else_is_refused_by_name(value: object) -> None:
    with pytest.raises(BadInput) as error:
        check_share(value, "share")
    assert [problem.field for problem in error.value.problems] == ["share"]
    assert len(str(error.value)) < 300
