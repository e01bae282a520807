from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contender.domain.split import check_share, format_share, parse_share
from contender.errors import BadInput


@given(share=st.floats(0, 1))
def test_what_is_written_is_read_back(share: float) -> None:
    assert parse_share(format_share(share)) == share


def allowed() -> str:
    """The pattern that the template gives the parameter."""
    template = (Path(__file__).parents[3] / "template.yaml").read_text()
    resource = template[template.index("  SplitParameter:") :]
    return str(json.loads(re.search(r'AllowedPattern: (".*")', resource)[1]))  # type: ignore[index]


@given(share=st.floats(0, 1))
def test_what_is_written_is_what_the_parameter_accepts(share: float) -> None:
    assert re.search(allowed(), format_share(share))


@pytest.mark.parametrize("text", ["0", "1", "0.3", ".5", "1.0", "0.0", "0.25"])
def test_the_parameter_accepts_shares(text: str) -> None:
    assert re.search(allowed(), text)
    assert 0 <= parse_share(text) <= 1


@pytest.mark.parametrize("text", ["1.7", "abc", "", "-0.1", "1.01", "2", "30%", "nan", "0.5x", "10"])
def test_the_parameter_refuses_what_is_no_share(text: str) -> None:
    assert not re.search(allowed(), text)


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
