"""Structured log lines, and metrics by CloudWatch's embedded metric format."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import TextIO

NAMESPACE = "Contender"


class JsonLines:
    """Implements :class:`contender.ports.Observer` by one JSON object a line.

    A problem carries the envelope of the embedded metric format (AWS, "Specification: Embedded metric
    format"), by which CloudWatch counts it without a call and without an agent.

    Args:
        stream: Where lines go; a Lambda's standard output is its log.
        service: Name of the program, a dimension of the metrics.
        stage: Deployment stage, the other dimension.
        clock: Epoch seconds.
    """

    def __init__(
        self, stream: TextIO, service: str, stage: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._stream = stream
        self._service = service
        self._stage = stage
        self._clock = clock

    def note(self, event: str, **fields: object) -> None:
        """Writes a line of level ``info``."""
        self._write({"level": "info", "event": event, **fields})

    def problem(self, event: str, detail: str) -> None:
        """Writes a line of level ``error`` that counts 1 on the metric named after the event."""
        self._write(
            {
                "level": "error",
                "event": event,
                "detail": detail,
                "service": self._service,
                "stage": self._stage,
                event: 1,
                "_aws": {
                    "Timestamp": int(self._clock() * 1000),
                    "CloudWatchMetrics": [
                        {
                            "Namespace": NAMESPACE,
                            # By stage alone too, for what more than one program can find out.
                            "Dimensions": [["service", "stage"], ["stage"]],
                            "Metrics": [{"Name": event, "Unit": "Count"}],
                        }
                    ],
                },
            }
        )

    def _write(self, line: Mapping[str, object]) -> None:
        self._stream.write(json.dumps(line, default=str, separators=(",", ":")) + "\n")
        self._stream.flush()
