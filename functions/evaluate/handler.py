"""The scheduled evaluation of the experiment in force: parse the event, call the use case, reply."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any, NamedTuple

from contender.errors import BadInput
from contender.usecases.evaluate import Evaluate
from contender.usecases.recover import Recover


class Program(NamedTuple):
    """What one event calls for, in this order: what was lost comes back, then all that is there is judged."""

    recover: Recover
    evaluate: Evaluate


@cache
def _program() -> Program:
    """Wires the use cases once per worker, on its first event."""
    return build(os.environ)


def build(environ: Mapping[str, str]) -> Program:
    """Makes clients and the use cases.

    Args:
        environ: See :class:`contender.experiment_settings.EvaluateSettings`.

    Raises:
        BadInput: Naming each variable that is missing or wrong.
    """
    import boto3

    from contender.adapters.dynamo_experiments import DynamoExperiments
    from contender.adapters.dynamo_late_records import DynamoLateRecords
    from contender.adapters.dynamo_log_reader import DynamoLogReader
    from contender.adapters.ecs_launcher import EcsLauncher
    from contender.adapters.s3_objects import S3Objects
    from contender.adapters.spilled_lines import SpilledLines
    from contender.adapters.ssm_parameters import SsmParameters
    from contender.adapters.telemetry import JsonLines
    from contender.experiment_settings import EvaluateSettings

    settings = EvaluateSettings.read(environ)
    dynamodb = boto3.client("dynamodb")
    experiments = DynamoExperiments(dynamodb, settings.experiments_table)
    observer = JsonLines(sys.stdout, "evaluate", environ.get("CONTENDER_STAGE", ""))
    recover = Recover(
        spilled=SpilledLines(boto3.client("logs"), settings.router_log_group),
        log=DynamoLateRecords(dynamodb, settings.predictions_table),
        bookmarks=experiments,
        observer=observer,
        clock=time.time,
    )
    evaluate = Evaluate(
        parameters=SsmParameters(boto3.client("ssm")),
        artifacts=S3Objects(boto3.client("s3"), settings.artifact_bucket),
        log=DynamoLogReader(dynamodb, settings.predictions_table),
        experiments=experiments,
        launcher=EcsLauncher(
            boto3.client("ecs"),
            settings.cluster_arn,
            settings.task_definition_arn,
            settings.container_name,
            settings.subnets,
            settings.security_groups,
        ),
        observer=observer,
        release_parameter=settings.release_parameter,
        split_parameter=settings.split_parameter,
        settings=settings.experiment,
        mode=settings.mode,
        clock=time.time,
    )
    return Program(recover, evaluate)


def handler(event: Mapping[str, Any] | None, context: Any) -> dict[str, Any]:
    """Answers the schedule, or a person.

    Args:
        event: The schedule's event, or ``{"mode": "auto"}`` of a person who agrees with what is advised.
        context: The Lambda context; not used.

    Returns:
        The fields of :class:`contender.usecases.evaluate.Evaluation`, and ``recovered``: how many records the
        prediction log has got that it had refused. They are judged by the next evaluation.
    """
    from contender.domain.lifecycle import Mode

    if event is not None and not isinstance(event, Mapping):
        raise BadInput.of("event", f"is of type {type(event).__name__}", 'send {}, or {"mode": "auto"}')
    asked = (event or {}).get("mode")
    if asked is not None and asked not in tuple(Mode):
        raise BadInput.of("mode", f"is {str(asked)[:40]!r}", f"send {' or '.join(Mode)}, or leave it out")
    program = _program()
    recovered = program.recover()
    answer = {
        **asdict(program.evaluate(None if asked is None else Mode(asked))),
        "recovered": recovered,
    }
    print(json.dumps({"level": "info", "event": "evaluation", **answer}))
    return answer
