"""The demo's own arithmetic and words; that it runs is for CI, which runs it whole."""

from __future__ import annotations

import copy
import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from contender.domain.assignment import Variant
from contender.domain.experiment import Evidence
from contender.domain.lifecycle import Deed, ExperimentRecord, HistoryEntry, Mode, Stage
from contender.domain.release import ALIASES
from infra.local.deploy import read_template
from infra.local.tools import ROOT
from scripts.demo import __main__ as program
from scripts.demo.display import Display, Step
from scripts.demo.ending import Endings
from scripts.demo.steps import PARAMETERS, SETTINGS
from scripts.loop import LoopFailed
from tests.support.evaluation import MemoryExperiments
from tests.support.world import model_ref

_PLACE = importlib.util.spec_from_file_location("check_summary", ROOT / ".ci" / "check_summary.py")
assert _PLACE is not None and _PLACE.loader is not None
check_summary = importlib.util.module_from_spec(_PLACE)
_PLACE.loader.exec_module(check_summary)

JULY = {
    "finding": "ship",
    "stage": "promoted",
    "deed": "promoted",
    "compared": {"A": "1", "B": "2"},
    "estimate": -0.045,
    "interval": [-0.055, -0.035],
    "aliases": {"champion": "2"},
    "serves": {"A": "2"},
    "split": 0.2,
}
DECEMBER = {
    **JULY,
    "finding": "keep",
    "stage": "retired",
    "deed": "retired",
    "compared": {"A": "1", "B": "3"},
    "estimate": 0.005,
    "interval": [-0.008, 0.019],
    "aliases": {"champion": "1"},
    "serves": {"A": "1"},
    "challenger_version": "3",
    "requests": 2500,
    "answered": 2500,
    "logged": 2499,
    "spilled": 1,
    "outcomes": 2499,
}
SUMMARY = {
    "task": "classification",
    "drift": {"null": "no_drift", "shifted": "drift"},
    "champion_version": "1",
    "challenger_version": "2",
    "retrained_twice": False,
    "first_split": 0.2,
    "requests": 6000,
    "answered": 6000,
    "logged": 6000,
    "spilled": 0,
    "outcomes": 6000,
    "served": {"A": 4000, "B": 2000},
    "split_followed_s": [5.0, 6.0],
    "variants": {"A": {"auc": 0.6}, "B": {"auc": 0.7}},
    "july": JULY,
    "december": DECEMBER,
    "seconds": {"all": 1.0},
}
UNDECIDED = {
    "finding": "continue",
    "stage": "running",
    "deed": None,
    "interval": [-0.055, 0.035],
    "aliases": {"champion": "1", "challenger": "2"},
    "serves": {"A": "1", "B": "2"},
    "split": 0.4,
}


def changed(place: str, value: Any) -> dict[str, Any]:
    """The summary with one of its values, ``"july.stage"``, replaced."""
    summary: dict[str, Any] = copy.deepcopy(SUMMARY)
    *path, last = place.split(".")
    part = summary
    for name in path:
        part = part[name]
    part[last] = value
    return summary


def test_given_a_demo_that_went_well_then_every_claim_holds() -> None:
    assert check_summary.failures(SUMMARY) == []


@pytest.mark.parametrize(
    ("place", "value", "broken"),
    [
        ("drift.null", "drift", "the window kept aside shows no drift"),
        ("logged", 5999, "every answer was logged or spilled"),
        ("split_followed_s", [5.0, 11.0], "every change was followed within 10 s"),
        ("variants.B.auc", 0.5, "the challenger's AUC is above the champion's"),
        ("july.stage", "running", "July: the finding was acted on by itself"),
        ("july.deed", None, "July: the finding was acted on by itself"),
        ("july.compared", {"A": "2", "B": "1"}, "July: the two versions of this month were compared"),
        ("july.interval", [-0.09, 0.01], "July: a B that ships has its whole interval on the better side"),
        ("july.estimate", -0.01, "July: the estimate lies in its interval"),
        ("july.interval", [None, None], "July: the estimate lies in its interval"),
        ("july.aliases", {"champion": "2", "challenger": "2"}, "July: MLflow's aliases say so"),
        ("july.serves", {"A": "1", "B": "2"}, "July: the router serves so"),
        ("july.split", 0.4, "July: the split is back where it began"),
        ("december.aliases", {"champion": "3"}, "December: MLflow's aliases say so"),
        ("december.serves", {"A": "2"}, "December: the router serves so"),
        ("december.outcomes", 2000, "December: every logged request has an outcome"),
        ("december.logged", 2500, "December: every answer was logged or spilled"),
    ],
)
def test_given_one_thing_that_is_not_so_then_its_claim_is_broken(place: str, value: Any, broken: str) -> None:
    assert broken in check_summary.failures(changed(place, value))


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_given_a_month_that_ends_otherwise_then_its_claims_are_broken(task: str) -> None:
    undecided = {**changed("july", {**JULY, **UNDECIDED}), "task": task}
    assert "July ended in SHIP" in check_summary.failures(undecided)
    shipped = {**changed("december.finding", "ship"), "task": task}
    assert check_summary.failures(shipped) == ["December ended in KEEP"]


