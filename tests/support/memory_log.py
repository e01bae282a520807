"""The prediction log in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from contender.domain.records import Feedback, Outcome, PredictionRecord, ShadowAnswer
from contender.errors import BadInput, Conflict, NotFound
from tests.support.fakes import _Service


class MemoryPredictionLog(_Service):
    """A :class:`contender.ports.PredictionLog` in a dict."""

    def __init__(self) -> None:
        super().__init__("dynamodb")
        self.records: dict[str, PredictionRecord] = {}
        self.outcomes: dict[str, tuple[Outcome, str]] = {}
        self.values: dict[str, tuple[float, str]] = {}
        self.logged_at: dict[str, str] = {}

    def put(self, record: PredictionRecord) -> None:
        self._check()
        self.records[record.request_id] = record

    def add(self, record: Mapping[str, Any], at: str) -> bool:
        """Is :class:`contender.ports.LateRecords`, too."""
        self._check()
        try:
            shadow = record.get("shadow")
            late = PredictionRecord(
                **{**record, "shadow": None if shadow is None else ShadowAnswer(**shadow)}
            )
        except TypeError as error:
            raise BadInput.of("spilled record", str(error), "look at it") from error
        if late.request_id in self.records:
            return False
        self.records[late.request_id] = late
        self.logged_at[late.request_id] = at
        return True

    def set_outcome(self, request_id: str, told: Feedback, at: str) -> None:
        self._check()
        if request_id not in self.records:
            raise NotFound(f"no prediction {request_id} is logged")
        pairs: list[tuple[dict[str, tuple[Any, str]], Any]] = [
            (self.outcomes, told.outcome),
            (self.values, told.value),
        ]
        for stored, given in pairs:
            known = stored.get(request_id, (given, ""))[0]
            if given is not None and (
                isinstance(known, bool | str) is not isinstance(given, bool | str) or known != given
            ):
                raise Conflict(f"another outcome or value of {request_id} is already logged")
        first = [stored[request_id][1] for stored, _ in pairs if request_id in stored]
        at = first[0] if first else at
        for stored, given in pairs:
            if given is not None:
                stored.setdefault(request_id, (given, at))
