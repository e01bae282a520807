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
