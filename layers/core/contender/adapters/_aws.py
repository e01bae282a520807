"""How botocore's errors become ours; the one place that reads an error code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contender.errors import NotFound, StoreUnavailable

MISSING = frozenset({"NoSuchKey", "404", "NotFound", "ParameterNotFound"})
"""Codes for a missing thing. A missing bucket or table is not among them: that is a service not set up."""

CONDITION_FAILED = "ConditionalCheckFailedException"

Client = Any
"""A client of boto3 or of botocore below it; neither ships types."""


def code_of(error: ClientError) -> str:
    """The service's error code."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def translated(service: str, what: str) -> Iterator[None]:
    """Raises ``NotFound`` or ``StoreUnavailable`` for what botocore raises inside.

    Args:
        service: Name of the service.
        what: What was being done, for the message (``get s3://bucket/key``).
    """
    try:
        yield
    except ClientError as error:
        if code_of(error) in MISSING:
            raise NotFound(f"{what}: {code_of(error)}") from error
        message = error.response.get("Error", {}).get("Message", "")
        raise StoreUnavailable(service, f"{what}: {code_of(error)} {message}") from error
    except BotoCoreError as error:
        raise StoreUnavailable(service, f"{what}: {error}") from error
