"""Sends random but valid requests to the router, or a file's rows in order, and says what came back."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from contender.errors import ContenderError
from contender.usecases.declaration import read_dataset
from infra.local.tools import UP_STATE
from scripts.traffic_client import OutcomeReply, Reply, Response, TrafficResult, send, send_outcomes
from scripts.traffic_rows import Row, rows_from_file, sample_rows
from scripts.traffic_target import find_target

DEFAULT_N = 100

GIVE_UP_AFTER = 10
"""If none of the first so many requests gets an answer, nothing will: the address or the stack is wrong."""


class Unreachable(ContenderError):
    """Nothing answers at the URL."""


def summary(result: TrafficResult) -> str:
    """Describes predictions: how many, by variant and model, failures, latency.

    Args:
        result: May be empty.

    Returns:
        Lines of text. Latencies are of the answered requests only, by linear interpolation.
    """
    answered = result.answered
    sent = len(result.responses)
    speed = f" ({sent / result.seconds:,.0f} requests/s)" if sent and result.seconds > 0 else ""
    lines = [f"{sent:,} sent in {result.seconds:.1f} s{speed}, {len(answered):,} answered"]
    if answered:
        lines.append(f"variant     {_shares(response.variant for response in answered)}")
        lines.append(f"model used  {_shares(response.model_used for response in answered)}")
        p50, p99 = np.percentile([response.ms for response in answered], [50, 99])
        lines.append(f"latency     p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    return "\n".join([*lines, *_failures(result.responses)])


def outcomes_summary(replies: Sequence[Reply], seconds: float) -> str:
    """Describes outcomes that were sent: how many were accepted, and why others were not."""
    accepted = sum(reply.ok for reply in replies)
    line = f"{len(replies):,} outcomes sent in {seconds:.1f} s, {accepted:,} accepted"
    return "\n".join([line, *_failures(replies)])


def _shares(values: Iterable[str | None]) -> str:
    counts = Counter(values)
    total = counts.total()
    return ", ".join(
        f"{value} {count:,} ({count / total:.1%})"
        for value, count in sorted(counts.items(), key=lambda pair: str(pair[0]))
    )


def _failures(replies: Iterable[Reply]) -> list[str]:
    failed = [reply for reply in replies if not reply.ok]
    first: dict[int, str | None] = {}
    for reply in failed:
        first.setdefault(reply.status, reply.problem)
    return [
        f"failed      {count:,} x {status or 'no answer'}: {first[status]}"
        for status, count in sorted(Counter(reply.status for reply in failed).items())
    ]


class _Run:
    """One run of the program: keeps what came back, so that Ctrl-C can still tell."""

    def __init__(self, url: str, concurrency: int, rate: float | None, bar: Progress) -> None:
        self._url = url
        self._concurrency = concurrency
        self._rate = rate
        self._bar = bar
        self._responses: list[Response] = []

    def predictions(self, rows: Sequence[Row]) -> tuple[TrafficResult, bool]:
        """Sends rows. Gives the result and whether it was interrupted. Raises ``Unreachable``."""
        task = self._bar.add_task("predictions", total=len(rows))

        def seen(response: Response) -> None:
            self._responses.append(response)
            self._bar.advance(task)
            if len(self._responses) == min(GIVE_UP_AFTER, len(rows)) and not any(
                response.status for response in self._responses
            ):
                raise Unreachable(
                    f"nothing answers at {self._url} ({response.problem}); "
                    "is the stack up (`make up`), and the address right?"
                )

        try:
            return send(self._url, rows, self._concurrency, seen, self._rate), False
        except KeyboardInterrupt:
            times = [(response.sent_at, response.received_at) for response in self._responses]
            seconds = max(b for _, b in times) - min(a for a, _ in times) if times else 0.0
            return TrafficResult(tuple(self._responses), seconds), True

    def outcomes(self, result: TrafficResult) -> tuple[list[OutcomeReply], bool]:
        """Sends the outcomes that are known. Gives the replies and whether it was interrupted."""
        pairs = list(result.outcomes())
        task = self._bar.add_task("outcomes", total=len(pairs))
        replies: list[OutcomeReply] = []

        def seen(reply: OutcomeReply) -> None:
            replies.append(reply)
            self._bar.advance(task)

        try:
            send_outcomes(self._url, pairs, self._concurrency, seen)
        except KeyboardInterrupt:
            return replies, True
        return replies, False


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Runs the program.

    Returns:
        0 when everything was answered and accepted, 1 when something was not, 2 when it could not start,
        130 after Ctrl-C.
    """
    options = _parser().parse_args(arguments)
    try:
        return _run(options, os.environ if environ is None else environ)
    except ContenderError as error:
        print(f"traffic: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("traffic: stopped before the first request", file=sys.stderr)
        return 130


def _run(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    target = find_target(options.url, options.data_dir, options.bucket, environ, options.state_dir)
    dataset = read_dataset(target.store)
    if options.in_order is not None:
        rows = rows_from_file(options.in_order, dataset, options.n)
    else:
        rows = sample_rows(target.store, dataset, options.n or DEFAULT_N, np.random.default_rng(options.seed))
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        run = _Run(target.url, options.concurrency, options.rate, bar)
        result, interrupted = run.predictions(rows)
        replies: list[OutcomeReply] = []
        if options.feedback and not interrupted:
            replies, interrupted = run.outcomes(result)
    print(summary(result))
    if replies:
        seconds = max(reply.received_at for reply in replies) - min(reply.sent_at for reply in replies)
        print(outcomes_summary(replies, seconds))
    if interrupted:
        print("traffic: stopped", file=sys.stderr)
        return 130
    return 0 if all(reply.ok for reply in (*result.responses, *replies)) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.traffic",
        description="Sends random but valid requests, drawn from the data set's windows, to the router; with "
        "--in-order a file's rows. Known outcomes follow by POST /feedback.",
        epilog="Without --url and --bucket, CONTENDER_API_URL and DATA_BUCKET say where; without those, the "
        "local stack that `make up` started.",
    )
    parser.add_argument("--url", help="base URL of the API, without /predict")
    parser.add_argument(
        "--n", type=_positive_int, help=f"requests (default: {DEFAULT_N}; all with --in-order)"
    )
    parser.add_argument("--concurrency", type=_positive_int, default=4, help="at once (default: %(default)s)")
    parser.add_argument(
        "--rate", type=_positive, metavar="R", help="most requests per second (default: no limit)"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="folder with dataset.json and the windows"
    )
    where.add_argument("--bucket", help="S3 bucket with dataset.json and the windows")
    parser.add_argument(
        "--in-order",
        type=Path,
        metavar="FILE",
        help="send this Parquet or CSV file's rows in order; with --n, so many of them, evenly spread",
    )
    parser.add_argument(
        "--feedback",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="send known outcomes afterwards (default: yes)",
    )
    parser.add_argument("--seed", type=_seed, help="of the random rows (default: another each time)")
    parser.add_argument(
        "--state-dir", type=Path, default=UP_STATE, help="of the local stack (default: %(default)s)"
    )
    return parser


def _positive_int(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


if __name__ == "__main__":
    sys.exit(main())
