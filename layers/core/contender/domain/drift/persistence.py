"""When a drift is worth a training: it has to last, and the last training has to have had its time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from contender.domain.drift.results import Verdict
from contender.domain.records import RunRecord, RunState
from contender.errors import BadInput, Problem

MOST_WINDOWS = 1_000
"""Longest history that a rule may look at; a caller has to read it with every check."""


@dataclass(frozen=True, slots=True)
class LaunchRule:
    """How many windows must have drifted, and how long to wait between two trainings.

    It is no part of ``DriftSettings``: it changes what is done about a verdict, never the verdict, so it
    must not make a window look unchecked.

    Attributes:
        drifted: N, windows that must have drifted among the last ``of_last``, ≥ 1; the newest is one of
            them, because it is the one that would be trained on. 1: the verdict is already guarded against
            chance (``alpha``) and against nothing (``*_effect``); ask for more where windows swing
            by themselves, such as weekend and weekday.
        of_last: M, windows looked back at, the newest included, in [drifted, 1000]. 1, with ``drifted``.
        cooldown: Shortest time between two launches, ≥ 0. 0: each drifted window is trained on once. Longer
            where a challenger must first get its verdict, or where training costs more than a stale model.

    Raises:
        BadInput: Naming every field that is out of range.
    """

    drifted: int = 1
    of_last: int = 1
    cooldown: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        if not _whole(self.drifted) or self.drifted < 1:
            problems.append(_problem(self, "drifted", "a whole number of at least 1"))
        elif not _whole(self.of_last) or not self.drifted <= self.of_last <= MOST_WINDOWS:
            problems.append(
                _problem(self, "of_last", f"a whole number from {self.drifted} to {MOST_WINDOWS}")
            )
        if not isinstance(self.cooldown, timedelta) or self.cooldown < timedelta(0):
            problems.append(_problem(self, "cooldown", "a duration of at least 0"))
        if problems:
            raise BadInput(problems)

    @property
    def needs_history(self) -> bool:
        """Whether the decision depends on more than the newest check; if not, no history need be read."""
        return self.drifted > 1 or self.cooldown > timedelta(0)


@dataclass(frozen=True, slots=True)
class PastCheck:
    """One check in the history.

    Attributes:
        window: Window id.
        verdict: Drift verdict, or another text (``no_champion``) for a training without one.
        checked_at: When, with a time zone.
        launched_at: When a training was launched for it; ``None`` without one, or when it failed: a
            failed training has brought no model, so nothing waits for it.
    """

    window: str
    verdict: str
    checked_at: datetime
    launched_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LaunchDecision:
    """Whether training may be launched.

    Attributes:
        allowed: Whether.
        reason: Why, in a plain sentence.
    """

    allowed: bool
    reason: str


def may_launch(history: Sequence[PastCheck], rule: LaunchRule, now: datetime) -> LaunchDecision:
    """Decides whether the newest check may launch a training.

    A window counts once, with its newest verdict, at the place of its newest check. Windows that could not
    be judged (``insufficient_data``) say nothing and are passed over, so that a few small windows neither
    hide a drift nor stand for one. Windows before a launch still count afterwards: what keeps trainings
    apart is the cooldown.

    Args:
        history: Checks, newest last; the newest is the one to decide on.
        rule: N, M and the cooldown.
        now: With a time zone; normally when the newest was checked.

    Returns:
        The decision; not allowed for an empty history, and when the newest window did not drift.
    """
    judged = _newest_of_each(history)
    newest = history[-1] if history else None
    if newest is None or newest.verdict != Verdict.DRIFT.value:
        return LaunchDecision(False, "The newest window did not drift.")
    seen = judged[-rule.of_last :]
    drifted = sum(check.verdict == Verdict.DRIFT.value for check in seen)
    told = _told(drifted, len(seen), rule)
    if drifted < rule.drifted:
        return LaunchDecision(False, f"{told}: training waits until the drift lasts.")
    launches = [check.launched_at for check in history if check.launched_at is not None]
    ready = max(launches) + rule.cooldown if launches else now
    if now < ready:
        return LaunchDecision(
            False,
            f"{told}, but the last training was launched at {_utc(max(launches))} "
            f"and the cooldown of {rule.cooldown} lasts until {_utc(ready)}.",
        )
    return LaunchDecision(True, f"{told}: training may be launched.")


def history_of(records: Iterable[RunRecord]) -> tuple[PastCheck, ...]:
    """Makes a history of run records, in whatever order they come.

    Args:
        records: Records whose times are ISO 8601 with a zone.

    Returns:
        One check a record, newest last.
    """
    checks = [
        PastCheck(
            window=record.window,
            verdict=record.verdict,
            checked_at=datetime.fromisoformat(record.checked_at),
            launched_at=(
                datetime.fromisoformat(record.launched_at)
                if record.launched_at is not None and record.state is not RunState.FAILED
                else None
            ),
        )
        for record in records
    ]
    return tuple(sorted(checks, key=lambda check: check.checked_at))


def _newest_of_each(history: Sequence[PastCheck]) -> list[PastCheck]:
    newest: dict[str, PastCheck] = {}
    for check in history:
        if check.verdict in (Verdict.DRIFT.value, Verdict.NO_DRIFT.value):
            newest.pop(check.window, None)  # to the end, if it was there
            newest[check.window] = check
    return list(newest.values())


def _told(drifted: int, seen: int, rule: LaunchRule) -> str:
    if rule.of_last == 1:
        return "The newest window drifted"
    return (
        f"{drifted} of the last {seen} judged windows drifted, "
        f"and {rule.drifted} of the last {rule.of_last} are asked for"
    )


def _utc(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _problem(rule: LaunchRule, name: str, wanted: str) -> Problem:
    return Problem(f"launch.{name}", f"is {getattr(rule, name)!r}", f"give {wanted}")
