"""The program, reduced: its table, its file, its ends."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from simulations import drift
from simulations.drift_cases import CASES
from simulations.drift_rules import Tally, generator_of


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    out = tmp_path_factory.mktemp("simulation") / "out" / "drift.json"
    return drift.main(["--quick", "--out", str(out)]), json.loads(out.read_text())


def test_the_reduced_run_holds_all_its_goals(quick):
    code, rows = quick

    assert code == 0
    assert len(rows) == len(CASES)
    for row in rows:
        assert row["holds"] is (row["upper"] <= row["goal"]) is True
        assert 0 <= row["rate"] <= row["upper"] <= 1
        assert sum(row["verdicts"].values()) == row["pairs"]
        assert set(row["peers"]) == {"seed"}


def test_small_windows_are_not_judged_and_large_ones_are(quick):
    verdicts = {row["case"]: row["verdicts"] for row in quick[1]}

    assert set(verdicts["false alarm: no drift, 200 rows"]) == {"insufficient_data"}
    assert set(verdicts["false alarm: no drift, 20,000 rows"]) == {"no_drift"}


def test_a_goal_that_does_not_hold_is_shown_and_ends_with_1(monkeypatch, tmp_path, capsys):
    def simulate(cases, **_):
        tallies = {(case.name, "contender"): Tally(100, 50, Counter(drift=50, no_drift=50)) for case in cases}
        yield drift.Step(1, 1, tallies)

    monkeypatch.setattr(drift, "simulate", simulate)

    assert drift.main(["--no-evidently", "--out", str(tmp_path / "x.json")]) == 1
    assert "NO" in capsys.readouterr().out
    assert not any(row["holds"] for row in json.loads((tmp_path / "x.json").read_text()))


def test_without_evidently_the_next_step_is_told(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(drift, "EVIDENTLY_PYTHON", tmp_path / "nowhere")

    assert drift.main(["--out", str(tmp_path / "x.json")]) == 2
    assert "make simulate-drift" in capsys.readouterr().err


def test_ctrl_c_writes_nothing(monkeypatch, tmp_path, capsys):
    def simulate(*_, **__):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(drift, "simulate", simulate)

    assert drift.main(["--quick", "--out", str(tmp_path / "x.json")]) == 130
    assert not (tmp_path / "x.json").exists()
    assert "stopped" in capsys.readouterr().err


def test_help_says_what_it_is_for(capsys):
    with pytest.raises(SystemExit) as ended:
        drift.main(["--help"])
    assert ended.value.code == 0
    assert "--no-evidently" in capsys.readouterr().out


def test_a_pair_does_not_depend_on_who_draws_it():
    first, again = (generator_of(1, CASES[0], 7).random() for _ in range(2))
    other = generator_of(1, CASES[0], 8).random()

    assert first == again != other
