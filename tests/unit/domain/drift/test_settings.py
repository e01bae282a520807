import json
from dataclasses import FrozenInstanceError, fields

import pytest

from contender.domain.drift import DriftSettings, WindowRule
from contender.errors import BadInput


def test_defaults_are_valid_frozen_and_all_of_them_plain_json():
    settings = DriftSettings()

    document = json.loads(json.dumps(settings.to_dict(), allow_nan=False))

    assert set(document) == {field.name for field in fields(DriftSettings)}
    assert DriftSettings(**document) == settings
    with pytest.raises(FrozenInstanceError):
        settings.alpha = 0.5  # type: ignore[misc]


def test_a_rule_may_be_given_by_its_name():
    assert DriftSettings(window_rule="share").window_rule is WindowRule.SHARE  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("alpha", 0),
        ("alpha", 1),
        ("alpha", float("nan")),
        ("alpha", "0.05"),
        ("alpha", True),
        ("ks_effect", 1.0),
        ("tv_effect", -0.1),
        ("missing_effect", 0),
        ("unseen_effect", 2),
        ("evident_effect", 0),
        ("power", 0.4),
        ("power", 1),
        ("window_share", 0),
        ("window_share", 1.1),
        ("min_expected", 0.5),
        ("min_expected", float("inf")),
        ("psi_bins", 1),
        ("psi_bins", 10.0),
        ("histogram_bins", 0),
        ("histogram_bins", 10**9),
        ("listed_categories", True),
        ("window_rule", "most"),
    ],
)
def test_given_a_value_out_of_range_then_the_error_names_the_field_and_a_fix(name, value):
    with pytest.raises(BadInput) as error:
        DriftSettings(**{name: value})

    (problem,) = error.value.problems
    assert problem.field == f"drift.{name}"
    assert problem.fix.startswith("give ")


def test_given_several_wrong_values_then_all_are_named():
    with pytest.raises(BadInput) as error:
        DriftSettings(alpha=2, power=0, psi_bins=0)

    assert [problem.field for problem in error.value.problems] == [
        "drift.alpha",
        "drift.power",
        "drift.psi_bins",
    ]
