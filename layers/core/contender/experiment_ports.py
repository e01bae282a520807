"""What evaluation and promotion need from the outside, beside ``contender.ports``.

Apart from those because the statistics' types need SciPy, which the router does without.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from contender.domain.experiment import Observation
from contender.domain.lifecycle import ExperimentRecord, HistoryEntry


class LogPart(NamedTuple):
    """Some records of one shard of the log, in the order of the index that they were read by.

    Attributes:
        rows: The index's time of each record, and the record.
        upto: Up to when the shard is read without a gap, that time included; ISO 8601, UTC.
        whole: Whether that is all that was asked for.
        malformed: Records that could not be read; they are left out.
    """

    rows: Sequence[tuple[str, Observation]]
    upto: str
    whole: bool
    malformed: int


class ExperimentLog(Protocol):
    """The log of predictions as an evaluation reads it. Every method raises ``StoreUnavailable``.

    Times are ISO 8601, UTC, as the log has them; what lies in ``(after, until]`` is read, at most about
    ``limit`` records.
    """

    def requests(self, shard: str, after: str, until: str, limit: int) -> LogPart:
        """Reads records by the time at which they were logged: that of the request, or later for one that
        was recovered. They may lack an outcome that is there."""

    def outcomes(self, shard: str, after: str, until: str, limit: int) -> LogPart:
        """Reads records by the time when their feedback came."""


SAVE_TRIES = 5
"""How often an experiment is saved against evaluations that write at the same moment."""


class Experiments(Protocol):
    """The experiments and the history of deeds. Every method raises ``StoreUnavailable``."""

    def get(self, experiment_id: str) -> ExperimentRecord | None:
        """Reads an experiment."""

    def recent(self, limit: int) -> Sequence[ExperimentRecord]:
        """Reads the latest experiments, newest first."""

    def save(self, record: ExperimentRecord) -> ExperimentRecord:
        """Stores a record over the revision that it was made from, and gives it with its new revision.

        Revision 0 stores one that is not there yet. Raises ``Conflict`` when it moved meanwhile.
        """

    def append(self, entry: HistoryEntry) -> bool:
        """Adds to the history unless the same deed is told of already; tells whether it did."""

    def history(self, limit: int) -> Sequence[HistoryEntry]:
        """Reads the latest deeds, newest first."""

    def claim(self, name: str, owner: str, now: float, until: float) -> str:
        """Takes what only one may have at a time, if it is free, has expired, or is the owner's already.

        Times are epoch seconds. Gives an empty text when the owner has it until then, else who has it.
        """

    def let_go(self, name: str, owner: str) -> None:
        """Gives a claim back; nothing happens when it is not the owner's."""