def test_given_regression_without_december_then_no_auc_and_no_december_is_asked_for() -> None:
    regression = {**changed("variants", {"A": {"rmse": 55.0}, "B": {"rmse": 57.0}}), "task": "regression"}
    del regression["december"]
    assert check_summary.failures(regression) == []


def test_the_deployed_functions_act_by_themselves_and_judge_as_the_demos_own_analysis() -> None:
    assert Mode(PARAMETERS["PromotionMode"]) is Mode.AUTO
    assert SETTINGS.decide_by is Evidence.PAIRED
    assert set(PARAMETERS) <= set(read_template()["Parameters"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--requests", "99"], "--requests must be at least 100"),
        (["--december-requests", "1"], "--december-requests must be 0 or at least 100"),
        (["--task", "ranking"], "invalid Task value"),
    ],
)
def test_given_arguments_that_make_no_sense_then_they_are_refused_before_anything_starts(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        program.main(arguments)
    assert refused.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [([], "out"), (["--task", "regression"], "out/regression"), (["--out", "elsewhere"], "elsewhere")],
)
def test_each_task_has_a_folder_of_its_own(arguments: list[str], folder: str) -> None:
    assert program._arguments(arguments).out == Path(folder)


EVIDENCE = {
    "decided_by": "paired",
    "reasons": ["better"],
    "metrics": {
        "log_loss": {
            "served": {"outcomes": 900, "value": -0.03, "lower": -0.08, "upper": 0.02},
            "paired": {"outcomes": 1000, "value": -0.04, "lower": -0.05, "upper": -0.03},
        },
        "brier": {"served": None, "paired": None},
    },
}
RECORD = ExperimentRecord("e", "d" * 64, "1", "2", "2026-01-01T00:00:00.000Z", finding="ship")


class FakeEvaluation:
    """Finds what it is told to find."""

    def __init__(self, outcome: str, *records: ExperimentRecord) -> None:
        self.experiments = MemoryExperiments()
        self.experiments.records = {record.experiment_id: record for record in records}
        self._outcome = outcome

    def look_at_everything(self, progress: object, told_at: float) -> dict[str, str]:
        return {"outcome": self._outcome, "experiment_id": "e", "reason": "no challenger is in force"}

    def wait_for_end(self, experiment_id: str, progress: object) -> ExperimentRecord:
        return self.experiments.records[experiment_id]


def ended(monkeypatch: pytest.MonkeyPatch, evaluation: FakeEvaluation, served: dict[str, str]) -> Any:
    """What the demo tells of an end after which MLflow and the router name these versions."""
    aliases = {ALIASES[Variant(name)]: version for name, version in served.items()}
    answers = {
        "release": {"variants": {name: {"model_version": version} for name, version in served.items()}},
        "config": {"ab_split_b": 0.2},
    }

    def by_alias(_: object, alias: str) -> object:
        return model_ref(b"", Variant.A, aliases[alias]) if alias in aliases else None

    def get(url: str, timeout: float) -> object:
        return SimpleNamespace(json=lambda: answers[url.rsplit("/", 1)[1]])

    monkeypatch.setattr("scripts.demo.ending.MlflowRegistry.by_alias", by_alias)
    monkeypatch.setattr("scripts.demo.ending.requests.get", get)
    stack = SimpleNamespace(api_url="http://router", mlflow_url="http://mlflow")
    step = Step(Display(Console(quiet=True)), "")
    found = Endings(stack, evaluation).end(step, 0.0)  # type: ignore[arg-type]
    return found, step


def test_given_a_promotion_then_what_is_told_is_what_history_mlflow_and_router_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = replace(RECORD, stage=Stage.PROMOTED, detail="version 2 is champion", sentence="better")
    evaluation = FakeEvaluation("acting", record)
    deed = HistoryEntry("t", Deed.PROMOTED, "evaluate", "d", "e", "e", json.dumps(EVIDENCE), "done")
    evaluation.experiments.append(deed)
    found, step = ended(monkeypatch, evaluation, {"A": "2"})
    assert (found["stage"], found["deed"], found["metric"]) == ("promoted", "promoted", "log_loss")
    assert (found["outcomes_used"], found["estimate"]) == (1000, -0.04)
    assert found["interval"] == [-0.05, -0.03]
    assert (found["aliases"], found["serves"]) == ({"champion": "2"}, {"A": "2"})
    assert step.outcome == "ship: better"
    assert step.notes[-1] == "the router serves version 2 as A alone; the share of B is 0.2"


def test_given_an_undecided_experiment_then_it_is_told_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    record = replace(RECORD, finding="continue", evidence=json.dumps(EVIDENCE))
    found, step = ended(monkeypatch, FakeEvaluation("nothing", record), {"A": "1", "B": "2"})
    assert (found["finding"], found["stage"], found["deed"]) == ("continue", "running", None)
    assert found["aliases"] == {"champion": "1", "challenger": "2"}
    assert step.notes[0] == "running: nothing to act on"


def test_given_no_experiment_then_the_evaluations_own_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LoopFailed, match="no challenger is in force"):
        ended(monkeypatch, FakeEvaluation("nothing"), {"A": "1"})
