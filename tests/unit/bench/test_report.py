"""What all benchmarks do as programs."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from rich.console import Console

from bench import (
    analysis_runs,
    drift_rows,
    drift_runs,
    report,
    router_imports,
    router_rows,
    router_runs,
    training,
)
from bench.runs import Medians, Run
from bench.training_runs import Trained
from contender.errors import ContenderError
from infra.local.errors import LocalStackError
from infra.local.tools import ROOT

BENCHMARKS = ("drift", "router", "analysis", "training")
SIGNALLED = """
import subprocess, sys
from rich.console import Console
from bench import report
with report.working("signal", Console(), "working") as (folder, _):
    print(folder, flush=True)
    subprocess.run([sys.executable, "-c", "import time; time.sleep(60)"])
"""


def documented() -> list[str]:
    """What follows ``.venv/bin/python -m`` where the docs and the Makefile start a benchmark."""
    found = set()
    for name in ("docs/benchmarks.md", "Makefile"):
        for line in (ROOT / name).read_text().splitlines():
            start, _, command = line.strip().lstrip("@").partition(".venv/bin/python -m ")
            if not start and command.startswith("bench."):
                found.add(command.partition("#")[0].partition("$")[0].strip())
    return sorted(found)


def main_of(name: str) -> Callable[[Sequence[str]], int]:
    main: Callable[[Sequence[str]], int] = importlib.import_module(f"bench.{name}").main
    return main


def test_every_benchmark_is_documented() -> None:
    assert {command.split()[0] for command in documented()} == {f"bench.{name}" for name in BENCHMARKS}


@pytest.mark.parametrize("command", documented())
def test_a_documented_command_starts_in_a_clean_environment(command: str) -> None:
    env = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    done = subprocess.run(
        [sys.executable, "-m", *command.split(), "--help"],
        env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert command.split()[0] in done.stdout


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
    ("error", "code", "told"),
    [
        (KeyboardInterrupt(), 130, "Stopped."),
        (ContenderError("why: [red] is no markup"), 1, "why: [red] is no markup"),
        (LocalStackError("no port", "find one"), 1, "no port\nfind one"),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
    ],
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


def test_a_log_that_goes_with_the_folder_is_not_named(capsys: pytest.CaptureFixture[str]) -> None:
    with (
        pytest.raises(SystemExit),
        report.working("drift", Console(), "starting") as (folder, _),
    ):
        raise LocalStackError("it ended:\n  the last line", f"The whole log is {folder}/x.log")

    told = capsys.readouterr().out
    assert "the last line" in told
    assert "x.log" not in told


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_end_it_as_an_interrupt_does(number: signal.Signals) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "layers/core")])}
    with subprocess.Popen(
        [sys.executable, "-c", SIGNALLED], env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as program:
        assert program.stdout is not None
        folder = Path(program.stdout.readline().strip())
        time.sleep(0.5)  # so that the child has started
        assert folder.is_dir()
        program.send_signal(number)
        told, _ = program.communicate(timeout=30)

    assert program.returncode == 128 + number
    assert "Stopped." in told
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.killpg(program.pid, 0)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_folder_that_cannot_be_written_is_found_before_the_work(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(f"bench.{name}.PEERS_PYTHON", Path(sys.executable))
    (tmp_path / "file").touch()

    assert main_of(name)(["--out", str(tmp_path / "file")]) == 2
    assert "cannot be written" in capsys.readouterr().out


def test_a_disk_that_fills_up_is_told_after_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def draw(path: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(SystemExit):
        report.keep([], draw, "x", tmp_path, Console(width=500))
    assert "No space left on device" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({}, "drift"),
        ({"quick": True, "only_ours": False}, "drift-quick"),
        ({"quick": False, "only_ours": True}, "drift-only-ours"),
    ],
)
def test_a_shortened_run_has_files_of_its_own(given: dict[str, bool], name: str) -> None:
    assert report.run_name("drift", argparse.Namespace(**given)) == name


def test_a_shortened_run_has_no_goals() -> None:
    whole = report.line("x", 2.0, 6.0, rounds=1, goal="ratio ≥ 4", holds=False)

    assert report.without_goals([whole]) == [report.line("x", 2.0, 6.0, rounds=1)]


def test_the_lines_of_all_programs_have_the_same_keys() -> None:
    columns = {"columns": {}}
    runs = Medians.of([Run(1.0, 1.0, 1.0, columns)] * 2)
    fresh = router_runs.Medians.of(
        [router_runs.Run({"p50_ms": 1.0, "p99_ms": 1.0, "seconds": 1.0, "peak_mb": 1.0}, [], 0, 0)]
    )
    trained = Trained(1.0, {"ours": 0.7, "its winner": 0.7, "its best by AUC": 0.7}, (4, 1), 3, "LightGBM")
    load = router_rows.Load(1, 1, 1.0, [], [], 1, 1.0, 1.0, 1.0)
    lines = [
        *drift_rows.rows_of({1_000_000: dict.fromkeys(drift_runs.Subject, runs)}, {1: runs, 2: runs}),
        *drift_rows.rows_of({10: {drift_runs.Subject.OURS: runs}}, {}),
        *router_rows.rows_of(dict.fromkeys(router_runs.Subject, fresh), load),
        *router_imports.lines_of(router_imports.Imports([], [("m", 1.0)], 3)),
        *analysis_runs.lines_of({n: dict.fromkeys(analysis_runs.Subject, runs) for n in (1_000, 1_000_000)}),
        *analysis_runs.lines_of({1_000: {analysis_runs.Subject.OURS: runs}}),
        *training.lines_of({"May": ([trained], [trained])}),
    ]

    keys = ["measure", "ours", "peer", "ratio", "goal", "holds", "rounds"]
    for line in lines:
        assert list(line)[: len(keys)] == keys
        assert type(line["rounds"]) is int
        assert (line["goal"] is None) is (line["holds"] is None)
        assert line["holds"] in (None, True, False)
    assert json.loads(json.dumps(lines)) == lines


def test_lines_and_chart_are_kept_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [{"measure": "größe", "ours": 1.0}]

    report.keep(lines, lambda path: path.write_bytes(b"png"), "x", tmp_path / "new", Console(width=500))

    assert json.loads((tmp_path / "new/bench-x.json").read_text()) == lines
    assert (tmp_path / "new/bench-x.png").read_bytes() == b"png"
    assert "bench-x.json and" in capsys.readouterr().out
