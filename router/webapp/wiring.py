"""Puts the router together from an environment: the only place here that makes clients."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping

from botocore.config import Config
from flask import Flask

from contender.adapters.cold_clients import session_of
from contender.adapters.dynamo_log import DynamoPredictionLog
from contender.adapters.onnx_model import load_onnx
from contender.adapters.s3_objects import S3Objects
from contender.adapters.ssm_parameters import SsmParameters
from contender.adapters.telemetry import JsonLines
from contender.domain.request_id import NOISE_BYTES, new_request_id
from contender.ports import PredictionLog
from contender.settings import RouterSettings
from contender.usecases.feedback import GiveFeedback
from contender.usecases.predict import Predict
from contender.usecases.serving import Serving
from contender.usecases.shadow import Shadow
from webapp.app import Services, create_app

# A caller waits for these: fail fast, try once more, then answer without them.
_QUICK = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})
# A model may be 50 MB: time-outs are per read of it. The defaults would outlast API Gateway.
_LARGE = Config(connect_timeout=1, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})


def build_app(environ: Mapping[str, str], log: PredictionLog | None = None) -> Flask:
    """Makes clients, use cases and the app.

    Args:
        environ: See :class:`contender.settings.RouterSettings`.
        log: Takes the predictions; by default the table that the environment names.

    Returns:
        The WSGI app.

    Raises:
        BadInput: Naming each variable that is missing or wrong.
    """
    settings = RouterSettings.read(environ)
    observer = JsonLines(sys.stdout, "router", environ.get("CONTENDER_STAGE", ""))
    aws = session_of("ssm", "s3", "dynamodb")
    serving = Serving(
        parameters=SsmParameters(aws.create_client("ssm", config=_QUICK)),
        artifacts=S3Objects(aws.create_client("s3", config=_LARGE), settings.artifact_bucket),
        load_model=load_onnx,
        observer=observer,
        release_parameter=settings.release_parameter,
        split_parameter=settings.split_parameter,
        refresh_s=settings.refresh_s,
        clock=time.monotonic,
    )
    if log is None:
        dynamodb = aws.create_client("dynamodb", config=_QUICK)
        log = DynamoPredictionLog(dynamodb, settings.predictions_table)
    predict = Predict(
        serving=serving,
        log=log,
        observer=observer,
        spill=_print_line,
        retention_s=settings.retention_days * 86_400,
        clock=time.time,
        new_id=lambda: new_request_id(time.time(), os.urandom(NOISE_BYTES)),
        shadow=Shadow(observer) if settings.shadow else None,
    )
    return create_app(Services(serving, predict, GiveFeedback(serving, log, time.time), observer))


def _print_line(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
