"""A training that has to end does end, whatever a library makes of the exception that tells it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from trainer import stopping
from trainer.stopping import STOPPED, TIMED_OUT, Stopped, Stops

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
ALL = pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGTERM, STOPPED), (signal.SIGINT, STOPPED), (signal.SIGALRM, TIMED_OUT)],
)


def sent(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    signal.pause()


@ALL
def test_given_a_signal_when_it_comes_then_it_is_raised_and_kept(number: signal.Signals, code: int) -> None:
    with Stops(60.0) as stops:
        with pytest.raises(Stopped) as stopped:
            sent(number)
        assert stopped.value.code == code
        assert stops.told is stopped.value


def test_given_its_time_when_over_then_it_is_raised() -> None:
    with Stops(0.01), pytest.raises(Stopped) as stopped:
        signal.pause()

    assert stopped.value.code == TIMED_OUT


@ALL
def test_given_a_stop_that_was_dropped_then_the_same_one_comes_again(
    number: signal.Signals, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "AGAIN_S", 0.02)
    with Stops(60.0) as stops:
        for _ in range(3):
            with suppress(Stopped):
                sent(number)
        other = signal.SIGTERM if number == signal.SIGALRM else signal.SIGALRM
        with pytest.raises(Stopped) as stopped:
            sent(other)

    assert stopped.value.code == code
    assert stopped.value is stops.told


def test_given_a_stop_that_got_through_then_what_cleans_up_is_left_in_peace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stopping, "AGAIN_S", 0.01)
    cleaned = []

    def cleans(how: Callable[[], None]) -> None:
        until = time.monotonic() + 0.05
        while time.monotonic() < until:
            how()
        cleaned.append(how)

    with Stops(60.0), pytest.raises(Stopped):
        try:
            try:
                sent(signal.SIGTERM)
            finally:
                cleans(lambda: None)
        except BaseException:
            cleans(lambda: time.sleep(0.001))
            raise

    assert len(cleaned) == 2


def test_given_last_steps_when_told_to_stop_again_and_again_then_they_are_done_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stopping, "LAST_S", 30.0)
    with Stops(60.0) as stops:
        stops.hold()
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGINT):
            os.kill(os.getpid(), number)
        assert stops.told is not None
        assert 20 < signal.getitimer(signal.ITIMER_REAL)[0] <= 30


@ALL
def test_given_last_steps_that_do_not_end_when_told_to_stop_then_they_have_some_time(
    number: signal.Signals, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "LAST_S", 0.05)
    with Stops(60.0) as stops:
        stops.hold()
        os.kill(os.getpid(), number)
        with pytest.raises(Stopped) as stopped:
            time.sleep(5.0)

    assert stopped.value.code == code


def test_given_a_stop_that_was_dropped_when_the_last_steps_begin_then_it_comes_before_them() -> None:
    with Stops(60.0) as stops:
        with suppress(Stopped):
            sent(signal.SIGTERM)
        with pytest.raises(Stopped):
            stops.hold()


def test_given_an_end_that_is_written_down_then_nothing_is_raised_and_all_is_left_as_it_was() -> None:
    before = [signal.getsignal(one) for one in SIGNALS]
    with Stops(60.0) as stops:
        stops.over()
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
        for one in SIGNALS:
            os.kill(os.getpid(), one)
        assert stops.told is None

    assert [signal.getsignal(one) for one in SIGNALS] == before
