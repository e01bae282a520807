"""What all benchmarks do as programs."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from bench import report
from contender.errors import ContenderError

BENCHMARKS = ("drift", "router", "analysis", "training")


def main_of(name: str) -> Callable[[Sequence[str]], int]:
    main: Callable[[Sequence[str]], int] = importlib.import_module(f"bench.{name}").main
    return main


@pytest.mark.parametrize("name", BENCHMARKS)
@pytest.mark.parametrize("rounds", ["0", "x", "101"])
def test_wrong_rounds_are_refused(name: str, rounds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main_of(name)(["--rounds", rounds])
    assert stopped.value.code == 2
    assert "whole number from 1 to 100" in capsys.readouterr().err


@pytest.mark.parametrize("name", BENCHMARKS)
def test_without_the_peers_environment_it_says_what_to_do(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(f"bench.{name}.PEERS_PYTHON", Path("/nowhere"))

    assert main_of(name)([]) == 2
    assert f"make bench-{name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "code", "told"), [(KeyboardInterrupt(), 130, "Stopped."), (ContenderError("why"), 1, "why")]
)
def test_what_ends_the_work_early_ends_the_program_and_leaves_no_folder(
    error: BaseException, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        pytest.raises(SystemExit) as stopped,
        report.working("drift", Console(), "starting") as (folder, _),
    ):
        (folder / "file").touch()
        raise error

    assert stopped.value.code == code
    assert told in capsys.readouterr().out
    assert not folder.exists()


def test_lines_and_chart_are_kept_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [{"measure": "größe", "ours": 1.0}]

    report.keep(lines, lambda path: path.write_bytes(b"png"), "x", tmp_path / "new", Console(width=500))

    assert json.loads((tmp_path / "new/bench-x.json").read_text()) == lines
    assert (tmp_path / "new/bench-x.png").read_bytes() == b"png"
    assert "bench-x.json and" in capsys.readouterr().out
