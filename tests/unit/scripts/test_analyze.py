"""The analysis script on invented exports of every kind."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from contender.adapters.export_layout import Export, write_manifests
from contender.adapters.local_objects import LocalObjects
from contender.domain.assignment import Variant
from contender.domain.dataset import parse_dataset
from contender.domain.release import ModelRef, Release, release_key
from scripts import analyze
from tests.support.exports import Invented, items, write_export

DATASET = {"task": "classification", "target": "late", "features": {"distance": "numeric"}}


@pytest.fixture(autouse=True)
def no_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that runs on this machine would say how to judge."""
    monkeypatch.setattr(analyze, "adopt_running_stack", lambda environ: False)
    monkeypatch.delenv("EVALUATE_FUNCTION", raising=False)


def run(folder: Path, *options: str) -> tuple[int, Path]:
    out = folder / "out"
    return analyze.main(["--export", str(folder), "--out", str(out), *options]), out


def document(folder: Path, *options: str) -> dict[str, Any]:
    code, out = run(folder, *options)
    assert code == 0
    found: dict[str, Any] = json.loads((out / "analysis.json").read_text())
    return found


PLANS = {
    "two classes": Invented(requests=1200),
    "three classes": Invented(requests=500, classes=("setosa", "versicolor", "virginica"), splits=(0.4,)),
    "many classes": Invented(requests=400, classes=tuple(f"[label {n}]" for n in range(14)), splits=(0.5,)),
    "regression": Invented(requests=600, classes=(), splits=(0.1, 0.5, 0.3), fallback=0.1),
    "only A": Invented(requests=200, splits=(0.0,)),
    "only B": Invented(requests=200, splits=(1.0,)),
    "no outcomes": Invented(requests=200, outcomes=0.0),
    "only A, no outcomes, numbers": Invented(requests=60, classes=(), splits=(0.0,), outcomes=0.0),
    "units": Invented(requests=600, requests_per_unit=4, splits=(0.5,)),
    "a handful": Invented(requests=7, splits=(0.5,)),
    "one": Invented(requests=1, splits=(0.5,)),
}


@pytest.mark.parametrize("name", PLANS)
def test_given_any_kind_of_experiment_then_console_table_and_chart_come_out(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = PLANS[name]
    found = document(write_export(tmp_path, items(plan)))
    assert found["records"] == found["requests"] == plan.requests
    variants = found["variants"]
    assert variants["A"]["requests"] + variants["B"]["requests"] == plan.requests
    assert found["task"] == ("classification" if plan.classes else "regression")
    with Image.open(tmp_path / "out" / "analysis.png") as image:
        assert image.size == (2016, 1424)
    rows = list(csv.DictReader((tmp_path / "out" / "analysis.csv").open()))
    assert {row["metric"] for row in rows} == set(variants["A"]["metrics"])
    printed = capsys.readouterr().out
    assert f"{plan.requests:,} requests" in printed
    assert found["verdict"]["headline"] in printed


def test_given_a_better_b_then_the_files_agree_on_it(tmp_path: Path) -> None:
    found = document(write_export(tmp_path, items(Invented(requests=3000, skill=(0.6, 1.5)))))
    assert found["verdict"]["finding"] == "ship"
    assert found["verdict"]["reasons"] == ["better"]
    loss = found["sequences"]["log_loss"]["served"]
    assert loss["lower"] < loss["fixed_lower"] < loss["value"] < loss["fixed_upper"] < loss["upper"] < 0
    auc = found["differences"]["auc"]
    assert auc["significant"]
    assert auc["lower"] > 0
    assert auc["epochs"] == 2
    assert not found["sample_ratio"]["alarm"]
    (row,) = [
        row for row in csv.DictReader((tmp_path / "out" / "analysis.csv").open()) if row["metric"] == "auc"
    ]
    assert float(row["difference_value"]) == auc["value"]
    assert float(row["b_value"]) == found["variants"]["B"]["metrics"]["auc"]["value"]


def test_given_no_outcomes_then_unknown_numbers_are_null_and_empty(tmp_path: Path) -> None:
    found = document(write_export(tmp_path, items(PLANS["no outcomes"])))
    assert found["variants"]["A"]["metrics"]["auc"]["value"] is None
    assert found["differences"]["auc"]["significant"] is None
    rows = list(csv.DictReader((tmp_path / "out" / "analysis.csv").open()))
    assert rows[0]["a_value"] == ""


def test_given_several_releases_then_the_latest_with_a_b_is_taken_and_others_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = list(items(Invented(requests=200, splits=(0.5,))))
    before = [
        {**line, "release": {"S": "e2" * 32}, "assigned": {"S": "A"}, "served": {"S": "A"}}
        for line in lines[:30]
    ]
    write_export(tmp_path, [*before, *lines])
    found = document(tmp_path)
    assert (found["records"], found["requests"]) == (230, 200)
    assert found["other_releases"] == {"e2" * 32: {"requests": 30, "to_b": 0}}
    assert "--release e2e2" in capsys.readouterr().out
    other = document(tmp_path, "--release", "e2")
    assert (other["requests"], other["release"]) == (30, "e2" * 32)
    assert run(tmp_path, "--release", "ff")[0] == 1


def test_given_several_exports_then_that_is_a_remark_and_no_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_export(tmp_path, items(Invented(requests=50)))
    assert document(tmp_path)["remarks"] == []
    write_manifests(LocalObjects(tmp_path), Export("AWSDynamoDB/0-a", (), {}))
    found = document(tmp_path)
    assert found["problems"] == []
    assert found["remarks"] == ["2 exports are there; the newest was read"]
    printed = capsys.readouterr().out
    assert "2 exports are there; the newest was read." in printed
    assert "Problem" not in printed


def test_given_spilled_and_malformed_lines_then_they_are_counted_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [dict(line) for line in items(Invented(requests=50))]
    lines[3]["spilled"] = {"BOOL": True}
    del lines[7]["split"]
    found = document(write_export(tmp_path, lines))
    assert (found["records"], found["spilled"]) == (49, 1)
    assert "split is missing" in found["problems"][0]
    assert "split is missing" in capsys.readouterr().out


def test_given_a_positive_class_and_metric_then_they_are_used(tmp_path: Path) -> None:
    write_export(tmp_path, items(Invented(requests=300, classes=("late", "on time"))))
    assert document(tmp_path)["positive"] == "on time"
    found = document(tmp_path, "--positive", "late", "--metric", "brier")
    assert found["positive"] == "late"
    assert found["primary_metric"] == "brier"


def test_given_values_and_shadows_then_they_are_compared_too_and_may_decide(tmp_path: Path) -> None:
    write_export(tmp_path, items(Invented(requests=1500, skill=(0.9, 1.3), shadow=1.0, value=True)))
    found = document(tmp_path, "--metric", "value")
    assert found["verdict"]["finding"] == "ship"
    assert found["sequences"]["value"]["paired"] is None
    assert found["agreement"]["pairs"] == 1500
    assert document(tmp_path, "--metric", "value", "--value-is-cost")["verdict"]["finding"] == "keep"
    paired = document(tmp_path, "--decide-by", "paired")
    assert (paired["decided_by"], paired["verdict"]["finding"]) == ("paired", "ship")
    assert "<h1>Ship: B is better in Log loss</h1>" in (tmp_path / "out" / "experiment.html").read_text()


def test_given_a_dataset_or_a_release_beside_the_export_then_the_target_is_named(tmp_path: Path) -> None:
    write_export(tmp_path, items(Invented(requests=40)))
    assert document(tmp_path)["target"] is None
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps(DATASET))
    assert document(tmp_path, "--dataset", str(path))["target"] == "late"

    model = ModelRef("champion", "m", "1", "r", "models/x.onnx", "x", 1, (0, 1))
    release = Release(parse_dataset(DATASET), {Variant.A: model})
    LocalObjects(tmp_path / "bucket").put(release_key(release.digest), release.to_json())
    lines = ({**line, "release": {"S": release.digest}} for line in items(Invented(requests=40)))
    write_export(tmp_path / "bucket", lines)
    assert document(tmp_path / "bucket")["target"] == "late"
    lines = (
        {**line, "release": {"S": release.digest}} for line in items(Invented(requests=40, splits=(0.0,)))
    )
    write_export(tmp_path / "bucket", lines)
    headline = document(tmp_path / "bucket")["verdict"]["headline"]
    assert headline == "Nothing to compare: this release has no challenger"


