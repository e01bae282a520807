from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contender.domain.drift.categories import FURTHER, keep_known

counted = st.dictionaries(st.sampled_from([f"c{i}" for i in range(30)]), st.integers(1, 50))
names = st.sets(st.sampled_from([f"c{i}" for i in range(30)]), max_size=6)


@given(st.lists(counted, min_size=2, max_size=4), names, st.integers(0, 5))
def test_keeping_part_by_part_gives_what_keeping_of_the_whole_gives(parts, known, limit):
    whole = keep_known(sum(map(Counter, parts), Counter()), known, limit)

    kept: dict[str, int] = {}
    for part in parts:
        kept = keep_known(Counter(kept) + Counter(keep_known(part, known, limit)), known, limit)

    assert kept == whole
    assert sum(whole.values()) == sum(sum(part.values()) for part in parts)
    assert len(whole.keys() - known - {FURTHER}) <= limit


def test_within_the_limit_everything_is_kept():
    assert keep_known({"a": 1, "b": 2}, (), 2) == {"a": 1, "b": 2}


def test_categories_of_the_reference_are_kept_whatever_their_number():
    assert keep_known({"a": 1, "b": 2, "new": 3}, {"a", "b"}, 0) == {"a": 1, "b": 2, FURTHER: 3}


def test_given_a_reference_with_further_categories_then_unknown_ones_are_among_them():
    assert keep_known({"a": 1, "new": 3}, {"a", FURTHER}) == {"a": 1, FURTHER: 3}


@pytest.mark.parametrize("limit", [0, 3])
def test_further_categories_stay_further(limit):
    assert keep_known({FURTHER: 4, "a": 1}, {"a"}, limit) == {FURTHER: 4, "a": 1}
