"""A minute of traffic through our server while the split changes every second."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from typing import Any

from bench.router_load import Change, faults, followed_s
from bench.router_ours import Logged
from bench.router_rows import Load
from bench.router_runs import Runner, Subject
from contender.domain.split import format_share
from contender.errors import ContenderError
from infra.local import processes

SHARES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.6, 0.4, 0.2)
"""What the split is set to in turn: never twice the same in a row."""


def traffic(runner: Runner, ssm: Any, parameter: str, salt: str, rate: int, seconds: int) -> Load:
    """Sends at a rate and changes the split each second.

    Args:
        runner: Starts server and client.
        ssm: A client of Parameter Store.
        parameter: Name of the split's parameter.
        salt: The release's.
        rate: Requests a second.
        seconds: How long.

    Returns:
        What it came to.

    Raises:
        ContenderError: When server or client fail.
    """
    shares = cycle(SHARES)
    changes = [_change(ssm, parameter, next(shares))]
    with runner.server(Subject.HTTP) as (port, log), ThreadPoolExecutor(1) as pool:
        command = [sys.executable, "-m", "bench.router_load", str(port), str(runner.folder)]
        client = pool.submit(runner.told, [*command, str(rate), str(seconds)], runner.env)
        due = time.monotonic()
        while not client.done():
            due += 1.0
            time.sleep(max(0.0, due - time.monotonic()))
            changes.append(_change(ssm, parameter, next(shares)))
        told = client.result()
    try:
        records = [Logged(*record) for record in json.loads(log.read_text().splitlines()[-1])["records"]]
    except (IndexError, KeyError, ValueError) as error:
        raise ContenderError(f"the server did not tell what it logged:\n{processes.tail(log)}") from error
    return Load(
        rate=rate,
        sent=len(told["ids"]) + len(told["errors"]),
        seconds=told["seconds"],
        errors=told["errors"],
        faults=faults(told["ids"], records, {change.version: change.share for change in changes}, salt),
        changes=len(changes) - 1,
        followed_s=followed_s(records, changes),
        p50_ms=told["p50_ms"],
        p99_ms=told["p99_ms"],
    )


def _change(ssm: Any, parameter: str, share: float) -> Change:
    answer = ssm.put_parameter(Name=parameter, Value=format_share(share), Type="String", Overwrite=True)
    return Change(int(answer["Version"]), share, time.time())