def test_given_a_dataset_that_says_classification_then_numbers_are_labels(tmp_path: Path) -> None:
    lines = [dict(line) for line in items(Invented(requests=60))]
    for line in lines:
        del line["probabilities"]
    write_export(tmp_path, lines)
    assert document(tmp_path)["task"] == "regression"
    assert document(tmp_path, "--task", "classification")["primary_metric"] == "accuracy"
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps(DATASET))
    assert document(tmp_path, "--dataset", str(path))["task"] == "classification"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--positive", "maybe"), "classes: 0, 1"),
        (("--metric", "rmse"), "choose from log_loss"),
        (("--dataset", "/nowhere/dataset.json"), "/nowhere"),
    ],
)
def test_given_a_wrong_option_then_it_says_what_would_be_right(
    options: tuple[str, ...], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_export(tmp_path, items(Invented(requests=30)))
    assert run(tmp_path, *options)[0] == 1
    assert says in capsys.readouterr().out


def test_given_a_dataset_that_is_no_json_then_it_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_export(tmp_path, items(Invented(requests=30)))
    path = tmp_path / "dataset.json"
    path.write_text("{")
    assert run(tmp_path, "--dataset", str(path))[0] == 1
    assert "is not JSON" in capsys.readouterr().out


def test_given_no_export_or_an_empty_one_then_it_says_what_to_do_and_exits_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "nowhere")[0] == 1
    assert "scripts.export" in capsys.readouterr().out
    assert run(tmp_path)[0] == 1
    assert "no complete export" in capsys.readouterr().out
    write_manifests(LocalObjects(tmp_path), Export("AWSDynamoDB/1-a", (), {}))
    assert run(tmp_path)[0] == 1
    printed = capsys.readouterr().out
    assert "no prediction records" in printed
    assert "scripts.traffic" in printed


def test_help_explains_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        analyze.main(["--help"])
    assert stopped.value.code == 0
    printed = capsys.readouterr().out
    for option in (
        "--export",
        "--out",
        "--dataset",
        "--release",
        "--task",
        "--positive",
        "--metric",
        "--settings",
    ):
        assert option in printed


def test_given_regression_then_the_console_has_short_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Invented(requests=300, classes=(), splits=(0.5,))
    document(write_export(tmp_path, items(plan)))
    printed = capsys.readouterr().out
    for name in ("MAE ↓", "MSE ↓", "RMSE ↓"):
        assert f"  {name}  " in printed
