from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contender.domain.request_id import NOISE_BYTES, as_issued, made_at, new_request_id

times = st.integers(0, 2**47).map(lambda ms: ms / 1000)
noises = st.binary(min_size=NOISE_BYTES, max_size=NOISE_BYTES)


@given(times, noises)
def test_an_id_is_a_uuid_of_version_7_that_tells_its_time(at: float, noise: bytes) -> None:
    made = new_request_id(at, noise)
    read = uuid.UUID(hex=made)
    assert (read.hex, read.version, read.variant) == (made, 7, uuid.RFC_4122)
    told = made_at(made)
    assert told is not None
    assert told == pytest.approx(at, abs=0.0011)


@given(noises, noises)
def test_ids_of_one_time_differ_in_all_but_six_bits_of_their_noise(one: bytes, other: bytes) -> None:
    same = int.from_bytes(one, "big") % 2**74 == int.from_bytes(other, "big") % 2**74
    assert (new_request_id(1.0, one) == new_request_id(1.0, other)) is same


@given(st.integers(0, 10**12), st.integers(1, 10**6), noises, noises)
def test_ids_sort_by_time(ms: int, later: int, one: bytes, other: bytes) -> None:
    assert new_request_id(ms / 1000, one) < new_request_id((ms + later) / 1000 + 0.0005, other)


@pytest.mark.parametrize(
    "text",
    ["", "request-1", uuid.uuid4().hex, uuid.UUID(int=0).hex, new_request_id(1.0, bytes(10)) + "0",
     new_request_id(1.7e9, bytes(10)).upper(), new_request_id(1.0, bytes(10)) + "\n", "é" * 32],
)  # fmt: skip
def test_other_texts_tell_nothing(text: str) -> None:
    assert made_at(text) is None


@given(noises)
def test_however_a_client_writes_it_an_id_is_found_as_it_was_issued(noise: bytes) -> None:
    made = new_request_id(1.7e9, noise)
    for written in (made, made.upper(), str(uuid.UUID(hex=made)), str(uuid.UUID(hex=made)).upper()):
        assert as_issued(written) == made


@pytest.mark.parametrize(
    "text", ["", "Request-1", str(uuid.uuid4()), "-".join(new_request_id(1.0, bytes(10)))]
)
def test_what_is_no_id_of_ours_stays_as_it_is(text: str) -> None:
    assert as_issued(text) == text


def test_noise_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="10 random bytes, got 9"):
        new_request_id(1.0, bytes(9))
