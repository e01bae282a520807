"""What the log has that an experiment's state does not know yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from contender.domain.dataset import Task
from contender.domain.experiment import Columns, Observation, ObservationTable
from contender.domain.records import log_shards
from contender.experiment_ports import ExperimentLog, LogPart

PART_LIMIT = 5_000
"""Records that are read of a shard at a time: of 8 shards and 2 indexes some 100 MB at most."""


class NewRecords(NamedTuple):
    """What is new.

    Attributes:
        requests: Records whose request is new.
        outcomes: Records whose feedback is new.
        upto: Up to when the log is read now.
        whole: Whether that is all there is; if not, ask again.
        reads: Parts that were asked for.
        malformed: Records that could not be read.
    """

    requests: Columns
    outcomes: Columns
    upto: str
    whole: bool
    reads: int
    malformed: int


def read_new(
    log: ExperimentLog,
    release: str,
    task: Task,
    since: float,
    after: str,
    until: str,
    limit: int = PART_LIMIT,
) -> NewRecords:
    """Reads what is new of a release, each shard of both indexes once.

    Where a shard has more than ``limit``, everything is read up to the time that all shards reach, so that
    no record is handed over twice or never.

    Args:
        log: The log.
        release: Digest of the release.
        task: What its models predict.
        since: When its experiment began, in epoch seconds: feedback on older requests is not its own.
        after: Up to when the log was read before; ISO 8601, UTC.
        until: Up to when it is to be read.
        limit: Most records of one shard.

    Returns:
        The new records.

    Raises:
        StoreUnavailable: When the log does not answer.
    """
    shards = log_shards(release)
    read: tuple[Callable[[str, str, str, int], LogPart], ...] = (log.requests, log.outcomes)
    requests, outcomes = ([ask(shard, after, until, limit) for shard in shards] for ask in read)
    parts = [*requests, *outcomes]
    upto = min(part.upto for part in parts)
    return NewRecords(
        requests=_columns(requests, upto, since, task),
        outcomes=_columns(outcomes, upto, since, task),
        upto=upto,
        whole=all(part.whole for part in parts),
        reads=len(parts),
        malformed=sum(part.malformed for part in parts),
    )


def _columns(parts: Sequence[LogPart], upto: str, since: float, task: Task) -> Columns:
    table = ObservationTable()
    for part in parts:
        for time, row in part.rows:
            if time <= upto and _belongs(row, since):
                table.add(row)
    return table.columns(task)


def _belongs(row: Observation, since: float) -> bool:
    return row.at >= since
