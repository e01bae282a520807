"""The benchmark's own arithmetic; it asserts no time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.drift_chart import save_chart
from bench.drift_columns import DRIFTED, FEATURES
from bench.drift_data import write_window
from bench.drift_rows import rows_of
from bench.drift_runs import Subject, disagreements, run_once, unplanted
from bench.local_s3 import peer_environment
from bench.runs import Medians, Run


def runs(seconds: float, peak_mb: float, columns: dict[str, object] | None = None) -> Medians:
    return Medians.of([Run(seconds, seconds, peak_mb, {"columns": columns or {}})])


def column(name: str, **changes: object) -> dict[str, object]:
    drifted = name in DRIFTED
    statistic, p_value = (0.3, 0.0) if drifted else (0.001, 0.7)
    return {
        "drifted": drifted,
        "statistic": statistic,
        "effect": statistic,
        "bound": 0.0,
        "sizes": [1_000_000, 1_000_000],
        "p_value": p_value,
        **changes,
    }


def by_scipy(**changes: object) -> dict[str, dict[str, object]]:
    known = {name: column(name) for name in FEATURES if FEATURES[name] == "categorical"}
    return {
        name: {what: its[what] for what in ("statistic", "effect", "p_value")}
        | {"least_expected": 5.0}
        | changes
        for name, its in known.items()
    }


def answers(**changes: dict[str, object]) -> dict[str, object]:
    return {name: column(name, **changes.get(name, {})) for name in FEATURES}


def test_medians_are_over_rounds_and_memory_is_the_largest() -> None:
    of = Medians.of([Run(1.0, 2.0, 10.0, {}), Run(9.0, 8.0, 30.0, {}), Run(3.0, 4.0, 20.0, {"last": 1})])

    assert of == Medians(3, 3.0, 4.0, 30.0, ({}, {}, {"last": 1}))


def test_goals_are_those_of_a_million_rows() -> None:
    found = {
        Subject.OURS: runs(2.0, 300.0),
        Subject.EVIDENTLY: runs(99.0, 1_600.0),
        Subject.EVIDENTLY_KS: runs(40.0, 1_600.0),
        Subject.SCIPY: runs(3.6, 900.0),
    }
    lines = rows_of({10_000: found, 1_000_000: found}, {})
    goals = {line["measure"]: (line["ratio"], line["holds"]) for line in lines if line["goal"]}

    assert goals == {
        "1,000,000 rows, seconds, evidently": (49.5, False),
        "1,000,000 rows, peak MB, evidently": (5.33, True),
        "1,000,000 rows, seconds, scipy": (1.8, True),
    }


def test_growing_windows_have_goals_for_time_and_memory() -> None:
    growing = {rows * 1_000_000: runs(rows * 1.6, 200.0 + rows * 4) for rows in (1, 3, 10)}

    holds = {line["measure"]: line["holds"] for line in rows_of({}, growing)}

    assert holds["10,000,000 rows against a kept profile, seconds"] is False
    assert holds["10,000,000 rows against a kept profile, peak MB"] is True
    assert holds["peak memory at 10,000,000 rows / at 1,000,000"] is False
    assert holds["1,000,000 rows against a kept profile, seconds"] is None


def test_equal_answers_are_no_disagreement() -> None:
    scipy = {
        name: {"statistic": known["statistic"], "p_value": known["p_value"]}
        for name, known in answers().items()  # type: ignore[attr-defined]
        if FEATURES[name] == "numeric"
    }
    evidently = {
        name: {"drifted": known["drifted"], "value": known["p_value"]} for name, known in answers().items()
    }  # type: ignore[index]
    found = {
        Subject.OURS: runs(1, 1, answers()),
        Subject.OURS_KEPT: runs(1, 1, answers()),
        Subject.SCIPY: runs(1, 1, scipy),
        Subject.EVIDENTLY: runs(1, 1, evidently),
    }

    assert disagreements(found) == []


@pytest.mark.parametrize(
    ("subject", "theirs", "told"),
    [
        (Subject.SCIPY, {"n00": {"statistic": 0.0012, "p_value": 0.5}}, "D of n00"),
        (Subject.SCIPY, {"n00": {"statistic": 0.001, "p_value": 0.5}}, ""),
        (Subject.OURS_KEPT, answers(n01={"statistic": 0.002}), "with a kept profile"),
        (
            Subject.EVIDENTLY,
            {name: {"drifted": name != "c3", "value": 0.0} for name in FEATURES},
            "did not find ['c3']",
        ),
    ],
)
def test_a_different_answer_is_told(subject: Subject, theirs: dict[str, object], told: str) -> None:
    texts = disagreements({Subject.OURS: runs(1, 1, answers()), subject: runs(1, 1, theirs)})

    assert told in " ".join(texts)
    assert bool(texts) == bool(told)


def test_a_missed_drift_of_ours_is_told() -> None:
    missed = runs(1, 1, answers(n02={"drifted": False}))

    (text,) = disagreements({Subject.OURS: missed})

    assert "planted were" in text
    assert unplanted(missed) == [text]
    assert unplanted(runs(1, 1, answers())) == []


def test_every_round_is_compared() -> None:
    right, wrong = (Run(1, 1, 1, {"columns": its}) for its in (answers(), answers(n01={"statistic": 0.002})))
    found = {Subject.OURS: Medians.of([right, right]), Subject.OURS_KEPT: Medians.of([wrong, right])}

    assert disagreements(found) == ["ours answered otherwise with a kept profile"]
    assert len(unplanted(Medians.of([Run(1, 1, 1, {"columns": answers(c1={"drifted": False})}), right]))) == 1


def test_categorical_columns_have_the_numbers_of_scipy_where_nothing_is_pooled() -> None:
    ours = {Subject.OURS: runs(1, 1, answers())}

    assert disagreements(ours, by_scipy()) == []
    for what in ("statistic", "p_value", "effect"):
        assert f"{what} of c0 is 0.5 by SciPy" in " ".join(disagreements(ours, by_scipy(**{what: 0.5})))
    assert disagreements(ours, by_scipy(statistic=0.5, least_expected=4.9)) == []


def test_peers_get_none_of_our_packages_and_the_same_allocator(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}
    monkeypatch.setattr(
        "bench.drift_runs.run_process", lambda who, command, env, target: seen.update({who: env})
    )

    for subject in Subject:
        run_once(subject, "http://127.0.0.1:1", {"reference": ["r"], "current": ["c"]}, peer_environment())

    assert {env["MALLOC_ARENA_MAX"] for env in seen.values()} == {"2"}
    assert {subject for subject, env in seen.items() if "PYTHONPATH" in env} == {
        Subject.OURS,
        Subject.OURS_KEPT,
    }


def test_without_peers_ours_have_lines_of_their_own() -> None:
    found = {Subject.OURS: runs(1.0, 100.0), Subject.OURS_KEPT: runs(0.5, 90.0)}

    lines = rows_of({10_000: found}, {})

    assert [(line["ours"], line["peer"], line["ratio"]) for line in lines] == [
        (ours, None, None) for ours in (1.0, 100.0, 0.5, 90.0)
    ]


def test_windows_repeat_and_hold_numbers_that_float32_holds(tmp_path: Path) -> None:
    frames = []
    for name in ("a", "b"):
        write_window(tmp_path / name, 2_000, 7, moved=True)
        frames.append(pd.read_parquet(tmp_path / name))

    pd.testing.assert_frame_equal(*frames)
    assert list(frames[0]) == list(FEATURES)
    numbers = frames[0][[name for name, kind in FEATURES.items() if kind == "numeric"]].to_numpy()
    assert np.array_equal(numbers, numbers.astype(np.float32).astype(np.float64), equal_nan=True)


def test_the_chart_is_drawn(tmp_path: Path) -> None:
    found = {subject: runs(2.0, 300.0) for subject in Subject}

    save_chart({1_000: found}, {1_000_000: runs(1, 2), 10_000_000: runs(5, 2)}, tmp_path / "with.png")
    save_chart({1_000: found}, {}, tmp_path / "without.png")

    assert (tmp_path / "with.png").stat().st_size > (tmp_path / "without.png").stat().st_size > 1_000


def test_lines_are_plain_json() -> None:
    assert json.dumps(rows_of({10: {Subject.OURS: runs(1, 1), Subject.SCIPY: runs(2, 2)}}, {}))
