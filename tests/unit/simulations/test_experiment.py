"""The experiments' simulation, reduced; and that it plays the product's own rules."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contender.domain.experiment.judge import judge
from contender.domain.experiment.metrics import ACCURACY
from contender.domain.experiment.sequence import RunningEstimate, SequenceInterval, served_increments
from contender.domain.experiment.sequential_ratio import RatioMonitor
from contender.domain.experiment.settings import Evidence
from contender.domain.experiment.verdict import Facts, Reason
from simulations import experiment, experiment_verdicts
from simulations.experiment_cases import Tally, cases
from simulations.experiment_rules import (
    LOOK_EVERY,
    SETTINGS,
    Course,
    World,
    by_pairs,
    by_repeated_test,
    by_sequence,
)
from simulations.experiment_verdicts import DECISIONS, UNDECIDED, codes, firsts
from simulations.experiment_worlds import labels, moving, moving_labels, shadowed, shadowed_labels, still


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, list[dict[str, Any]]]:
    out = tmp_path_factory.mktemp("simulation") / "out" / "experiment.json"
    code = experiment.main(["--quick", "--workers", "1", "--out", str(out)])
    return code, json.loads(out.read_text())


def test_the_reduced_run_holds_all_its_goals(quick: tuple[int, list[dict[str, Any]]]) -> None:
    code, rows = quick
    assert code == 0
    assert len(rows) == len(cases()) + 2  # two cases ask for the bias too
    for row in rows:
        assert row["holds"] is (row["upper"] <= row["goal"]) is True
        assert 0 <= row["rate"] <= row["upper"] <= 1


def test_the_repeated_test_errs_where_the_sequence_does_not(quick: tuple[int, list[dict[str, Any]]]) -> None:
    rows = {row["case"]: row for row in quick[1]}
    still_ = rows["A/A, even split: a winner is claimed"]
    assert still_["rate"] < 0.08
    assert still_["peer_rate"] > 0.2
    moved = next(row for name, row in rows.items() if "while the base rate moves" in name)
    assert moved["rate"] < 0.08
    assert moved["peer_rate"] > 0.9


@pytest.mark.parametrize("make", [still, moving, shadowed])
def test_the_rules_of_many_runs_are_the_products(make: Any) -> None:
    world = make(np.random.default_rng(1), 3, 10 * LOOK_EVERY)
    course = by_sequence(world)
    p = np.broadcast_to(world.probability_b, world.scores.shape)
    for run in range(3):
        x, w, _ = served_increments(world.scores[run], world.is_b[run], p[run])
        unit, alone = np.arange(x.size, dtype=np.uint64), np.ones(x.size, dtype=bool)
        for look in (4, 10):
            upto = slice(0, look * LOOK_EVERY)
            one = RunningEstimate().add(x[upto], w[upto], unit[upto], alone[upto])
            found = one.interval(SETTINGS.planned_information, SETTINGS.level)
            assert course.value[run, look - 1] == pytest.approx(found.value, rel=1e-9)
            assert course.half[run, look - 1] == pytest.approx(found.upper - found.value, rel=1e-9)
    if world.lead is not None:
        pairs = by_pairs(world)
        lead = world.lead[0]
        error = lead.std() / math.sqrt(lead.size)
        assert pairs.value[0, -1] == pytest.approx(lead.mean())
        assert pairs.half[0, -1] > 3 * error


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize(
    ("effect", "margin"), [(-0.1, 0.02), (0.0, 0.02), (0.008, 0.02), (0.05, 0.02), (0.1, 0.2)]
)
def test_the_verdicts_of_many_runs_are_the_products_at_every_look(
    paired: bool, effect: float, margin: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 25
    settings = replace(SETTINGS, margin=margin, max_outcomes=(looks - 1) * LOOK_EVERY)
    monkeypatch.setattr(experiment_verdicts, "SETTINGS", settings)
    make, rule = (shadowed_labels, by_pairs) if paired else (labels, by_sequence)
    world = make(np.random.default_rng(7), 3, looks * LOOK_EVERY, effect)
    course = rule(world)
    said = codes(course, world)
    for run, look in np.ndindex(said.shape):
        reason = judge(_facts(world, course, run, look, paired), settings).reasons[0]
        if said[run, look] == UNDECIDED:
            assert reason in (Reason.UNDECIDED, Reason.TOO_EARLY)
        else:
            assert reason is DECISIONS[said[run, look]]
    assert (said[:, -1] < UNDECIDED).all()  # all have run out at least


def _facts(world: World, course: Course, run: int, look: int, paired: bool) -> Facts:
    n = (look + 1) * LOOK_EVERY
    is_b, value, half = world.is_b[run, :n], course.value[run, look], course.half[run, look]
    error, information = half / 3, float(n if paired else n / 4)
    ratio = RatioMonitor().result(SETTINGS.alarm_below)
    return Facts(
        metric=ACCURACY,
        estimate=SequenceInterval(value, value - half, value + half, value, value, error, n, information),
        decided_by=Evidence.PAIRED if paired else Evidence.SERVED,
        a_value=float(world.scores[run, :n][~is_b].mean()),
        scored=n,
        outcomes_a=int((~is_b).sum()),
        outcomes_b=int(is_b.sum()),
        ratio=ratio,
        outcome_ratio=ratio,
        guardrails=(),
        rate=math.nan,
        first_at=0.0,
        last_at=0.0,
    )


def test_the_first_decision_is_the_first() -> None:
    found = firsts(np.array([[UNDECIDED, 2, 0], [UNDECIDED] * 3, [1, 2, 2]]))
    assert found.code.tolist() == [2, UNDECIDED, 1]
    assert found.at.tolist() == [2 * LOOK_EVERY, math.inf, LOOK_EVERY]


def test_the_margin_retires_what_is_below_it_and_ships_what_is_above(
    quick: tuple[int, list[dict[str, Any]]],
) -> None:
    first = {row["case"]: row["first_decision"] for row in quick[1] if "first_decision" in row}
    assert len(first) == 10
    for name, shares in first.items():
        assert sum(shares.values()) == pytest.approx(1.0)
        if "half" not in name:
            ships = "better" in name
            assert shares["better"] > 0.8 if ships else shares["worse"] + shares["too_little"] > 0.8


def test_the_repeated_test_is_welchs() -> None:
    world = labels(np.random.default_rng(2), 2, 5 * LOOK_EVERY, 0.05)
    course = by_repeated_test(world)
    b, a = world.scores[0][world.is_b[0]], world.scores[0][~world.is_b[0]]
    error = math.sqrt(a.var(ddof=1) / a.size + b.var(ddof=1) / b.size)
    assert course.value[0, -1] == pytest.approx(b.mean() - a.mean())
    assert course.half[0, -1] == pytest.approx(1.959964 * error, rel=1e-6)


def test_the_worlds_hold_the_effect_they_promise() -> None:
    rng = np.random.default_rng(3)
    world = labels(rng, 50, 20_000, 0.05)
    assert world.scores[world.is_b].mean() - world.scores[~world.is_b].mean() == pytest.approx(0.05, abs=5e-3)
    pairs = shadowed_labels(rng, 50, 20_000, 0.02)
    assert pairs.lead is not None
    assert pairs.lead.mean() == pytest.approx(0.02, abs=2e-3)
    assert by_sequence(moving_labels(rng, 400, 6000, 0.03)).value[:, -1].mean() == pytest.approx(
        0.03, abs=3e-3
    )


def test_the_result_depends_on_the_seed_alone() -> None:
    chosen = [case for case in cases(scale=0.004) if "A/A, even" in case.name]
    one, other = (
        [*experiment.simulate(chosen, seed=5, workers=workers)][-1].tallies[0] for workers in (1, 2)
    )
    assert (one.runs, one.hits, one.peer) == (other.runs, other.hits, other.peer)


def test_a_goal_that_does_not_hold_is_shown_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def simulate(chosen: Any, **_: Any) -> Any:
        yield experiment.Step(1, 1, [Tally(100, 90) for _ in chosen])

    monkeypatch.setattr(experiment, "simulate", simulate)
    assert experiment.main(["--out", str(tmp_path / "x.json")]) == 1
    assert "NO" in capsys.readouterr().out
    assert not any(row["holds"] for row in json.loads((tmp_path / "x.json").read_text()))


def test_ctrl_c_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def simulate(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(experiment, "simulate", simulate)
    assert experiment.main(["--out", str(tmp_path / "x.json")]) == 130
    assert "nothing was written" in capsys.readouterr().err
    assert not (tmp_path / "x.json").exists()


def test_help_and_wrong_options(capsys: pytest.CaptureFixture[str]) -> None:
    for options, code in ((["--help"], 0), (["--workers", "0"], 2)):
        with pytest.raises(SystemExit) as stopped:
            experiment.main(options)
        assert stopped.value.code == code
    assert "--quick" in capsys.readouterr().out
