"""Lines of ``out/bench-router.json``: what was measured, against which goal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bench.report import Line, line
from bench.router_runs import Medians, Subject

FOLLOWED_WITHIN_S = 10.0
"""What the router promises of a change of the split, in seconds."""


class Goal(NamedTuple):
    """A comparison with a peer.

    Attributes:
        measure: In words.
        ours: Who of us.
        peer: Who else.
        figure: What is compared; less is better.
        least: So many times less it has to be; ``None`` without a goal.
    """

    measure: str
    ours: Subject
    peer: Subject
    figure: str
    least: float | None


GOALS = (
    Goal("event to response in the handler, p50 ms", Subject.HANDLER, Subject.SERVE, "p50_ms", 15),
    Goal("event to response in the handler, p99 ms", Subject.HANDLER, Subject.SERVE, "p99_ms", 15),
    Goal("HTTP on loopback, p50 ms", Subject.HTTP, Subject.SERVE, "p50_ms", 3),
    Goal("HTTP on loopback, p99 ms", Subject.HTTP, Subject.SERVE, "p99_ms", None),
    Goal("prediction alone, p50 ms, PyCaret", Subject.MODEL, Subject.PYCARET, "p50_ms", 2_000),
    Goal("prediction alone, p50 ms, scikit-learn", Subject.MODEL, Subject.SKLEARN, "p50_ms", 20),
    Goal("prediction alone, p50 ms, mlflow.pyfunc", Subject.MODEL, Subject.PYFUNC, "p50_ms", 20),
    Goal("with an acknowledged log record, p50 ms", Subject.LOGGED, Subject.SERVE, "p50_ms", 2),
    Goal("with an acknowledged log record, p99 ms", Subject.LOGGED, Subject.SERVE, "p99_ms", None),
    Goal("fresh process to first answer, router, s", Subject.COLD, Subject.PEER_COLD, "seconds", 8),
    Goal("peak MB of the router", Subject.COLD, Subject.PEER_COLD, "peak_mb", 3),
    Goal("fresh process to first answer, model, s", Subject.COLD_MODEL, Subject.PEER_COLD, "seconds", 8),
    Goal("peak MB of the model alone", Subject.COLD_MODEL, Subject.PEER_COLD, "peak_mb", 3),
)  # fmt: skip
"""The table of the benchmark. The whole router reads split, release and model from the emulator and logs;
the peer reads a folder and logs nothing, as the router's adapter does alone in the lines after."""


class Load(NamedTuple):
    """What a minute of traffic came to.

    Attributes:
        rate: Requests a second that were due.
        sent: Requests.
        seconds: Time they took.
        errors: Those without an answer of status 200, in words.
        faults: What is wrong with the log, in words.
        changes: Changes of the split meanwhile.
        followed_s: Longest time that a split was used after the next had been written, in seconds.
        p50_ms: Time from when a request was due to its answer.
        p99_ms: Likewise.
    """

    rate: int
    sent: int
    seconds: float
    errors: list[str]
    faults: list[str]
    changes: int
    followed_s: float
    p50_ms: float
    p99_ms: float


def rows_of(found: Mapping[Subject, Medians], load: Load | None) -> list[Line]:
    """Makes the lines.

    Args:
        found: Subject → its runs.
        load: What the traffic came to, where there was any.

    Returns:
        Lines, see :func:`bench.report.line`; ``ratio`` is peer / ours: how many times better.
    """
    lines: list[Line] = []
    for measure, who, other, figure, least in GOALS:
        if who not in found or other not in found:
            continue
        ours, peer = found[who].figures[figure], found[other].figures[figure]
        goal, holds = (None, None) if least is None else (f"ratio ≥ {least:,g}", peer / ours >= least)
        rounds = len(found[who].runs)
        lines.append(line(measure, ours, peer, goal=goal, holds=holds, rounds=rounds, digits=4))
    return lines if load is None else [*lines, *_of_load(load)]


def _of_load(load: Load) -> list[Line]:
    # Late is late: a second more than a minute for a minute's requests means that the rate was not held.
    rate, least = load.sent / load.seconds, 0.98 * load.rate
    return [
        line("load: requests a second", rate, goal=f"≥ {least:,g}", holds=rate >= least, rounds=1),
        line("load: errors", len(load.errors), goal="0", holds=not load.errors, rounds=1),
        line(
            "load: faults of the log (each request once)",
            len(load.faults),
            goal="0",
            holds=not load.faults,
            rounds=1,
        ),
        line(
            f"load: split followed within, s ({load.changes} changes)",
            load.followed_s,
            goal=f"≤ {FOLLOWED_WITHIN_S:g}",
            holds=load.followed_s <= FOLLOWED_WITHIN_S,
            rounds=1,
        ),
        line("load: p50 ms from when it was due", load.p50_ms, rounds=1),
        line("load: p99 ms from when it was due", load.p99_ms, rounds=1),
    ]
