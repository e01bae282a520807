"""One check of one window: compare, write down, and train at most once for what was found."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from contender.domain.dataset import Dataset
from contender.domain.drift import ColumnSample, DriftReport, DriftSettings, Verdict, judge_window
from contender.domain.records import Reason, RunRecord, RunState, TaskEnd, TrainingJob, run_key
from contender.domain.release import NO_RELEASE
from contender.errors import BadInput, Conflict, NotFound, StoreUnavailable
from contender.ports import Launcher, ObjectInfo, ObjectStore, Observer, Parameters, RunRecords
from contender.usecases.declaration import read_dataset
from contender.usecases.predict import iso_utc
from contender.usecases.settle_run import SettleRun

REFERENCE = "reference/"
CURRENT = "current/"
LAUNCH_GRACE_S = 900
"""Age after which a launch without a task is dead, in seconds: no Lambda lives longer. And age after which
a task that ECS does not know is gone, not new."""
STOP_MARGIN_S = 900
"""How much longer than its limit a training may seem to run, in seconds: a large image takes minutes to
start, and the training itself gives up at the limit and writes that down, which beats being stopped."""


class Windows(Protocol):
    """Reads windows of the data bucket."""

    def compare(
        self, reference: Sequence[ObjectInfo], current: Sequence[ObjectInfo], dataset: Dataset
    ) -> AbstractContextManager[tuple[Mapping[str, ColumnSample], Mapping[str, ColumnSample]]]:
        """Opens both; small windows in full, large ones in summary. Raises ``BadInput``."""


class Action(StrEnum):
    """What a check led to."""

    NOTHING = "nothing"
    LAUNCHED = "launched"
    ALREADY_HANDLED = "already_handled"


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
class _Checked:
    """A window with everything that is needed to train on it."""

    record: RunRecord
    reason: Reason
    train_prefix: str
    report_key: str


class CheckDrift:
    """The use case behind the scheduled function.

    Args:
        data: The data bucket.
        artifacts: The artifact bucket.
        windows: Reads windows.
        runs: The run records.
        parameters: Live configuration.
        launcher: Starts training tasks.
        observer: Where steps are reported.
        release_parameter: Name of the parameter that points to the release.
        settings: Thresholds of the check.
        training_limit_s: Longest life of a training in seconds.
        clock: Epoch seconds.
    """

    def __init__(
        self,
        data: ObjectStore,
        artifacts: ObjectStore,
        windows: Windows,
        runs: RunRecords,
        parameters: Parameters,
        launcher: Launcher,
        observer: Observer,
        release_parameter: str,
        settings: DriftSettings,
        training_limit_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._data = data
        self._artifacts = artifacts
        self._windows = windows
        self._runs = runs
        self._parameters = parameters
        self._launcher = launcher
        self._observer = observer
        self._release_parameter = release_parameter
        self._settings = settings
        self._training_limit_s = training_limit_s
        self._clock = clock
        self._settle = SettleRun(runs, observer, clock)

    def __call__(self, window: str | None = None) -> CheckResult:
        """Checks a window.

        Args:
            window: Id of the window; by default the one whose objects changed last.

        Returns:
            What was found and done.

        Raises:
            BadInput: When ``dataset.json`` or a file of a window is missing or wrong.
            StoreUnavailable: When a service does not answer; a launch that failed is on the record,
                and the next check tries again.
        """
        dataset = read_dataset(self._data)
        reference = [info for info in self._data.list(REFERENCE) if info.size > 0]
        if not reference:
            raise BadInput.of(self._data.uri(REFERENCE), "holds no data", "upload the reference window first")
        if not self._has_champion():
            return self._act(self._first_model(dataset, reference))
        found = self._find_window(window)
        if found is None:
            reason = f"nothing to check: no window lies in {self._data.uri(CURRENT)}"
            return CheckResult("", "no_window", Action.NOTHING, reason, "", None, None)
        return self._act(self._check(dataset, reference, *found))

    def _has_champion(self) -> bool:
        found = self._parameters.get([self._release_parameter]).get(self._release_parameter)
        return found is not None and found.value.strip() != NO_RELEASE

    def _find_window(self, window: str | None) -> tuple[str, list[ObjectInfo]] | None:
        windows: dict[str, list[ObjectInfo]] = {}
        for info in self._data.list(CURRENT if window is None else f"{CURRENT}{window}/"):
            name, _, file = info.key.removeprefix(CURRENT).partition("/")
            if file and info.size > 0:
                windows.setdefault(name, []).append(info)
        if window is not None and window not in windows:
            uri = self._data.uri(f"{CURRENT}{window}/")
            raise BadInput.of("window", f"{uri} holds no data", "upload it, or name another window")
        if not windows:
            return None
        return max(windows.items(), key=lambda item: (max(info.modified for info in item[1]), item[0]))

    def _first_model(self, dataset: Dataset, reference: Sequence[ObjectInfo]) -> _Checked:
        key = run_key(
            _etags(reference), {}, {"dataset": dataset.to_dict(), "reason": Reason.NO_CHAMPION.value}
        )
        record = self._runs.get(key) or self._create(
            RunRecord(
                run_key=key,
                window="reference",
                state=RunState.CHECKED,
                verdict=Reason.NO_CHAMPION.value,
                reason="no champion yet: the first model is trained on the reference window",
                checked_at=iso_utc(self._clock()),
            )
        )
        return _Checked(record, Reason.NO_CHAMPION, REFERENCE, "")

    def _check(
        self, dataset: Dataset, reference: Sequence[ObjectInfo], window: str, current: Sequence[ObjectInfo]
    ) -> _Checked:
        settings = {"drift": self._settings.to_dict(), "dataset": dataset.to_dict()}
        key = run_key(_etags(reference), _etags(current), settings)
        report_key = f"reports/{window}/{key}.json"
        record = self._runs.get(key)
        if record is None:
            report = self._judge(dataset, reference, current)
            now = iso_utc(self._clock())
            document = {"window": window, "run_key": key, "checked_at": now, **report.to_dict()}
            self._artifacts.put(report_key, json.dumps(document, indent=1).encode(), "application/json")
            unusable = ", ".join(report.broken)
            if unusable:
                self._observer.problem("window_broken", f"{window}: {unusable} absent or of another type")
            record = self._create(
                RunRecord(
                    run_key=key,
                    window=window,
                    # A window without a declared column is no training data: a person has to look at it.
                    state=RunState.REJECTED if unusable else RunState.CHECKED,
                    verdict=report.verdict.value,
                    reason=report.reason,
                    checked_at=now,
                    report_uri=self._artifacts.uri(report_key),
                    detail=f"not trained on: {unusable} absent or of another type" if unusable else None,
                )
            )
        return _Checked(record, Reason.DRIFT, f"{CURRENT}{window}/", report_key)

    def _judge(
        self, dataset: Dataset, reference: Sequence[ObjectInfo], current: Sequence[ObjectInfo]
    ) -> DriftReport:
        with self._windows.compare(reference, current, dataset) as (before, after):
            return judge_window(before, after, dataset.features, self._settings)

    def _create(self, record: RunRecord) -> RunRecord:
        if self._runs.create(record):
            self._observer.note(
                "checked", run_key=record.run_key, window=record.window, verdict=record.verdict
            )
            return record
        return self._runs.get(record.run_key) or record  # another check was faster

    def _act(self, checked: _Checked) -> CheckResult:
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
        try:
            launched = self._launch(checked)
        except Conflict:
            return _result(record, Action.ALREADY_HANDLED, f"{reason}; another check is training it")
        return _result(launched, Action.LAUNCHED, f"{reason}; training launched")

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

    def _launch(self, checked: _Checked) -> RunRecord:
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


def _etags(objects: Sequence[ObjectInfo]) -> dict[str, str]:
    return {info.key: info.etag for info in objects}


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
