"""Hears of every training task that has stopped: parse the event, call the use case, reply."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from contender.adapters.ecs_launcher import task_end
from contender.errors import BadInput
from contender.usecases.settle_run import Settled, SettleRun


@cache
def _settle() -> SettleRun:
    """Wires the use case once per worker, on its first event."""
    return build(os.environ)


def build(environ: Mapping[str, str]) -> SettleRun:
    """Makes clients and the use case.

    Args:
        environ: See :class:`contender.settings.SettleSettings`.

    Raises:
        BadInput: Naming each variable that is missing or wrong.
    """
    import boto3

    from contender.adapters.dynamo_runs import DynamoRunRecords
    from contender.adapters.telemetry import JsonLines
    from contender.settings import SettleSettings

    settings = SettleSettings.read(environ)
    return SettleRun(
        DynamoRunRecords(boto3.client("dynamodb"), settings.runs_table),
        JsonLines(sys.stdout, "task_stopped", environ.get("CONTENDER_STAGE", "")),
        time.time,
    )


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Answers EventBridge.

    Args:
        event: "ECS Task State Change" of a task that has stopped.
        context: The Lambda context; not used.

    Returns:
        The run key, the task and what was done (:class:`contender.usecases.settle_run.Settled`).

    Raises:
        Conflict: When the launch is still being written down; Lambda then tries again by itself.
    """
    detail = event.get("detail")
    end = task_end(detail) if isinstance(detail, Mapping) else None
    if not isinstance(detail, Mapping) or end is None or "taskArn" not in detail:
        raise BadInput.of("detail", "is not a task that has stopped", "send an ECS Task State Change event")
    run_key, task_arn = str(detail.get("startedBy", "")), str(detail["taskArn"])
    done = _settle()(run_key, task_arn, end) if run_key else Settled.UNKNOWN
    answer = {"run_key": run_key, "task_arn": task_arn, "end": str(end), "done": done}
    print(json.dumps({"level": "info", "event": "task_stopped", **answer}))
    return answer
