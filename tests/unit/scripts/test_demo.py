"""The demo's own arithmetic and words; that it runs is for CI, which runs it whole."""

from __future__ import annotations

import copy
import importlib.util
from pathlib import Path
from typing import Any

import pytest

from contender.domain.experiment import Evidence
from contender.domain.lifecycle import Mode
from infra.local.deploy import read_template
from infra.local.tools import ROOT
from scripts.demo import __main__ as program
from scripts.demo.steps import PARAMETERS, SETTINGS

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
