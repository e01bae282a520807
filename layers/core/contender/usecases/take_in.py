"""Brings an experiment's state up to what the log knows."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime
from typing import NamedTuple

from contender.domain.experiment import ExperimentSettings, ExperimentState
from contender.domain.lifecycle import ExperimentRecord
from contender.domain.release import Release
from contender.errors import BadInput
from contender.experiment_ports import ExperimentLog
from contender.ports import Observer
from contender.usecases.new_records import read_new
from contender.usecases.predict import iso_utc

LAG_S = 30.0
"""How far behind the present the log is read, in seconds. A record bears the time of its answer, but may be
stored some seconds later (the router's write has 6 s with its retry, an index follows within about a second,
clocks differ by less than one); read too early it would be passed over for ever."""
ROUNDS = 10
"""Most rounds of reading in one evaluation: some 400,000 records of backlog; the next goes on from there."""
SKEW_S = 1.0
"""How much older than its release's parameter a record may seem to be, in seconds: clocks differ."""


class Counted(NamedTuple):
    """What was taken in.

    Attributes:
        requests: New records.
        outcomes: New feedback.
        reads: Parts of the log that were asked for.
    """

    requests: int = 0
    outcomes: int = 0
    reads: int = 0


class TakeIn:
    """Reads what is new and looks once for each round of reading.

    Args:
        log: The prediction log.
        observer: Where unreadable records are reported.
        settings: How experiments are judged.
        clock: Epoch seconds.
        part_limit: Most records that are read of a shard at a time.
    """

    def __init__(
        self,
        log: ExperimentLog,
        observer: Observer,
        settings: ExperimentSettings,
        clock: Callable[[], float],
        part_limit: int,
    ) -> None:
        self._log = log
        self._observer = observer
        self._settings = settings
        self._clock = clock
        self._part_limit = part_limit

    def __call__(
        self, record: ExperimentRecord, release: Release
    ) -> tuple[ExperimentRecord, ExperimentState, Counted]:
        """Takes in what came since the record was last brought up to date.

        Args:
            record: The experiment; one that was counted by other settings, or whose state cannot be read,
                is begun anew from its first record.
            release: Its release.

        Returns:
            The record with its new state, that state, and what was new.

        Raises:
            StoreUnavailable: When the log does not answer.
        """
        settings = json.dumps(asdict(self._settings), sort_keys=True)
        state = _state(record) if record.settings == settings else None
        if state is None:
            state, record = ExperimentState(), replace(record, settings=settings, read_until="")
        since = datetime.fromisoformat(record.started_at).timestamp() - SKEW_S
        after, until = record.read_until or iso_utc(since), iso_utc(self._clock() - LAG_S)
        counted = Counted()
        for _ in range(ROUNDS if after < until else 0):
            new = read_new(
                self._log, release.digest, release.dataset.task, since, after, until, self._part_limit
            )
            state = state.advance(new.requests, new.outcomes, self._settings)
            after = new.upto
            counted = Counted(
                counted.requests + len(new.requests),
                counted.outcomes + len(new.outcomes),
                counted.reads + new.reads,
            )
            if new.malformed:
                self._observer.problem("record_unreadable", f"{new.malformed} records of {release.digest}")
            if new.whole:
                break
        packed = zlib.compress(json.dumps(state.to_dict()).encode())
        return replace(record, read_until=after, state=packed), state, counted


def _state(record: ExperimentRecord) -> ExperimentState | None:
    if not record.state:
        return None
    try:
        return ExperimentState.from_dict(json.loads(zlib.decompress(record.state)))
    except (BadInput, ValueError, zlib.error):
        return None  # of an older format
