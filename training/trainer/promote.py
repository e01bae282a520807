"""Carries out the verdict of an experiment: ``python -m trainer.promote``, launched by ``evaluate``."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping

import boto3

from contender.adapters.dynamo_experiments import DynamoExperiments
from contender.adapters.mlflow_registry import MlflowRegistry
from contender.adapters.s3_objects import S3Objects
from contender.adapters.ssm_parameters import SsmParameters
from contender.adapters.telemetry import JsonLines
from contender.errors import BadInput, ContenderError
from contender.experiment_settings import PromoteSettings
from contender.ports import Observer
from contender.usecases.declaration import read_dataset
from contender.usecases.promote import Promote
from trainer.stopping import Stopped, Stops

FAILED, MISUSED = 1, 2
LIMIT_S = 600
"""Longest life of the task in seconds: it makes a dozen small calls and copies one model at most. What it
has not done then, the next try does."""


def main(environ: Mapping[str, str]) -> int:
    """Carries out one verdict.

    Args:
        environ: See :class:`contender.experiment_settings.PromoteSettings`.

    Returns:
        Exit code: 0 when the experiment is settled, 1 when it is not yet, 2 for a wrong environment, 124
        after the time limit, 143 after SIGTERM or Ctrl-C.
    """
    observer = JsonLines(sys.stdout, "promote", environ.get("CONTENDER_STAGE", ""))
    try:
        settings = PromoteSettings.read(environ)
    except BadInput as error:
        print(f"trainer.promote: {error}", file=sys.stderr)
        return MISUSED
    with Stops(LIMIT_S) as stops:
        try:
            _promote(settings, observer)
        except (Exception, Stopped) as error:
            stops.over()
            if stops.told is None and not isinstance(error, ContenderError):
                raise
            reason = "stopped before it was done; the next try goes on" if stops.told else str(error)
            observer.problem("promotion_failed", reason)
            return stops.told.code if stops.told else FAILED
    return 0


def _promote(settings: PromoteSettings, observer: Observer) -> None:
    s3 = boto3.client("s3")
    data = S3Objects(s3, settings.data_bucket)
    promote = Promote(
        registry=MlflowRegistry(settings.tracking_uri, settings.model_name),
        artifacts=S3Objects(s3, settings.artifact_bucket),
        parameters=SsmParameters(boto3.client("ssm")),
        experiments=DynamoExperiments(boto3.client("dynamodb"), settings.experiments_table),
        observer=observer,
        dataset=lambda: read_dataset(data),
        release_parameter=settings.release_parameter,
        split_parameter=settings.split_parameter,
        initial_split=settings.initial_split,
        clock=time.time,
    )
    promote(settings.experiment_id)


if __name__ == "__main__":
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "4")  # 7 would hide a dead server for minutes
    sys.exit(main(os.environ))
