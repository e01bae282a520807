from __future__ import annotations

import json

import pytest

from contender.domain.assignment import Variant
from contender.domain.drift import DriftSettings
from contender.usecases.check_predictions import CheckPredictions
from tests.support.evaluation import Trial
from tests.support.world import RELEASE

HOUR = 3600.0


def check(trial: Trial, hours: float = 1.0) -> CheckPredictions:
    world = trial.world
    return CheckPredictions(
        world.artifacts,
        world.parameters,
        trial.log,
        world.observer,
        RELEASE,
        DriftSettings(),
        hours,
        world.clock,
    )


def reports(trial: Trial) -> list[str]:
    return sorted(key for key in trial.world.artifacts.content if key.startswith("reports/"))


@pytest.mark.parametrize(("later", "verdict"), [(0.5, "no_drift"), (0.95, "drift")])
def test_the_last_hours_are_compared_with_the_first(later: float, verdict: str) -> None:
    trial = Trial()
    trial.pass_traffic(3_000, 0.9, 0.9, seconds=HOUR, ones=0.5)
    trial.world.pass_time(10 * HOUR)
    trial.pass_traffic(3_000, 0.9, 0.9, seconds=HOUR, ones=later)
    found = check(trial)()
    assert found.verdict == verdict
    page, document = reports(trial)
    assert trial.world.artifacts.types[page] == "text/html; charset=utf-8"
    report = json.loads(trial.world.artifacts.content[document])
    assert found.report_uri == trial.world.artifacts.uri(document)
    assert {column["name"] for column in report["columns"]} == {
        "prediction",
        "probability_0",
        "probability_1",
    }
    assert trial.world.observer.problem_events == (["prediction_drift"] if verdict == "drift" else [])


def test_only_the_champions_answers_count() -> None:
    trial = Trial()
    trial.pass_traffic(600, seconds=HOUR)
    trial.world.pass_time(HOUR)
    trial.pass_traffic(600, seconds=HOUR)
    check(trial)()
    (_, document) = reports(trial)
    report = json.loads(trial.world.artifacts.content[document])
    champion = trial.release.variants[Variant.A].model_version
    own = [one for one in trial.world.log.records.values() if one.model_version == champion]
    assert 0 < report["rows"]["current"] + report["rows"]["reference"] <= len(own)


def test_a_young_release_says_nothing_yet() -> None:
    trial = Trial()
    trial.pass_traffic(100, seconds=HOUR)
    found = check(trial)()
    assert (found.verdict, found.report_uri) == ("insufficient_data", None)
    assert trial.log.calls == 0


def test_without_a_release_there_is_nothing() -> None:
    trial = Trial()
    trial.world.parameters.put(RELEASE, "none")
    assert check(trial)().verdict == "insufficient_data"


def test_without_traffic_there_is_too_little() -> None:
    trial = Trial()
    trial.world.pass_time(5 * HOUR)
    assert check(trial)().verdict == "insufficient_data"
