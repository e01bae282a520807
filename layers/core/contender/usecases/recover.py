"""Brings predictions that the log refused back into it, from the router's own log."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from contender.domain.records import RECOVERABLE_S
from contender.errors import BadInput, StoreUnavailable
from contender.ports import Bookmarks, LateRecords, Observer, SpilledRecords
from contender.usecases.predict import iso_utc

BOOKMARK = "spilled"
"""Name of the bookmark: up to when the router's log has been read."""
LAG_S = 30.0
"""How far behind the present the router's log is read, in seconds: a write that timed out may arrive after
all (the router tries for 6 s), and must have arrived before its record is found missing."""
OVERLAP_S = 600.0
"""What is read once more each time, in seconds: lines bear the time at which they were written, and reach
CloudWatch later, mostly by seconds. Reading one twice changes nothing."""
SLICE_S = 900.0
"""What is read at a time, in seconds: after each the bookmark moves, so that one which dies loses little.
Every 5 minutes with the overlap it is one question; the first day is 96, and CloudWatch takes 5 a second."""
BUDGET_S = 60.0
"""Longest that one call goes on, in seconds, of the function's 240; the next goes on from the bookmark."""


class Recover:
    """Reads what the router spilled since the last time and logs what is missing, each record once.

    Two at once, or one that died half-way, do no harm: a record that is there is never overwritten.

    Args:
        spilled: What the router's log has.
        log: The prediction log.
        bookmarks: Up to when it was read.
        observer: Where it is noted, and what cannot be read or written.
        clock: Epoch seconds.
    """

    def __init__(
        self,
        spilled: SpilledRecords,
        log: LateRecords,
        bookmarks: Bookmarks,
        observer: Observer,
        clock: Callable[[], float],
    ) -> None:
        self._spilled = spilled
        self._log = log
        self._bookmarks = bookmarks
        self._observer = observer
        self._clock = clock

    def __call__(self) -> int:
        """Recovers what there is.

        Returns:
            How many records the log has got. A service that does not answer is reported, not raised: an
            evaluation need not wait for it, and the next call begins where this one stopped.
        """
        found = 0
        try:
            for added in self._slices():
                found += added
        except StoreUnavailable as error:
            self._observer.problem("spilled_unread", str(error))
        if found:
            self._observer.note("spilled_recovered", records=found)
        return found

    def _slices(self) -> Iterator[int]:
        started = self._clock()
        until = started - LAG_S
        read = self._bookmarks.bookmark(BOOKMARK)
        since = until - RECOVERABLE_S if read is None else read - OVERLAP_S
        while since < until and self._clock() - started < BUDGET_S:
            end = min(since + SLICE_S, until)
            yield self._slice(since, end)
            self._bookmarks.set_bookmark(BOOKMARK, end)
            since = end

    def _slice(self, since: float, until: float) -> int:
        added = 0
        for record in self._spilled.between(since, until):
            try:
                added += self._log.add(record, iso_utc(self._clock()))
            except BadInput as error:
                self._observer.problem("spilled_unreadable", str(error))
        return added
