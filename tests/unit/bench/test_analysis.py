"""The benchmark's own arithmetic and data; it asserts no time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import analysis_data
from bench.analysis_chart import save_chart
from bench.analysis_data import export_folder, write_file
from bench.analysis_runs import Subject, disagreements, lines_of, run_once, write_data
from bench.runs import Medians, Run
from contender.errors import ContenderError
from scripts.analysis.report import make_report


def runs(seconds: float, peak_mb: float, **answers: object) -> Medians:
    return Medians.of([Run(seconds, seconds, peak_mb, answers)])


def answers(**changes: object) -> dict[str, object]:
    return {
        "requests": {"A": 6, "B": 4},
        "outcomes": {"A": 5, "B": 3},
        "verdict": "ship",
        "latency": {"A": [1.0, 2.0, 3.0], "B": [1.0, 2.0, 3.0]},
        "sample_ratio_z": 0.3,
        "metrics": {"log_loss": {"A": 0.5, "B": 0.4}, "auc": {"A": 0.8, "B": 0.9}},
        "differences": {"log_loss": [-0.1, -0.2, -0.05]},
        "sequence": [-0.1, -0.2, -0.05],
        "auc_bound": 0.0,
        "latency_error": 0.0,
        **changes,
    }


def differ(**changes: object) -> list[str]:
    ours, peer = runs(1, 1, **answers(**changes)), runs(1, 1, **answers())
    return disagreements({Subject.OURS: ours, Subject.PEER: peer})


def test_goals_are_those_of_a_million_records_and_of_memory() -> None:
    both = {Subject.OURS: runs(10.0, 500.0), Subject.PEER: runs(49.0, 1_500.0)}
    lines = lines_of({100_000: both, 1_000_000: both, 3_000_000: {Subject.OURS: runs(30.0, 580.0)}})
    goals = {line["measure"]: (line["ours"], line["ratio"], line["holds"]) for line in lines if line["goal"]}

    assert goals == {
        "1,000,000 records, seconds": (10.0, 4.9, False),
        "peak memory at 3,000,000 records / at 100,000": (1.16, None, False),
    }
    assert json.dumps(lines)


def test_equal_answers_are_no_disagreement_and_others_are_named() -> None:
    assert differ() == []
    assert differ(sequence=[-0.1 + 1e-12, -0.2, -0.05]) == []
    assert "verdict: ours keep" in differ(verdict="keep")[0]
    assert "requests" in differ(requests={"A": 7, "B": 4})[0]
    assert "differences/log_loss/1" in differ(differences={"log_loss": [-0.1, -0.21, -0.05]})[0]
    assert "only one side" in differ(differences={})[0]


def test_every_round_is_compared() -> None:
    right, wrong = Run(1, 1, 1, answers()), Run(1, 1, 1, answers(verdict="keep"))
    found = {Subject.OURS: Medians.of([wrong, right]), Subject.PEER: Medians.of([right, right])}

    assert disagreements(found) == ["verdict: ours keep, peer ship"]


def test_the_peer_gets_none_of_our_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}
    monkeypatch.setattr(
        "bench.analysis_runs.run_process", lambda who, command, env, target: seen.update({who: env})
    )

    for subject in Subject:
        run_once(subject, Path("export"))

    assert "layers/core" in seen[Subject.OURS]["PYTHONPATH"]
    assert "PYTHONPATH" not in seen[Subject.PEER]


def test_the_cause_of_a_failed_writer_is_shown(tmp_path: Path) -> None:
    with pytest.raises(ContenderError, match="FileNotFoundError"):
        write_data(tmp_path / "missing", analysis_data.FILE_RECORDS)


def test_the_auc_may_be_off_by_the_stated_bound_and_no_more() -> None:
    metrics = {"log_loss": {"A": 0.5, "B": 0.4}, "auc": {"A": 0.80001, "B": 0.9}}
    assert "metrics/auc/A" in differ(metrics=metrics)[0]
    assert differ(metrics=metrics, auc_bound=2e-5) == []


def test_invented_records_are_what_the_analysis_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis_data, "FILE_RECORDS", 400)
    (tmp_path / "data").mkdir()
    for number in (0, 1):
        write_file(tmp_path / "data", number)
    export_folder(tmp_path / "data", tmp_path / "export", 800)

    report = make_report(str(tmp_path / "export"))

    assert (report.records, report.problems) == (800, ())
    assert [epoch.split for epoch in report.analysis.epochs] == [0.1, 0.5, 0.3]
    assert report.analysis.look.agreement.pairs == 800
    assert not report.analysis.ratio.alarm
    assert 700 < report.analysis.a.outcomes + report.analysis.b.outcomes < 800


def test_the_chart_is_drawn(tmp_path: Path) -> None:
    both = {Subject.OURS: runs(2.0, 300.0), Subject.PEER: runs(9.0, 300.0)}
    save_chart({1_000: both, 3_000: {Subject.OURS: runs(5.0, 310.0)}}, tmp_path / "chart.png")
    assert (tmp_path / "chart.png").stat().st_size > 1_000
