"""The scheduled drift check: parse the event, call the use case, reply."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

from contender.errors import BadInput
from contender.usecases.check_drift import CheckDrift
from contender.usecases.check_predictions import CheckPredictions


@cache
def _check() -> CheckDrift:
    """Wires the use case once per worker, on its first event."""
    return build(os.environ)


def build(environ: Mapping[str, str]) -> CheckDrift:
    """Makes clients and the use case.

    Args:
        environ: See :class:`contender.settings.CheckSettings`, and for the JSON objects in
            ``DRIFT_SETTINGS``, ``LAUNCH_RULE`` and ``DRIFT_CLASSIFIER`` :mod:`contender.drift_settings`.

    Raises:
        BadInput: Naming each variable that is missing or wrong.
    """
    import boto3

    from contender.adapters.dynamo_runs import DynamoRunRecords
    from contender.adapters.ecs_launcher import EcsLauncher
    from contender.adapters.kept_profiles import KeptProfiles
    from contender.adapters.s3_objects import S3Objects
    from contender.adapters.ssm_parameters import SsmParameters
    from contender.adapters.telemetry import JsonLines
    from contender.adapters.windows_duckdb import DuckDbWindows
    from contender.drift_settings import classifier_settings, drift_settings, launch_rule
    from contender.settings import CheckSettings

    settings = CheckSettings.read(environ)
    s3 = boto3.client("s3")
    data, artifacts = S3Objects(s3, settings.data_bucket), S3Objects(s3, settings.artifact_bucket)
    return CheckDrift(
        data=data,
        artifacts=artifacts,
        windows=DuckDbWindows(data, KeptProfiles(artifacts)),
        runs=DynamoRunRecords(boto3.client("dynamodb"), settings.runs_table),
        parameters=SsmParameters(boto3.client("ssm")),
        launcher=EcsLauncher(
            boto3.client("ecs"),
            settings.cluster_arn,
            settings.task_definition_arn,
            settings.container_name,
            settings.subnets,
            settings.security_groups,
        ),
        observer=JsonLines(sys.stdout, "detect_drift", environ.get("CONTENDER_STAGE", "")),
        release_parameter=settings.release_parameter,
        settings=drift_settings(environ.get("DRIFT_SETTINGS", "")),
        training_limit_s=settings.training_limit_s,
        clock=time.time,
        launch_rule=launch_rule(environ.get("LAUNCH_RULE", "")),
        classifier=classifier_settings(environ.get("DRIFT_CLASSIFIER", "")),
    )


@cache
def _predictions() -> CheckPredictions | None:
    """Wires the check of predictions once per worker, where it is wanted."""
    return build_predictions(os.environ)


def build_predictions(environ: Mapping[str, str]) -> CheckPredictions | None:
    """Makes clients and the check of predictions; ``None`` where ``PREDICTION_DRIFT_HOURS`` is 0 or not set.

    Raises:
        BadInput: Naming each variable that is missing or wrong.
    """
    import boto3

    from contender.adapters.dynamo_log_reader import DynamoLogReader
    from contender.adapters.s3_objects import S3Objects
    from contender.adapters.ssm_parameters import SsmParameters
    from contender.adapters.telemetry import JsonLines
    from contender.drift_settings import drift_settings
    from contender.settings import CheckSettings

    settings = CheckSettings.read(environ)
    if not settings.prediction_hours:
        return None
    return CheckPredictions(
        artifacts=S3Objects(boto3.client("s3"), settings.artifact_bucket),
        parameters=SsmParameters(boto3.client("ssm")),
        log=DynamoLogReader(boto3.client("dynamodb"), settings.predictions_table),
        observer=JsonLines(sys.stdout, "detect_drift", environ.get("CONTENDER_STAGE", "")),
        release_parameter=settings.release_parameter,
        settings=drift_settings(environ.get("DRIFT_SETTINGS", "")),
        hours=settings.prediction_hours,
        clock=time.time,
    )


def handler(event: Mapping[str, Any] | None, context: Any) -> dict[str, Any]:
    """Answers the schedule, or a person.

    Args:
        event: The schedule's event, or ``{"window": "<id>"}`` to check a certain window.
        context: The Lambda context; not used.

    Returns:
        The fields of :class:`contender.usecases.launch_training.CheckResult`, and under ``predictions`` those
        of :class:`contender.usecases.check_predictions.PredictionCheck` where that is wanted.
    """
    if event is not None and not isinstance(event, Mapping):
        raise BadInput.of("event", f"is of type {type(event).__name__}", 'send {}, or {"window": "<id>"}')
    window = (event or {}).get("window")
    if window is not None and not (isinstance(window, str) and window.strip("/")):
        raise BadInput.of("window", "is not the id of a window", "send the name of a folder in current/")
    result = _check()(window.strip("/") if window else None)
    answer = asdict(result)
    predictions = _predictions()
    if predictions is not None:
        answer["predictions"] = asdict(predictions())
    print(json.dumps({"level": "info", "event": "check", **answer}))
    return answer
