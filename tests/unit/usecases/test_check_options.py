"""What the drift check compares with, the test of all columns together, and when a drift is due."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pytest

from contender.domain.drift import ClassifierSettings, LaunchRule, SampledRows
from contender.domain.records import RunState
from contender.usecases.launch_training import Action
from tests.support.drift_world import DriftWorld, columns

DAY = 86_400.0


def report_of(world: DriftWorld, window: str) -> dict[str, object]:
    keys = [key for key in world.artifacts.content if key.startswith(f"reports/{window}/")]
    (key,) = (key for key in keys if key.endswith(".json"))
    found: dict[str, object] = json.loads(world.artifacts.content[key])
    return found


class TestReference:
    def test_drift_is_what_the_champion_has_not_learned_from(self) -> None:
        world = DriftWorld()
        world.put("current/june/data.parquet", columns(shift=1.0))
        world.put("current/july/data.parquet", columns(shift=1.0))
        world.crown("current/june/")
        result = world.check()("july")
        assert (result.verdict, result.action) == ("no_drift", Action.NOTHING)
        assert report_of(world, "july")["reference"] == "current/june/"
        assert world.check()("june").verdict == "no_drift"

    def test_after_a_promotion_the_old_reference_has_drifted(self) -> None:
        world = DriftWorld()
        world.put("current/june/data.parquet", columns(shift=1.0))
        world.put("current/winter/data.parquet", columns())
        world.crown()
        assert world.check()("winter").verdict == "no_drift"
        world.crown("current/june/")
        assert world.check()("winter").action is Action.LAUNCHED

    @pytest.mark.parametrize("prefix", ["", "current/gone/"])
    def test_without_that_window_it_is_the_first_one(self, prefix: str) -> None:
        world = DriftWorld()
        world.put("current/june/data.parquet", columns())
        world.crown(prefix)
        assert world.check()().verdict == "no_drift"
        assert report_of(world, "june")["reference"] == "reference/"
        assert world.observer.problem_events == (["reference_gone"] if prefix else [])

    def test_a_release_that_cannot_be_read_is_told_and_does_not_stop_the_check(self) -> None:
        world = DriftWorld()
        world.put("current/june/data.parquet", columns())
        world.crown()
        world.artifacts.content.clear()
        assert world.check()().verdict == "no_drift"
        assert world.observer.problem_events == ["release_unread"]


def test_the_report_is_a_page_too() -> None:
    world = DriftWorld()
    world.crown()
    world.put("current/june/data.parquet", columns(shift=1.0))
    key = world.check()().report_uri.removeprefix("s3://artifacts/").removesuffix(".json")  # type: ignore[union-attr]
    assert world.artifacts.types[f"{key}.html"] == "text/html; charset=utf-8"
    assert b"<html" in world.artifacts.content[f"{key}.html"]


class TestLaunchRule:
    def world(self) -> DriftWorld:
        world = DriftWorld()
        world.crown()
        return world

    def check(self, world: DriftWorld, window: str, shift: float, rule: LaunchRule) -> Action:
        world.clock.now += DAY
        world.put(f"current/{window}/data.parquet", columns(shift=shift), window.encode())
        return world.check(rule)().action

    def test_training_waits_until_the_drift_lasts(self) -> None:
        world, rule = self.world(), LaunchRule(drifted=2, of_last=3)
        found = [
            self.check(world, name, shift, rule) for name, shift in (("d1", 1.0), ("d2", 0.0), ("d3", 1.0))
        ]
        assert found == [Action.HELD, Action.NOTHING, Action.LAUNCHED]
        assert world.check(rule)("d3").action is Action.ALREADY_HANDLED

    def test_the_cooldown_keeps_trainings_apart_and_what_was_held_is_launched_after_it(self) -> None:
        world, rule = self.world(), LaunchRule(cooldown=timedelta(days=3))
        assert self.check(world, "d1", 1.0, rule) is Action.LAUNCHED
        assert self.check(world, "d2", 1.0, rule) is Action.HELD
        result = world.check(rule)()
        assert "cooldown" in result.reason
        world.clock.now += 3 * DAY
        assert world.check(rule)().action is Action.LAUNCHED

    def test_what_failed_is_tried_again_whatever_the_rule(self) -> None:
        world, rule = self.world(), LaunchRule(cooldown=timedelta(days=30))
        assert self.check(world, "d1", 1.0, rule) is Action.LAUNCHED
        (record,) = world.runs.records.values()
        world.runs.move(record.run_key, record, state=RunState.FAILED.value)
        assert world.check(rule)().action is Action.LAUNCHED

    def test_the_first_model_waits_for_nothing(self) -> None:
        world = DriftWorld()
        assert world.check(LaunchRule(drifted=5, of_last=9))().action is Action.LAUNCHED


class TestClassifier:
    def world(self, correlation: float) -> DriftWorld:
        world = DriftWorld()
        world.crown()
        world.put("current/june/data.parquet", columns())
        rng = np.random.default_rng(3)
        for key, rho in (("reference/data.parquet", 0.0), ("current/june/data.parquet", correlation)):
            both = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], size=2_000).astype(np.float32)
            colour = np.array(["red", "blue"] * 1_000, dtype=object)
            world.windows.rows[key] = SampledRows(
                {"size": both[:, 0], "age": both[:, 1], "colour": colour}, 2_000
            )
        return world

    def test_columns_that_drift_only_together_are_found(self) -> None:
        world = self.world(correlation=0.8)
        assert world.check()().verdict == "no_drift"
        result = world.check(classifier=ClassifierSettings())()
        assert (result.verdict, result.action) == ("drift", Action.LAUNCHED)
        assert "told apart" in result.reason

    def test_where_they_do_not_nothing_is_found_and_the_report_says_so(self) -> None:
        world = self.world(correlation=0.0)
        assert world.check(classifier=ClassifierSettings())().verdict == "no_drift"
        assert report_of(world, "june")["multivariate"] is not None
