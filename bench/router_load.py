"""Sends predictions at a fixed rate, come what may, over several kept connections; then checks the log.

    python -m bench.router_load PORT FOLDER RATE SECONDS

A schedule that does not wait for answers: a request's time counts from when it was due, so that a server
which stalls cannot hide it. Prints one JSON line.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple

from bench.latency import quantile
from bench.router_client import HEADERS, predict_body
from bench.router_ours import Logged
from contender.domain.assignment import assign

CONNECTIONS = 4
"""More would only wait for the interpreter: each thread of the client holds it for most of a request."""


class Change(NamedTuple):
    """A change of the split.

    Attributes:
        version: Version of the parameter.
        share: Share of B.
        at: When it had been written, in epoch seconds.
    """

    version: int
    share: float
    at: float


def main(port: int, folder: Path, rate: int, seconds: int) -> None:
    """Sends and prints what came back."""
    rows = json.loads((folder / "rows.json").read_text())
    start = time.monotonic() + 0.5
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        turns = [range(lane, rate * seconds, CONNECTIONS) for lane in range(CONNECTIONS)]
        lanes = list(pool.map(lambda turn: _send(port, rows, turn, rate, start), turns))
    taken = [each for lane in lanes for each in lane["taken"]]
    told = {
        "ids": [each for lane in lanes for each in lane["ids"]],
        "errors": [each for lane in lanes for each in lane["errors"]],
        "seconds": time.monotonic() - start,
        "p50_ms": quantile(taken, 0.5) * 1e3,
        "p99_ms": quantile(taken, 0.99) * 1e3,
    }
    print(json.dumps(told), flush=True)


def _send(
    port: int, rows: Sequence[dict[str, Any]], turn: range, rate: int, start: float
) -> dict[str, list[Any]]:
    told: dict[str, list[Any]] = {"ids": [], "errors": [], "taken": []}
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    for number in turn:
        body = predict_body(rows[number % len(rows)], number).encode()
        due = start + number / rate
        time.sleep(max(0.0, due - time.monotonic()))
        try:
            connection.request("POST", "/predict", body, HEADERS)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, HTTPException) as error:
            told["errors"].append(repr(error))
            connection.close()
            continue
        told["taken"].append(time.monotonic() - due)
        if response.status == 200:
            told["ids"].append(json.loads(answer)["request_id"])
        else:
            told["errors"].append(f"{response.status}: {answer.decode(errors='replace')[:200]}")
    connection.close()
    return told


def followed_s(records: Sequence[Logged], changes: Sequence[Change]) -> float:
    """Gives the longest time for which a split was still used after the next had been written, in seconds.

    Args:
        records: What was logged.
        changes: Every change, versions ascending by one.

    Returns:
        0 when no record used an outdated split.
    """
    replaced = {change.version - 1: change.at for change in changes}
    return max((record.at - replaced.get(record.split_version, record.at) for record in records), default=0.0)


def faults(
    answered: Sequence[str], records: Sequence[Logged], shares: Mapping[int, float], salt: str
) -> list[str]:
    """Checks the log against the answers.

    Args:
        answered: Request ids of all answers.
        records: What was logged.
        shares: Version of the split → its share of B.
        salt: The release's.

    Returns:
        What is wrong, in words. Empty when every answer was logged once, nothing else was, every split is one
        that was written, and every unit is where its hash puts it under that split.
    """
    logged = [record.request_id for record in records]
    wrong = []
    if len(set(logged)) != len(logged):
        wrong.append(f"{len(logged) - len(set(logged))} requests were logged twice")
    if lost := set(answered) - set(logged):
        wrong.append(f"{len(lost)} answers were not logged")
    if more := set(logged) - set(answered):
        wrong.append(f"{len(more)} records belong to no answer")
    if odd := sum(shares.get(record.split_version) != record.split for record in records):
        wrong.append(f"{odd} records have a split that was never written")
    moved = sum(
        assign(salt, record.unit_id, record.split).variant.value != record.assigned for record in records
    )
    if moved:
        wrong.append(f"{moved} units are not where their hash puts them")
    return wrong


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    try:
        main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    except KeyboardInterrupt:
        sys.exit(130)
