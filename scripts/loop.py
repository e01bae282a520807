"""The loop's own moves as a client of the deployed stack: upload, check, wait for training."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import boto3

from contender.adapters.dynamo_runs import DynamoRunRecords
from contender.adapters.s3_objects import S3Objects
from contender.domain.records import RunRecord, RunState

POLL_S = 1.0
TRAINING_LIMIT_S = 900.0
"""A search of the demo's size takes about a minute; longer than this and something hangs."""


class LoopFailed(Exception):
    """The loop did something else than it should; the message says what and where to look."""


class Loop:
    """Drives a deployed stack through AWS's own interfaces.

    Args:
        session: Points at the account or emulator.
        data_bucket: The data bucket.
        runs_table: The run records.
        check_function: Name of the drift function.
        schedule_name: Name of its schedule.
    """

    def __init__(
        self,
        session: boto3.Session,
        data_bucket: str,
        runs_table: str,
        check_function: str,
        schedule_name: str,
    ) -> None:
        self._s3 = session.client("s3")
        self._lambda = session.client("lambda")
        self._scheduler = session.client("scheduler")
        self._data_bucket = data_bucket
        self._runs = DynamoRunRecords(session.client("dynamodb"), runs_table)
        self._check_function = check_function
        self._schedule_name = schedule_name

    def upload(self, root: Path, *paths: Path) -> None:
        """Uploads files and folders under the keys that their paths below ``root`` give."""
        for path in paths:
            for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
                if file.is_file():
                    self._s3.upload_file(str(file), self._data_bucket, file.relative_to(root).as_posix())

    def keys(self, prefix: str) -> list[str]:
        """Lists what lies in the data bucket below a prefix. Raises ``StoreUnavailable``."""
        return [info.key for info in S3Objects(self._s3, self._data_bucket).list(prefix)]

    def delete(self, keys: Sequence[str]) -> None:
        """Deletes objects of the data bucket."""
        for key in keys:
            self._s3.delete_object(Bucket=self._data_bucket, Key=key)

    def schedule_event(self) -> dict[str, Any]:
        """Reads the event that the deployed schedule sends to the drift function."""
        schedule = self._scheduler.get_schedule(Name=self._schedule_name)
        return dict(json.loads(schedule["Target"].get("Input") or "{}"))

    def check(self, event: dict[str, Any]) -> dict[str, Any]:
        """Invokes the drift function and gives its answer.

        Raises:
            LoopFailed: With the function's own error.
        """
        answer = self._lambda.invoke(FunctionName=self._check_function, Payload=json.dumps(event).encode())
        content = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError") or not isinstance(content, dict) or "verdict" not in content:
            raise LoopFailed(f"the drift check failed: {json.dumps(content)[:2000]}")
        return content

    def wait_for_training(self, run_key: str, progress: Callable[[str], None]) -> RunRecord:
        """Waits until a training has ended.

        Args:
            run_key: Its run record.
            progress: Told every second what is going on.

        Returns:
            The record, succeeded or rejected.

        Raises:
            LoopFailed: When it failed or takes longer than ``TRAINING_LIMIT_S``.
        """
        started = time.monotonic()
        while (waited := time.monotonic() - started) < TRAINING_LIMIT_S:
            record = self._runs.get(run_key)
            if record is None:
                raise LoopFailed(f"the run record {run_key} is gone")
            if record.state is RunState.FAILED:
                raise LoopFailed(f"the training failed: {record.detail}")
            if record.state in (RunState.SUCCEEDED, RunState.REJECTED):
                return record
            progress(f"training, {waited:.0f} s so far")
            time.sleep(POLL_S)
        raise LoopFailed(f"the training did not end within {TRAINING_LIMIT_S:.0f} s")
