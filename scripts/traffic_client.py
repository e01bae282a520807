"""Sends requests to the router over a few kept connections, and times them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

from contender.domain.records import Outcome
from scripts.traffic_engine import drive
from scripts.traffic_rows import Row, body

MAX_DETAIL = 300
"""Most characters of an answer that no one expected, as shown to people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back for one request.

    Attributes:
        index: Place in the order of sending, from 0.
        status: HTTP status; 0 when there was no answer.
        problem: Why it failed, in the server's words or the network's; ``None`` when it did not.
        sent_at: Epoch seconds.
        received_at: Epoch seconds when the answer was complete, or the wait was over.
    """

    index: int
    status: int
    problem: str | None
    sent_at: float
    received_at: float

    @property
    def ms(self) -> float:
        """Time from sending to the answer, in milliseconds."""
        return (self.received_at - self.sent_at) * 1000

    @property
    def ok(self) -> bool:
        """Whether the router did what was asked."""
        return self.problem is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response(Reply):
    """The reply to one ``POST /predict``; the fields of the answer are ``None`` when it failed.

    Attributes:
        row: What was sent.
        request_id: Key of the prediction in the log.
        variant: Assigned variant.
        model_used: Alias of the variant that answered.
        model_version: Its version.
        prediction: The answer.
    """

    row: Row
    request_id: str | None = None
    variant: str | None = None
    model_used: str | None = None
    model_version: str | None = None
    prediction: Outcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeReply(Reply):
    """The reply to one ``POST /feedback``.

    Attributes:
        request_id: Whose outcome was sent.
    """

    request_id: str


@dataclass(frozen=True, slots=True)
class TrafficResult:
    """Predictions that were asked for.

    Attributes:
        responses: One per row sent, in the order of sending.
        seconds: From the first request to the last answer.
    """

    responses: tuple[Response, ...]
    seconds: float

    @property
    def answered(self) -> tuple[Response, ...]:
        """Those that got a prediction."""
        return tuple(response for response in self.responses if response.ok)

    def outcomes(self) -> Iterator[tuple[str, Outcome]]:
        """Request id and true outcome of those answered whose outcome is known: for ``send_outcomes``."""
        for response in self.answered:
            if response.request_id is not None and response.row.outcome is not None:
                yield response.request_id, response.row.outcome


@dataclass(frozen=True, slots=True)
class OutcomesResult:
    """Outcomes that were sent.

    Attributes:
        replies: One per outcome, in the order of sending.
        seconds: From the first request to the last answer.
    """

    replies: tuple[OutcomeReply, ...]
    seconds: float

    @property
    def accepted(self) -> int:
        """How many the router took."""
        return sum(reply.ok for reply in self.replies)


def send(
    url: str,
    rows: Iterable[Row],
    concurrency: int = 4,
    on_response: Callable[[Response], None] | None = None,
    rate: float | None = None,
) -> TrafficResult:
    """Asks for predictions, by name and by position in turn. Nothing is sent twice.

    Args:
        url: Base URL of the API, without ``/predict``.
        rows: Taken one by one; requests start in their order.
        concurrency: Requests under way at once, at least 1.
        on_response: Called in this thread after each answer, in the order in which answers arrive, while
            others are under way. What it raises ends the traffic and is raised here.
        rate: Most requests per second; as fast as answers come by default.

    Returns:
        Every reply; failed ones too.

    Raises:
        ValueError: When ``concurrency`` or ``rate`` is too small.
        KeyboardInterrupt: After the requests under way have come back and ``on_response`` has seen them.
    """

    def predict(pool: urllib3.PoolManager, index: int, row: Row) -> Response:
        status, document, problem, sent_at, received_at = _post(
            pool, f"{url.rstrip('/')}/predict", body(row, positional=index % 2 == 1)
        )
        if problem is None and not (isinstance(document, dict) and "request_id" in document):
            problem = f"not an answer of the router: {json.dumps(document)[:MAX_DETAIL]}"
        answer: Mapping[str, Any] = document if problem is None and isinstance(document, dict) else {}
        return Response(
            index=index,
            status=status,
            problem=problem,
            sent_at=sent_at,
            received_at=received_at,
            row=row,
            request_id=answer.get("request_id"),
            variant=answer.get("variant"),
            model_used=answer.get("model_used"),
            model_version=answer.get("model_version"),
            prediction=answer.get("prediction"),
        )

    started = time.perf_counter()
    responses = drive(rows, predict, concurrency, on_response, rate)
    responses.sort(key=lambda response: response.index)
    return TrafficResult(tuple(responses), time.perf_counter() - started)


def send_outcomes(
    url: str,
    pairs: Iterable[tuple[str, Outcome]],
    concurrency: int = 4,
    on_response: Callable[[OutcomeReply], None] | None = None,
) -> OutcomesResult:
    """Tells the router what really happened; arguments, results and errors as of :func:`send`.

    Args:
        url: Base URL of the API, without ``/feedback``.
        pairs: Request id and outcome.
        concurrency: Requests under way at once, at least 1.
        on_response: Called in this thread after each answer.
    """

    def feedback(pool: urllib3.PoolManager, index: int, pair: tuple[str, Outcome]) -> OutcomeReply:
        request_id, outcome = pair
        status, _, problem, sent_at, received_at = _post(
            pool, f"{url.rstrip('/')}/feedback", {"request_id": request_id, "outcome": outcome}
        )
        return OutcomeReply(
            index=index,
            status=status,
            problem=problem,
            sent_at=sent_at,
            received_at=received_at,
            request_id=request_id,
        )

    started = time.perf_counter()
    replies = drive(pairs, feedback, concurrency, on_response, None)
    replies.sort(key=lambda reply: reply.index)
    return OutcomesResult(tuple(replies), time.perf_counter() - started)


def _post(
    pool: urllib3.PoolManager, url: str, document: object
) -> tuple[int, object, str | None, float, float]:
    sent_at, started = time.time(), time.perf_counter()
    try:
        answer = pool.request(
            "POST",
            url,
            body=json.dumps(document, allow_nan=False).encode(),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
        )
    except urllib3.exceptions.HTTPError as error:
        return 0, None, _network_problem(error), sent_at, sent_at + time.perf_counter() - started
    received_at = sent_at + time.perf_counter() - started
    try:
        content = json.loads(answer.data) if answer.data else None
    except ValueError:
        content = answer.data.decode(errors="replace")
    problem = None if 200 <= answer.status < 300 else _detail(content)
    return answer.status, content, problem, sent_at, received_at


def _detail(content: object) -> str:
    """The most telling text of an error: RFC 9457's detail or title, or API Gateway's own message."""
    if isinstance(content, dict):
        for field in ("detail", "title", "message", "Message"):
            if isinstance(content.get(field), str) and content[field]:
                return str(content[field])[:MAX_DETAIL]
    return (content if isinstance(content, str) else json.dumps(content))[:MAX_DETAIL] or "empty answer"


def _network_problem(error: Exception) -> str:
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        return "cannot connect: " + str(error).rpartition(": ")[2]
    if isinstance(error, urllib3.exceptions.TimeoutError):
        return "timed out"
    return f"{type(error).__name__}: {error}"[:MAX_DETAIL]
