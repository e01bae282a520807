"""Wires the training job, and sees to it that its end is always written down."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import boto3

from contender.adapters.dynamo_experiments import DynamoExperiments
from contender.adapters.dynamo_runs import DynamoRunRecords
from contender.adapters.mlflow_registry import MlflowRegistry
from contender.adapters.s3_objects import S3Objects
from contender.adapters.ssm_parameters import SsmParameters
from contender.domain.records import RunRecord, RunState
from contender.errors import BadInput, Conflict, ContenderError, NotFound
from contender.ports import RunRecords
from contender.settings import TrainerSettings
from contender.usecases.predict import iso_utc
from trainer.helpers import Helper
from trainer.steps import Steps
from trainer.stopping import Stopped, Stops

if TYPE_CHECKING:
    from trainer.job import Outcome

FAILED, MISUSED = 1, 2
MAX_DETAIL = 1_000
"""Longest reason on a run record, in characters; the log and the MLflow run have all of it."""


def main(environ: Mapping[str, str], helpers: Sequence[Helper] = ()) -> int:
    """Runs one training as its environment says.

    Args:
        environ: See :class:`contender.settings.TrainerSettings`; AWS's own variables are boto3's.
        helpers: Processes that do part of the search.

    Returns:
        Exit code: 0 when the record says succeeded or rejected, 1 after a failure, 2 for a wrong
        environment, 124 after its time limit, 143 after SIGTERM or Ctrl-C.
    """
    try:
        settings = TrainerSettings.read(environ)
    except BadInput as error:
        print(f"trainer: {error}", file=sys.stderr)
        return MISUSED
    steps = Steps(time.monotonic)
    runs = DynamoRunRecords(boto3.client("dynamodb"), settings.runs_table)
    with Stops(settings.time_limit_s) as stops:
        return supervise(
            runs, settings.run_key, lambda: _train(settings, helpers, steps, stops), steps, stops
        )


def supervise(
    runs: RunRecords, run_key: str, train: Callable[[], Outcome], steps: Steps, stops: Stops
) -> int:
    """Runs a training and writes its end down, whatever it is.

    Args:
        runs: The run records.
        run_key: The record of this training; it must be ``launched``.
        train: The training.
        steps: Where steps are reported.
        stops: What may end it.

    Returns:
        Exit code, see :func:`main`.
    """
    record = None
    try:
        record = claim(runs, run_key)
        outcome = train()
        finish(runs, record, outcome.state, outcome.detail, outcome.model_version)
    except (Exception, Stopped) as error:  # the record must not stay at launched
        stops.over()
        if record is None and stops.told is None and isinstance(error, ContenderError):
            steps.done("refused", str(error))
            return FAILED
        reason, code = _why(error, stops.told)
        _failed(runs, run_key, record, steps, reason)
        return code
    stops.over()
    steps.done("done", f"{outcome.state.value}: {outcome.detail}", model_version=outcome.model_version)
    return 0


def claim(runs: RunRecords, run_key: str) -> RunRecord:
    """Reads the record of this training.

    Args:
        runs: The run records.
        run_key: Its key.

    Returns:
        The record, in state ``launched``.

    Raises:
        NotFound: When there is none.
        Conflict: When it is in another state: another task has finished it, or nobody launched it.
        StoreUnavailable: When the table does not answer.
    """
    record = runs.get(run_key)
    if record is None:
        raise NotFound(f"RUN_KEY {run_key}: there is no such run record; start training by the drift check")
    if record.state is not RunState.LAUNCHED:
        raise Conflict(
            f"RUN_KEY {run_key}: the run is {record.state.value}, not launched; nothing is trained"
        )
    return record


def finish(
    runs: RunRecords, record: RunRecord, state: RunState, detail: str, model_version: str | None = None
) -> None:
    """Moves the record to its end, unless another attempt has taken it meanwhile.

    Raises:
        Conflict: When it is no longer this attempt's.
        StoreUnavailable: When the table does not answer.
    """
    changes: dict[str, object] = {
        "state": state.value,
        "finished_at": iso_utc(time.time()),
        "detail": detail[:MAX_DETAIL],
    }
    if model_version is not None:
        changes["model_version"] = model_version
    runs.move(record.run_key, record, **changes)


def _train(settings: TrainerSettings, helpers: Sequence[Helper], steps: Steps, stops: Stops) -> Outcome:
    # Imported here: scikit-learn, MLflow and the rest take seconds, in which the record is already claimed,
    # so that a broken installation is written down too.
    from trainer.job import Job, run_job
    from trainer.tracking import Tracking

    steps.done("start", f"training on {settings.train_prefix} ({settings.reason})", run_key=settings.run_key)
    s3 = boto3.client("s3")
    return run_job(
        Job(
            settings=settings,
            data=S3Objects(s3, settings.data_bucket),
            artifacts=S3Objects(s3, settings.artifact_bucket),
            parameters=SsmParameters(boto3.client("ssm")),
            experiments=DynamoExperiments(boto3.client("dynamodb"), settings.experiments_table),
            registry=MlflowRegistry(settings.tracking_uri, settings.model_name),
            tracking=Tracking(settings.tracking_uri, settings.model_name),
            steps=steps,
            helpers=helpers,
            hold_stops=stops.hold,
        )
    )


def _why(error: BaseException, told: Stopped | None) -> tuple[str, int]:
    """Gives the reason and the exit code of a training that was broken off."""
    error = told or error
    if isinstance(error, Stopped):
        return error.reason, error.code
    if not isinstance(error, ContenderError):
        traceback.print_exception(error)
    return f"{type(error).__name__}: {error}", FAILED


def _failed(runs: RunRecords, run_key: str, record: RunRecord | None, steps: Steps, reason: str) -> None:
    try:
        finish(runs, record or claim(runs, run_key), RunState.FAILED, reason)
    except ContenderError as error:
        reason = f"{reason}; and the run record could not be moved: {error}"
    steps.done("failed", reason)
