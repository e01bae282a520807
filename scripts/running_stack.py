"""The local stack that runs, for programs that were told of no other."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError

from contender.adapters._aws import translated
from contender.errors import ContenderError
from infra.local.info import StackInfo
from infra.local.stack import find
from infra.local.tools import UP_STATE

_SAYS_WHERE = ("AWS_ENDPOINT_URL", "CONTENDER_API_URL", "DATA_BUCKET", "ARTIFACT_BUCKET", "AWS_PROFILE")


def running_stack(state: Path = UP_STATE) -> StackInfo | None:
    """Finds the stack that `make up` started, if it runs."""
    return find(state)


def adopt_running_stack(environ: MutableMapping[str, str], state: Path = UP_STATE) -> bool:
    """Completes an environment that names no stack with the variables of the one that runs here.

    Args:
        environ: Left alone when it already says where AWS, the API or a bucket is.
        state: Where `make up` keeps its state.

    Returns:
        Whether there was one to adopt.
    """
    if any(environ.get(name) for name in _SAYS_WHERE):
        return False
    stack = running_stack(state)
    if stack is None:
        return False
    environ.update(stack.env)
    return True


def required(environ: MutableMapping[str, str], name: str) -> str:
    """Reads a variable that a stack's environment has.

    Raises:
        ContenderError: When it is not set, with what to do about it.
    """
    value = environ.get(name, "")
    if not value:
        raise ContenderError(f"{name} is not known: start the local stack with `make up`, or set it")
    return value


def aws_client(service: str) -> Any:
    """Makes a client. Raises ``ContenderError`` as :func:`aws_session`."""
    with _told():
        return boto3.client(service)


def aws_session() -> boto3.Session:
    """Makes a session of which clients can be had.

    Raises:
        ContenderError: When they cannot, with what to set: no region, no such profile, no address.
    """
    with _told():
        session = boto3.Session()
        session.client("s3")
        session.client("dynamodb")  # S3 asks for no region
    return session


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ValueError) as error:
        raise ContenderError(
            f"AWS cannot be reached: {str(error).rstrip('.')}; set AWS_DEFAULT_REGION and AWS_PROFILE as for "
            "the aws tool, and AWS_ENDPOINT_URL, if at all, to http://… or https://…"
        ) from error


def stack_outputs(session: Any, stack: str) -> dict[str, str]:
    """Reads the outputs of a deployed stack. Raises ``StoreUnavailable`` when it is not there."""
    with translated("cloudformation", f"describe stack {stack}"):
        stacks = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}
