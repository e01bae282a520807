"""Finds the API to send to and the data set to draw from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from contender.adapters.local_objects import LocalObjects
from contender.adapters.s3_objects import S3Objects
from contender.errors import BadInput, ContenderError
from contender.ports import ObjectStore
from scripts.running_stack import aws_client, running_stack


@dataclass(frozen=True, slots=True)
class Target:
    """Where traffic goes, and what it is made of.

    Attributes:
        url: Base URL of the API.
        store: Has ``dataset.json`` and the windows.
    """

    url: str
    store: ObjectStore


def find_target(
    url: str | None, data_dir: Path | None, bucket: str | None, environ: Mapping[str, str], state: Path
) -> Target:
    """Takes what was given, else the environment, else the running local stack.

    Args:
        url: Base URL of the API, or ``None``.
        data_dir: Local folder of a data set, or ``None``.
        bucket: Data bucket, or ``None``.
        environ: May have ``CONTENDER_API_URL``, ``DATA_BUCKET``, and AWS's own variables.
        state: Folder where the local stack keeps its state.

    Raises:
        BadInput: When the URL is none, or the folder is not there.
        ContenderError: When nothing says where the API or the data set is.
    """
    url = url or environ.get("CONTENDER_API_URL")
    bucket = bucket or environ.get("DATA_BUCKET")
    stack = None if url and (data_dir or bucket) else running_stack(state)
    if not url:
        if stack is None:
            raise ContenderError(
                "no API is known: start the local stack with `make up`, or give --url or CONTENDER_API_URL"
            )
        url = str(stack.api_url)
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise BadInput.of("url", f"is {url!r}", "give the API's address, http://… or https://…")
    if data_dir is not None:
        if not data_dir.is_dir():
            raise BadInput.of("data-dir", f"{data_dir} is no folder", "name one with dataset.json in it")
        return Target(url, LocalObjects(data_dir))
    if bucket:
        return Target(url, S3Objects(aws_client("s3"), bucket))
    if stack is None:
        raise ContenderError(
            "no data set is known: start the local stack with `make up`, "
            "or give --data-dir, --bucket or DATA_BUCKET"
        )
    return Target(url, S3Objects(stack.client("s3"), stack.data_bucket))
