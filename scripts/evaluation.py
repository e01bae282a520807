"""Evaluation and promotion as a client of the deployed stack sees them: ask for a look, wait for its end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import boto3

from contender.adapters.dynamo_experiments import DynamoExperiments
from contender.domain.lifecycle import ACTING, ExperimentRecord, Stage
from contender.usecases.take_in import LAG_S
from scripts.loop import LoopFailed

POLL_S = 1.0
TASK_LIMIT_S = 300.0
"""A promotion takes seconds once its task has started; longer than this and something hangs."""


class Evaluation:
    """Drives the evaluation of a deployed stack.

    Args:
        session: Points at the account or emulator.
        function: Name of the evaluation's function.
        experiments_table: Experiments and history.
    """

    def __init__(self, session: boto3.Session, function: str, experiments_table: str) -> None:
        self._lambda = session.client("lambda")
        self._function = function
        self.experiments = DynamoExperiments(session.client("dynamodb"), experiments_table)

    def look(self, mode: str | None = None) -> dict[str, Any]:
        """Asks for one evaluation now, of what is older than half a minute.

        Args:
            mode: ``auto`` to act on the verdict whatever is configured; by default as configured.

        Raises:
            LoopFailed: With the function's own error.
        """
        event = {} if mode is None else {"mode": mode}
        answer = self._lambda.invoke(FunctionName=self._function, Payload=json.dumps(event).encode())
        content = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError") or not isinstance(content, dict) or "outcome" not in content:
            raise LoopFailed(f"the evaluation failed: {json.dumps(content)[:2000]}")
        return content

    def look_at_everything(
        self, progress: Callable[[str], None], mode: str | None = None, told_at: float | None = None
    ) -> dict[str, Any]:
        """Waits until all that is logged so far may be read, and asks for an evaluation.

        Args:
            progress: Told every second what is going on.
            mode: See :meth:`look`.
            told_at: When the last feedback was given, in epoch seconds; now by default.
        """
        ready = (time.time() if told_at is None else told_at) + LAG_S + 1
        while (left := ready - time.time()) > 0:
            progress(f"the log is read up to {LAG_S:g} s ago: {left:.0f} s to go")
            time.sleep(min(POLL_S, left))
        answer = self.look(mode)
        while answer["outcome"] == "overtaken":  # the schedule's own evaluation was at work
            time.sleep(POLL_S)
            answer = self.look(mode)
        return answer

    def wait_for_end(self, experiment_id: str, progress: Callable[[str], None]) -> ExperimentRecord:
        """Waits until the task has carried out a verdict.

        Args:
            experiment_id: The experiment.
            progress: Told every second what is going on.

        Returns:
            The settled experiment.

        Raises:
            LoopFailed: When nothing was decided, or it takes longer than ``TASK_LIMIT_S``.
        """
        started = time.monotonic()
        while (waited := time.monotonic() - started) < TASK_LIMIT_S:
            record = self.experiments.get(experiment_id)
            if record is None or record.stage is Stage.RUNNING:
                raise LoopFailed(f"nothing was decided of experiment {experiment_id}")
            if record.stage not in ACTING:
                return record
            progress(f"{record.stage.value}, {waited:.0f} s so far")
            time.sleep(POLL_S)
        raise LoopFailed(f"the verdict was not carried out within {TASK_LIMIT_S:.0f} s")
