"""The collector stays away from a start, and comes back after it."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from starting import uncollected


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    frozen = gc.get_freeze_count()
    gc.enable()
    yield
    gc.enable()
    if frozen == 0:
        gc.unfreeze()


def test_what_a_start_makes_is_set_aside_and_later_garbage_is_still_collected() -> None:
    before = gc.get_freeze_count()
    with uncollected():
        assert not gc.isenabled()
        made = [[] for _ in range(1_000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(made)

    garbage: list[object] = []
    garbage.append(garbage)
    del garbage
    assert gc.collect() >= 1


def test_a_start_that_fails_leaves_the_collector_on() -> None:
    with pytest.raises(ZeroDivisionError), uncollected():
        raise ZeroDivisionError
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off() -> None:
    gc.disable()
    before = gc.get_freeze_count()
    with uncollected():
        pass
    assert not gc.isenabled()
    assert gc.get_freeze_count() == before
