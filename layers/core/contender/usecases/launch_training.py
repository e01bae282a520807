"""What becomes of a checked window: a training is launched at most once, looked after, or held back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from contender.domain.drift import LaunchRule, Verdict, history_of, may_launch
from contender.domain.drift.persistence import MOST_WINDOWS
from contender.domain.records import Reason, RunRecord, RunState, TaskEnd, TrainingJob
from contender.errors import Conflict, NotFound, StoreUnavailable
from contender.ports import Launcher, Observer, RunRecords
from contender.usecases.predict import iso_utc
from contender.usecases.settle_run import SettleRun

LAUNCH_GRACE_S = 900
"""Age after which a launch without a task is dead, in seconds: no Lambda lives longer. And age after which
a task that ECS does not know is gone, not new."""
STOP_MARGIN_S = 900
"""How much longer than its limit a training may seem to run, in seconds: a large image takes minutes to
start, and the training itself gives up at the limit and writes that down, which beats being stopped."""


class Action(StrEnum):
    """What a check led to."""

    NOTHING = "nothing"
    LAUNCHED = "launched"
    ALREADY_HANDLED = "already_handled"
    HELD = "held"
    """It drifted, and by the launch rule no training is due yet."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found and did.

    Attributes:
        window: The window that was checked; ``reference`` when there was no champion yet.
        verdict: ``drift``, ``no_drift``, ``insufficient_data``, ``no_champion`` or ``no_window``.
        action: What was done about it.
        reason: Verdict and action in plain words.
        run_key: The run record; empty for ``no_window``.
        report_uri: The drift report; ``None`` without one.
        task_arn: The training task, when there is one.
    """

    window: str
    verdict: str
    action: Action
    reason: str
    run_key: str
    report_uri: str | None
    task_arn: str | None


@dataclass(frozen=True, slots=True)
class Checked:
    """A window with everything that is needed to train on it.

    Attributes:
        record: Its run record.
        reason: Why it would be trained on.
        train_prefix: Its prefix in the data bucket.
        report_key: Key of its drift report in the artifact bucket; empty without one.
    """

    record: RunRecord
    reason: Reason
    train_prefix: str
    report_key: str


class LaunchTraining:
    """Launches the training that a check calls for, unless it was launched already or is not due yet.

    Args:
        runs: The run records.
        launcher: Starts training tasks.
        observer: Where steps are reported.
        training_limit_s: Longest life of a training in seconds.
        rule: When a drift is worth a training.
        clock: Epoch seconds.
    """

    def __init__(
        self,
        runs: RunRecords,
        launcher: Launcher,
        observer: Observer,
        training_limit_s: float,
        rule: LaunchRule,
        clock: Callable[[], float],
    ) -> None:
        self._runs = runs
        self._launcher = launcher
        self._observer = observer
        self._training_limit_s = training_limit_s
        self._rule = rule
        self._clock = clock
        self._settle = SettleRun(runs, observer, clock)

    def __call__(self, checked: Checked) -> CheckResult:
        """Does what the check calls for.

        Args:
            checked: What was found.

        Returns:
            What was found and done.

        Raises:
            StoreUnavailable: When a service does not answer; a launch that failed is on the record.
        """
        record = checked.record
        if record.verdict not in (Verdict.DRIFT.value, Reason.NO_CHAMPION.value):
            return _result(record, Action.NOTHING, record.reason)
        reason = record.reason.rstrip(".")
        if record.state is RunState.REJECTED and record.attempt == 0:
            return _result(record, Action.NOTHING, f"{reason}; {record.detail}")
        record = self._look_after(record)
        checked = replace(checked, record=record)
        if not self._may_launch(record):
            return _result(record, Action.ALREADY_HANDLED, f"{reason}; already {record.state.value}")
        held = self._why_held(checked)
        if held:
            return _result(record, Action.HELD, f"{reason}; {held}")
        try:
            launched = self._launch(checked)
        except Conflict:
            return _result(record, Action.ALREADY_HANDLED, f"{reason}; another check is training it")
        return _result(launched, Action.LAUNCHED, f"{reason}; training launched")

    def _why_held(self, checked: Checked) -> str:
        """Why a drift is not worth a training yet; empty where it is, and for what is tried once more."""
        record = checked.record
        if checked.reason is not Reason.DRIFT or record.state is not RunState.CHECKED:
            return ""
        if not self._rule.needs_history:
            return ""
        others = [other for other in self._runs.recent(MOST_WINDOWS) if other.run_key != record.run_key]
        now = datetime.fromtimestamp(self._clock(), UTC)
        decision = may_launch(history_of(others) + history_of([record]), self._rule, now)
        return "" if decision.allowed else decision.reason

    def _look_after(self, record: RunRecord) -> RunRecord:
        """Settles a launched record whose task is dead, even if nobody was told of its death.

        Normally an event does that within seconds (``functions/task_stopped``); one that is lost must not
        block a window for ever.
        """
        if record.state is not RunState.LAUNCHED or record.task_arn is None:
            return record
        try:
            end = self._end_of(record.task_arn, self._clock(), record.launched_at or "")
        except StoreUnavailable as error:
            self._observer.problem("task_not_asked_for", str(error))
            return record
        if end is None:
            return record
        self._settle.fail(record, end)
        return self._runs.get(record.run_key) or record

    def _end_of(self, task_arn: str, now: float, launched_at: str) -> TaskEnd | None:
        try:
            end = self._launcher.ended(task_arn)
        except NotFound:
            is_old = launched_at < iso_utc(now - LAUNCH_GRACE_S)
            return TaskEnd("ECS does not know its task any more") if is_old else None
        if end is None and launched_at < iso_utc(now - self._training_limit_s - STOP_MARGIN_S):
            reason = f"it ran longer than the {self._training_limit_s:g} s that a training may take"
            self._launcher.stop(task_arn, reason)
            return TaskEnd(f"stopped, because {reason}")
        return end

    def _may_launch(self, record: RunRecord) -> bool:
        if record.state in (RunState.CHECKED, RunState.FAILED):
            return True
        if record.state is not RunState.LAUNCHED or record.task_arn is not None:
            return False
        return (record.launched_at or "") < iso_utc(self._clock() - LAUNCH_GRACE_S)

    def _launch(self, checked: Checked) -> RunRecord:
        before = checked.record
        # A launch that died before it got a task is taken up under its old token: ECS then starts no second.
        attempt = before.attempt + (before.state is not RunState.LAUNCHED)
        record = self._runs.move(
            before.run_key,
            before,
            state=RunState.LAUNCHED.value,
            attempt=attempt,
            launched_at=iso_utc(self._clock()),
            task_arn=None,
            detail=None,
        )
        job = TrainingJob(record.run_key, checked.reason, checked.train_prefix, checked.report_key)
        try:
            task_arn = self._launcher.launch(job, token=f"{record.run_key[:48]}-{attempt}")
        except StoreUnavailable as error:
            self._runs.move(
                record.run_key,
                record,
                state=RunState.FAILED.value,
                detail=f"the task was not started: {error}",
                finished_at=iso_utc(self._clock()),
            )
            raise
        self._observer.note("training_launched", run_key=record.run_key, task_arn=task_arn, attempt=attempt)
        # The task may already have ended: its ARN belongs on the record all the same.
        ended = (RunState.LAUNCHED, RunState.SUCCEEDED, RunState.REJECTED, RunState.FAILED)
        return self._runs.move(record.run_key, ended, task_arn=task_arn)


def _result(record: RunRecord, action: Action, reason: str) -> CheckResult:
    return CheckResult(
        window=record.window,
        verdict=record.verdict,
        action=action,
        reason=reason,
        run_key=record.run_key,
        report_uri=record.report_uri,
        task_arn=record.task_arn,
    )
