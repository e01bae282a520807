"""The power table as a person asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import power
from tests.support.exports import Invented, items, write_export


def test_given_defaults_then_effects_and_splits_are_tabled(capsys: pytest.CaptureFixture[str]) -> None:
    assert power.main(["--effects", "0.02", "--splits", "0.1,0.5"]) == 0
    printed = capsys.readouterr().out
    assert "12,559" in printed  # (1.96 + 0.84)² · 0.16 / (0.25 · 0.02²)
    assert "accuracy of about 80%" in printed


def test_given_effects_that_the_verdict_retires_or_does_not_wait_for_then_they_are_marked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert power.main(["--accuracy", "0.8", "--effects", "0.007,0.01,0.05", "--splits", "0.5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {effect: next(x for x in lines if f" {effect} " in x) for effect in ("0.007", "0.01", "0.05")}
    assert " 0.007 * " in rows["0.007"]
    assert "†" in rows["0.007"]
    assert " 0.01 * " in rows["0.01"]
    assert "†" not in rows["0.01"]  # 91,701
    assert not {"*", "†"} & set(rows["0.05"])
    said = " ".join(lines)
    assert "decided at 100,000 outcomes at the latest" in said
    assert "0.016 here" in said


def test_given_a_deviation_alone_then_the_margin_is_told_but_no_row_is_marked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert power.main(["--deviation", "0.4", "--effects", "0.02", "--splits", "0.5"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "not known here: no row is marked" in printed
    assert "0.02 *" not in printed


def test_given_an_accuracy_of_1_for_b_then_it_is_possible() -> None:
    assert power.main(["--accuracy", "0.8", "--effects", "0.2"]) == 0


def test_given_an_export_then_the_spread_is_that_of_its_outcomes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_export(tmp_path, items(Invented(requests=300)))
    assert power.main(["--export", str(tmp_path), "--metric", "brier"]) == 0
    assert "Brier score of A" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--effects", "0"], "effect: is 0"),
        (["--accuracy", "1"], "--accuracy: is 1"),
        (["--accuracy", "0.8", "--effects", "0.5"], "B's accuracy would be 130%"),
        (["--accuracy", "0.3", "--effects", "0.1,-0.4"], "give differences from -0.3 to 0.7"),
        (["--level", "2"], "level: is 2"),
        (["--export", "/nowhere"], "no folder /nowhere"),
    ],
)
def test_given_wrong_options_then_they_are_named(
    options: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert power.main(options) == 1
    assert says in capsys.readouterr().out


def test_given_no_list_then_usage_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        power.main(["--effects", "big"])
    assert "list of numbers" in capsys.readouterr().err
