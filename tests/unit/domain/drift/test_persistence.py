"""N of the last M windows, and the cooldown."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contender.domain.drift import LaunchRule, PastCheck, history_of, may_launch
from contender.domain.records import RunRecord, RunState
from contender.errors import BadInput

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LETTERS = {"D": "drift", "N": "no_drift", "I": "insufficient_data"}


def days(verdicts, launched=()):
    """One window a day; ``launched`` are the days on which a training was launched."""
    return [
        PastCheck(f"w{i}", LETTERS[letter], START + i * DAY, START + i * DAY if i in launched else None)
        for i, letter in enumerate(verdicts)
    ]


def decide(history, **rule):
    return may_launch(history, LaunchRule(**rule), history[-1].checked_at if history else START)


def test_by_default_a_drifted_window_launches_at_once():
    assert decide(days("D")).allowed
    assert decide(days("NND", launched=(0,))).allowed
    assert decide(days("DD", launched=(0,))).allowed


@pytest.mark.parametrize("history", ["", "N", "I", "DN", "DI"])
def test_given_the_newest_window_did_not_drift_then_nothing_is_launched(history):
    decision = decide(days(history), drifted=1, of_last=3)

    assert not decision.allowed
    assert decision.reason == "The newest window did not drift."


@pytest.mark.parametrize(
    ("history", "allowed"),
    [("D", False), ("DD", True), ("DND", True), ("DNND", False), ("NDD", True), ("DNDN", False)],
)
def test_two_of_the_last_three(history, allowed):
    assert decide(days(history), drifted=2, of_last=3).allowed is allowed


def test_the_reason_counts():
    held = decide(days("NND"), drifted=2, of_last=3)

    assert held.reason == (
        "1 of the last 3 judged windows drifted, and 2 of the last 3 are asked for: "
        "training waits until the drift lasts."
    )


def test_windows_without_enough_data_neither_hide_a_drift_nor_stand_for_one():
    assert decide(days("DIIID"), drifted=2, of_last=2).allowed
    assert not decide(days("IID"), drifted=2, of_last=3).allowed


def test_a_window_checked_again_counts_once_with_its_newest_verdict():
    twice = [PastCheck("w", "drift", START), PastCheck("w", "drift", START + DAY)]
    corrected = [
        PastCheck("a", "drift", START),
        PastCheck("a", "no_drift", START + DAY),
        PastCheck("b", "drift", START + 2 * DAY),
    ]

    assert not decide(twice, drifted=2, of_last=2).allowed
    assert not decide(corrected, drifted=2, of_last=2).allowed


def test_given_a_cooldown_then_the_next_launch_waits_for_its_end_and_says_when():
    rule = {"cooldown": 2 * DAY}

    held = decide(days("DD", launched=(0,)), **rule)
    assert not held.allowed
    assert "launched at 2026-01-01T00:00:00+00:00" in held.reason
    assert "lasts until 2026-01-03T00:00:00+00:00" in held.reason
    assert decide(days("DDD", launched=(0,)), **rule).allowed
    assert not decide(days("DDD", launched=(0, 1)), **rule).allowed


def test_the_first_training_counts_for_the_cooldown_but_not_as_a_window():
    history = [PastCheck("reference", "no_champion", START, START), *days("D")]

    assert not may_launch(history, LaunchRule(cooldown=2 * DAY), START + DAY).allowed
    assert not may_launch(history, LaunchRule(2, 2), START + DAY).allowed


def record(window, state, checked_at, launched_at=None, verdict="drift"):
    return RunRecord(window, window, state, verdict, "why", checked_at, launched_at)


def test_history_of_records_is_ordered_and_forgets_failed_trainings():
    records = [
        record("b", RunState.FAILED, "2026-01-02T00:00:00.000Z", "2026-01-02T00:00:01.000Z"),
        record("a", RunState.SUCCEEDED, "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:01.000Z"),
        record("c", RunState.CHECKED, "2026-01-03T00:00:00.000Z", verdict="no_drift"),
    ]

    history = history_of(records)

    assert [check.window for check in history] == ["a", "b", "c"]
    assert history[0].launched_at == START + timedelta(seconds=1)
    assert history[1].launched_at is None
    assert history[2] == PastCheck("c", "no_drift", START + 2 * DAY)


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"drifted": 0}, "launch.drifted"),
        ({"drifted": True}, "launch.drifted"),
        ({"drifted": 3, "of_last": 2}, "launch.of_last"),
        ({"of_last": 1_001}, "launch.of_last"),
        ({"cooldown": timedelta(seconds=-1)}, "launch.cooldown"),
        ({"cooldown": 60}, "launch.cooldown"),
    ],
)
def test_bad_rules_are_named(rule, field):
    with pytest.raises(BadInput) as caught:
        LaunchRule(**rule)
    assert [problem.field for problem in caught.value.problems] == [field]


@given(st.text("DNI", max_size=12), st.integers(1, 4), st.integers(0, 4))
def test_asking_for_more_never_launches_more(verdicts, drifted, further):
    history = days(verdicts)

    lenient = decide(history, drifted=drifted, of_last=drifted + further)
    strict = decide(history, drifted=drifted + 1, of_last=drifted + further + 1)
    shorter = decide(history, drifted=drifted, of_last=drifted)

    assert lenient.allowed or not shorter.allowed
    if strict.allowed:
        assert decide(history, drifted=drifted, of_last=drifted + further + 1).allowed


@given(st.text("DNI", min_size=1, max_size=8), st.integers(1, 4))
def test_a_rule_that_needs_no_history_decides_alike_without_it(verdicts, of_last):
    history = days(verdicts, launched=range(len(verdicts)))
    rule = LaunchRule(of_last=of_last)

    assert not rule.needs_history
    assert LaunchRule(2, 3).needs_history
    assert LaunchRule(cooldown=DAY).needs_history
    now = history[-1].checked_at
    assert may_launch(history, rule, now).allowed is may_launch(history[-1:], rule, now).allowed
