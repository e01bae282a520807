from __future__ import annotations

from datetime import timedelta

import pytest

from contender.domain.drift import ClassifierSettings, DriftSettings, LaunchRule
from contender.drift_settings import classifier_settings, drift_settings, launch_rule
from contender.errors import BadInput


@pytest.mark.parametrize("text", ["", "{}"])
def test_nothing_given_means_the_defaults(text: str) -> None:
    assert drift_settings(text) == DriftSettings()
    assert launch_rule(text) == LaunchRule()


def test_what_is_given_replaces_them() -> None:
    assert drift_settings('{"ks_effect": 0.2}').ks_effect == 0.2
    rule = launch_rule('{"drifted": 2, "of_last": 3, "cooldown_hours": 36}')
    assert rule == LaunchRule(2, 3, timedelta(hours=36))


def test_the_classifier_is_off_unless_asked_for() -> None:
    assert classifier_settings("") is classifier_settings("off") is None
    assert classifier_settings("{}") == ClassifierSettings()
    assert classifier_settings('{"rows": 900}') == ClassifierSettings(rows=900)


@pytest.mark.parametrize("text", ["{", "[1]", "1", '{"nonsense": 1}', '"on"'])
def test_anything_else_is_named(text: str) -> None:
    for read, name in (
        (drift_settings, "DRIFT_SETTINGS"),
        (launch_rule, "LAUNCH_RULE"),
        (classifier_settings, "DRIFT_CLASSIFIER"),
    ):
        with pytest.raises(BadInput, match=name):
            read(text)


@pytest.mark.parametrize("text", ['{"cooldown_hours": -1}', '{"drifted": 0}', '{"cooldown_hours": "x"}'])
def test_a_rule_out_of_range_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        launch_rule(text)
