from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from contender.domain.records import run_key

objects = st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=4)


def test_the_key_is_the_digest_of_what_was_compared() -> None:
    document = '{"current":{"c":"2"},"reference":{"r":"1"},"settings":{"alpha":0.001}}'
    assert run_key({"r": "1"}, {"c": "2"}, {"alpha": 0.001}) == sha256(document.encode()).hexdigest()


@given(reference=objects, current=objects)
def test_order_does_not_matter(reference: dict[str, str], current: dict[str, str]) -> None:
    key = run_key(reference, current, {"a": 1, "b": 2})
    assert run_key(dict(reversed(reference.items())), current, {"b": 2, "a": 1}) == key
    assert len(key) == 64


@given(first=st.tuples(objects, objects), second=st.tuples(objects, objects))
def test_different_windows_have_different_keys(
    first: tuple[dict[str, str], dict[str, str]], second: tuple[dict[str, str], dict[str, str]]
) -> None:
    assert (run_key(*first, {}) == run_key(*second, {})) is (first == second)


def test_settings_are_part_of_the_key() -> None:
    assert run_key({}, {}, {"alpha": 0.001}) != run_key({}, {}, {"alpha": 0.01})
