"""Predictions that the log refused, as the router wrote them into its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from contender.adapters._aws import Client, translated
from contender.domain.records import SPILLED


class SpilledLines:
    """Implements :class:`contender.ports.SpilledRecords` on CloudWatch Logs.

    Args:
        client: A boto3 CloudWatch Logs client.
        log_group: The router's log group.
    """

    def __init__(self, client: Client, log_group: str) -> None:
        self._client = client
        self._log_group = log_group

    def between(self, since: float, until: float) -> Iterator[Mapping[str, Any]]:
        """Reads what was spilled in a period, both ends included. Raises ``StoreUnavailable``."""
        yield from self._read(startTime=max(0, int(since * 1000)), endTime=int(until * 1000))

    def all(self) -> Iterator[Mapping[str, Any]]:
        """Reads all that the log group keeps. Raises ``StoreUnavailable``."""
        yield from self._read()

    def _read(self, **period: int) -> Iterator[Mapping[str, Any]]:
        with translated("logs", f"filter {self._log_group}"):
            pages = self._client.get_paginator("filter_log_events").paginate(
                logGroupName=self._log_group, filterPattern=f'"{SPILLED}"', **period
            )
            for page in pages:
                for event in page["events"]:
                    record = _record(event["message"])
                    if record is not None:
                        yield record


def _record(message: str) -> Mapping[str, Any] | None:
    """The record of a line; none for a line that only mentions spilled ones."""
    try:
        document = json.loads(message)
    except ValueError:
        return None
    record = document.get(SPILLED) if isinstance(document, dict) else None
    return record if isinstance(record, dict) and isinstance(record.get("request_id"), str) else None
