"""A training task has ended: its run record must not say that it still runs."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from contender.domain.records import RunRecord, RunState, TaskEnd
from contender.errors import Conflict
from contender.ports import Observer, RunRecords
from contender.usecases.predict import iso_utc


class Settled(StrEnum):
    """What was done about an ended task."""

    FAILED = "failed"
    """It died without a word; the record now says failed, and the next check may train again."""
    REPORTED = "reported"
    """It had written its end down itself."""
    SUPERSEDED = "superseded"
    """The record is about another task by now."""
    UNKNOWN = "unknown"
    """No record is about it: not a training that a check launched."""


class SettleRun:
    """Moves a record from ``launched`` to ``failed`` when its task ended without reporting.

    Doing it again changes nothing. A record that has ended is never touched: what the training itself wrote
    counts.

    Args:
        runs: The run records.
        observer: Where it is noted.
        clock: Epoch seconds.
    """

    def __init__(self, runs: RunRecords, observer: Observer, clock: Callable[[], float]) -> None:
        self._runs = runs
        self._observer = observer
        self._clock = clock

    def __call__(self, run_key: str, task_arn: str, end: TaskEnd) -> Settled:
        """Handles the end of a task.

        Args:
            run_key: The record that the task was launched for.
            task_arn: The task.
            end: How it ended.

        Returns:
            What was done.

        Raises:
            Conflict: When the record does not name its task yet: the launch is still being written down.
                Whoever calls tries again a little later.
            StoreUnavailable: When the table does not answer.
        """
        record = self._runs.get(run_key)
        if record is None:
            return Settled.UNKNOWN
        if record.state is not RunState.LAUNCHED:
            if record.state is RunState.FAILED and record.task_arn == task_arn:
                self._observer.problem("training_failed", f"{record.window}: {record.detail}")
            return Settled.REPORTED
        if record.task_arn is None:
            raise Conflict(f"run {run_key} does not name its task yet")
        if record.task_arn != task_arn:
            return Settled.SUPERSEDED
        return self.fail(record, end)

    def fail(self, record: RunRecord, end: TaskEnd) -> Settled:
        """Moves a launched record to ``failed``, unless it moved meanwhile.

        Args:
            record: The record as it was read.
            end: How its task ended.

        Returns:
            ``FAILED``, or ``REPORTED`` when the training was faster.

        Raises:
            StoreUnavailable: When the table does not answer.
        """
        detail = f"the training ended without a word: {end}"
        try:
            self._runs.move(
                record.run_key,
                record,
                state=RunState.FAILED.value,
                detail=detail,
                finished_at=iso_utc(self._clock()),
            )
        except Conflict:
            return Settled.REPORTED
        self._observer.problem("training_failed", f"{record.window}: {detail}")
        return Settled.FAILED
