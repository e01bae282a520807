"""Outcomes needed before the start."""

from __future__ import annotations

import pytest
from statsmodels.stats.power import NormalIndPower

from contender.domain.experiment import ExperimentSettings
from contender.domain.experiment.power import outcomes_needed
from contender.errors import BadInput


@pytest.mark.parametrize("split", [0.1, 0.5])
@pytest.mark.parametrize("power", [0.8, 0.95])
def test_given_one_look_then_it_is_what_statsmodels_computes(split: float, power: float) -> None:
    found = outcomes_needed(0.02, 0.4, split, power)
    of_a = NormalIndPower().solve_power(0.02 / 0.4, power=power, alpha=0.05, ratio=split / (1 - split))
    assert found.fixed == pytest.approx(of_a / (1 - split), rel=1e-4)


def test_given_many_looks_then_they_cost_less_than_twice_as_much_and_half_stop_sooner() -> None:
    found = outcomes_needed(0.02, 0.4)
    assert found.fixed < found.sequential < 2 * found.fixed
    assert found.typical < found.fixed


def test_given_a_smaller_effect_or_a_lopsided_split_then_more_outcomes_are_needed() -> None:
    base = outcomes_needed(0.02, 0.4)
    others = ((0.01, 0.4, 0.5), (0.02, 0.4, 0.1), (0.02, 0.8, 0.5))
    for other in (outcomes_needed(*arguments) for arguments in others):
        assert other.fixed > base.fixed
        assert other.sequential > base.sequential
        assert other.typical > base.typical
    assert outcomes_needed(-0.02, 0.4) == base._replace(effect=-0.02)


def test_given_a_huge_effect_then_the_least_outcomes_of_each_variant_are_needed() -> None:
    settings = ExperimentSettings(min_outcomes=50)
    assert outcomes_needed(5.0, 0.4, split=0.1, settings=settings).sequential == 500


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((0.0, 1.0), "effect"),
        ((1.0, 0.0), "deviation"),
        ((1.0, 1.0, 1.0), "split"),
        ((1.0, 1.0, 0.5, 1.0), "power"),
    ],
)
def test_given_arguments_out_of_range_then_they_are_named(arguments: tuple[float, ...], field: str) -> None:
    with pytest.raises(BadInput, match=field):
        outcomes_needed(*arguments)
    with pytest.raises(BadInput, match="too small"):
        outcomes_needed(1e-9, 1.0)
