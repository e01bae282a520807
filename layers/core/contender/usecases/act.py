"""Starts the task that carries out a verdict, and looks after it: only a task reaches the registry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from contender.domain.lifecycle import ACTING, ExperimentRecord
from contender.domain.records import PromotionJob, TaskEnd
from contender.errors import Conflict, NotFound, StoreUnavailable
from contender.experiment_ports import Experiments
from contender.ports import Launcher, Observer
from contender.usecases.launch_training import LAUNCH_GRACE_S
from contender.usecases.predict import iso_utc


class Act:
    """Sees to it that a decided experiment has a task, and only one, until it is done.

    Args:
        experiments: The experiments.
        launcher: Starts tasks.
        observer: Where it is noted.
        clock: Epoch seconds.
    """

    def __init__(
        self, experiments: Experiments, launcher: Launcher, observer: Observer, clock: Callable[[], float]
    ) -> None:
        self._experiments = experiments
        self._launcher = launcher
        self._observer = observer
        self._clock = clock

    def __call__(self, record: ExperimentRecord) -> ExperimentRecord:
        """Launches a task unless one is at work.

        Args:
            record: An experiment in one of the stages ``ACTING``.

        Returns:
            The record as it stands now.

        Raises:
            StoreUnavailable: When a service does not answer; the next evaluation tries again.
        """
        if record.task_arn:
            end = self._end(record)
            if end is None:
                return record
            record = self._experiments.get(record.experiment_id) or record
            if record.stage not in ACTING:
                return record
            self._observer.problem(
                "promotion_died",
                f"{record.experiment_id}: {record.stage.value} ended before it was done: {end}",
            )
        try:
            return self._launch(record)
        except Conflict:
            return self._experiments.get(record.experiment_id) or record  # another evaluation was faster

    def _launch(self, record: ExperimentRecord) -> ExperimentRecord:
        # A launch that died before it got a task is taken up under its old token: ECS then starts no second.
        attempt = record.attempt + (record.attempt == 0 or record.task_arn != "")
        record = self._experiments.save(
            replace(record, attempt=attempt, launched_at=iso_utc(self._clock()), task_arn="")
        )
        token = f"{record.started_at}-{record.release[:12]}-{attempt}"
        task_arn = self._launcher.launch(PromotionJob(record.experiment_id), token=token)
        self._observer.note(
            "promotion_launched",
            experiment=record.experiment_id,
            stage=record.stage.value,
            task_arn=task_arn,
            attempt=attempt,
        )
        try:
            return self._experiments.save(replace(record, task_arn=task_arn))
        except Conflict:  # the task is done already
            return self._experiments.get(record.experiment_id) or record

    def _end(self, record: ExperimentRecord) -> TaskEnd | None:
        try:
            return self._launcher.ended(record.task_arn)
        except NotFound:
            is_old = record.launched_at < iso_utc(self._clock() - LAUNCH_GRACE_S)
            return TaskEnd("ECS does not know its task any more") if is_old else None
        except StoreUnavailable as error:
            self._observer.problem("task_not_asked_for", str(error))
            return None
