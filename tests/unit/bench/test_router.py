"""The router benchmark's own arithmetic and its checks of answers; it asserts no time."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.latency import quantile, time_calls
from bench.router_answers import disagreements
from bench.router_chart import save_chart
from bench.router_imports import Imports, by_module, by_package, lines_of
from bench.router_load import Change, faults, followed_s
from bench.router_ours import Logged
from bench.router_rows import GOALS, Load, rows_of
from bench.router_runs import LOGGING, Medians, Run, Runner, Subject
from contender.domain.assignment import assign
from contender.errors import ContenderError

SALT = "2-abc"
LABELS = ((0, 0.25), (1, 0.75))
"""Label and probability of class 1 that every side gives about two rows."""


def run(p50_ms: float = 1.0, answers: list[Any] | None = None, rows: int | None = None) -> Run:
    figures = {"p50_ms": p50_ms, "p99_ms": 2 * p50_ms, "seconds": p50_ms, "peak_mb": 100.0 * p50_ms}
    answers = answers or []
    return Run(figures, answers, len(answers) if rows is None else rows, calls=7, stored=7)


def by_router(labels: Any = LABELS) -> list[Any]:
    return [{"prediction": label, "probabilities": {"0": 1 - share, "1": share}} for label, share in labels]


def everyone() -> dict[Subject, list[Any]]:
    plain = [[label] for label, _ in LABELS]
    return {
        Subject.HANDLER: by_router(),
        Subject.LOGGED: by_router(),
        Subject.HTTP: by_router(),
        Subject.MODEL: [[label, {"0": 1 - share, "1": share}] for label, share in LABELS],
        Subject.COLD: by_router(LABELS[:1]),
        Subject.COLD_MODEL: [[0, {"0": 0.75, "1": 0.25}]],
        Subject.SERVE: [{"predictions": [label]} for label, _ in LABELS],
        Subject.SKLEARN: [[[1 - share, share]] for _, share in LABELS],
        Subject.PYFUNC: plain,
        Subject.PYCARET: plain[:1],
        Subject.PEER_COLD: [0],
    }


def found(**changes: list[Any]) -> dict[Subject, Medians]:
    return {
        subject: Medians.of([run(answers=changes.get(subject.name, answers), rows=len(answers))])
        for subject, answers in everyone().items()
    }


def record(number: int, share: float = 0.5, version: int = 1, at: float = 0.0, **changes: Any) -> Logged:
    unit = f"unit-{number}"
    known = Logged(f"id-{number}", at, unit, assign(SALT, unit, share).variant.value, share, version)
    return known._replace(**changes)


def load(**changes: Any) -> Load:
    return Load(1_000, 60_000, 60.2, [], [], 60, 5.1, 1.0, 9.0)._replace(**changes)


def test_quantiles_are_values_that_occurred() -> None:
    values = [float(number) for number in range(100, 0, -1)]

    assert (quantile(values, 0.5), quantile(values, 0.99), quantile([7.0], 0.5)) == (50.0, 99.0, 7.0)


def test_every_item_is_answered_once_and_then_asked_in_turn() -> None:
    asked: list[int] = []

    told = time_calls(lambda item: asked.append(item) or item * 2, [1, 2, 3], 4)

    assert told["answers"] == [2, 4, 6]
    assert asked == [1, 2, 3, 1, 2, 3, 1]
    assert 0 <= told["p50_ms"] <= told["p99_ms"]


def test_medians_are_over_rounds_and_memory_is_the_largest() -> None:
    summed = Medians.of([run(1.0), run(9.0), run(3.0, [1])])

    assert summed.figures == {"p50_ms": 3.0, "p99_ms": 6.0, "seconds": 3.0, "peak_mb": 900.0}
    assert [each.answers for each in summed.runs] == [[], [], [1]]


def test_each_goal_is_a_ratio_of_peer_and_ours() -> None:
    ours = {goal.ours for goal in GOALS}
    figures = {subject: Medians.of([run(1.0 if subject in ours else 15.0)]) for subject in Subject}

    lines = {line["measure"]: line for line in rows_of(figures, None)}

    handler = lines["event to response in the handler, p50 ms"]
    assert (handler["ratio"], handler["goal"], handler["holds"]) == (15.0, "ratio ≥ 15", True)
    assert lines["prediction alone, p50 ms, PyCaret"]["holds"] is False
    assert lines["HTTP on loopback, p99 ms"]["holds"] is None
    assert json.dumps(list(lines.values()))


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({}, None),
        ({"seconds": 70.0}, "load: requests a second"),
        ({"errors": ["503"]}, "load: errors"),
        ({"faults": ["lost"]}, "load: faults of the log (each request once)"),
        ({"followed_s": 10.1}, "load: split followed within, s (60 changes)"),
    ],
)
def test_traffic_holds_only_without_any_fault(changes: dict[str, Any], broken: str | None) -> None:
    missed = [line["measure"] for line in rows_of({}, load(**changes)) if line["holds"] is False]

    assert missed == ([] if broken is None else [broken])


def test_equal_answers_are_no_disagreement() -> None:
    assert disagreements(found()) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"SERVE": [{"predictions": [0]}, {"predictions": [0]}]}, "serve gives another label for 1 of 2"),
        ({"PYCARET": [[1]]}, "pycaret gives another label for 1 of 1"),
        ({"SKLEARN": [[[0.7499, 0.2501]], [[0.25, 0.75]]]}, "sklearn gives probabilities"),
        ({"SKLEARN": [[[0.5, float("nan")]], [[0.25, 0.75]]]}, "sklearn gives probabilities"),
        ({"HTTP": by_router([(0, 0.25), (1, 0.7500001)])}, ""),
        ({"SERVE": []}, "serve answered about 0 rows of 2"),
        ({"SKLEARN": [[[0.75, 0.25]]]}, "sklearn answered about 1 rows of 2"),
        ({"HANDLER": by_router(LABELS[:1])}, "handler answered about 1 rows of 2"),
        ({"COLD": [{"title": "Service Unavailable"}]}, "cold gives something else than predictions"),
    ],
)
def test_a_different_answer_is_told(changes: dict[str, list[Any]], told: str) -> None:
    texts = disagreements(found(**changes))

    assert told in " ".join(texts)
    assert bool(texts) == bool(told)


def test_every_round_is_compared() -> None:
    rounds = found(), found(PYFUNC=[[1], [1]]), found()
    runs = {subject: Medians.of([each[subject].runs[0] for each in rounds]) for subject in Subject}

    assert disagreements(runs) == ["pyfunc gives another label for 1 of 2 rows"]


@pytest.mark.parametrize("stored", [0, 6, 8, None])
def test_a_record_that_the_table_lacks_is_told(stored: int | None) -> None:
    runs = found()
    for subject in LOGGING:
        runs[subject] = Medians.of([runs[subject].runs[0]._replace(stored=stored)])

    assert len(disagreements(runs)) == len(LOGGING)
    assert "was called 7 times, the table has" in disagreements(runs)[0]


def told(runner: Runner, program: str) -> dict[str, Any]:
    return runner.told([sys.executable, "-c", program], dict(os.environ))


def test_a_process_that_complains_at_length_is_waited_for(tmp_path: Path) -> None:
    program = "import sys; sys.stderr.write('w' * 500_000); print('{\"answers\": [1]}')"

    assert told(Runner(tmp_path, os.environ), program)["answers"] == [1]


@pytest.mark.parametrize(
    ("program", "cause"),
    [
        ("import sys; sys.exit('out of luck')", "exit code 1:\nout of luck"),
        ("print('no')", "told nothing: 'no"),
    ],
)
def test_a_process_that_fails_says_why(tmp_path: Path, program: str, cause: str) -> None:
    with pytest.raises(ContenderError, match=cause):
        told(Runner(tmp_path, os.environ), program)


def test_a_sound_log_has_no_faults() -> None:
    records = [record(number, share=0.3, version=4) for number in range(20)]

    assert faults([each.request_id for each in records], records, {4: 0.3}, SALT) == []


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([record(0), record(0), record(1)], "1 requests were logged twice"),
        ([record(0)], "1 answers were not logged"),
        ([record(0), record(1), record(2)], "1 records belong to no answer"),
        ([record(0), record(1, share=0.4)], "1 records have a split that was never written"),
        ([record(0), record(1, assigned="?")], "1 units are not where their hash puts them"),
    ],
)
def test_each_fault_of_a_log_is_told(records: list[Logged], told: str) -> None:
    assert faults(["id-0", "id-1"], records, {1: 0.5}, SALT) == [told]


def test_following_counts_from_when_the_next_split_was_written() -> None:
    changes = [Change(1, 0.1, 10.0), Change(2, 0.2, 20.0), Change(3, 0.3, 30.0)]

    at = [(1, 15.0), (1, 24.0), (2, 31.5), (3, 99.0)]
    assert followed_s([record(0, version=version, at=when) for version, when in at], changes) == 4.0
    assert followed_s([], changes) == 0.0


def test_imports_add_up_by_package_without_what_they_import() -> None:
    lines = [
        "import time: self [us] | cumulative | imported package",
        "import time:      1500 |       1500 |     numpy.core",
        "import time:       500 |       2000 |   numpy",
        "import time:       250 |        250 |   json.decoder",
        "import time:       250 |        250 |   _json",
        "a warning",
    ]

    modules = by_module(lines)

    assert modules == {"numpy.core": 1.5, "numpy": 0.5, "json.decoder": 0.25, "_json": 0.25}
    assert by_package(modules) == {"numpy": 2.0, "standard library": 0.5}


def test_the_slowest_ten_modules_have_lines_without_goal() -> None:
    modules = [(f"m{number}", 20.0 - number) for number in range(12)]

    lines = lines_of(Imports([("m", 174.0)], modules, 3))

    assert [line["ours"] for line in lines] == [174.0, *(20.0 - number for number in range(10))]
    assert "m0" in lines[1]["measure"]
    assert {line["goal"] for line in lines} == {None}


def test_the_chart_is_drawn(tmp_path: Path) -> None:
    runs = {subject: Medians.of([run(0.5 + place)]) for place, subject in enumerate(Subject)}

    save_chart(runs, tmp_path / "chart.png")

    assert (tmp_path / "chart.png").stat().st_size > 1_000
