"""What the chart of an analysis says."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from contender.domain.experiment import Evidence, ExperimentSettings, analyse
from scripts.analysis import canvas, chart, panels
from tests.support.experiments import experiment


@pytest.mark.parametrize(
    ("value", "said"),
    [(-0.0004, "−0.000"), (3.303, "+3.303"), (-465.7, "−466"), (1219.9, "+1,220"), (6.67e7, "+66,700,000")],
)
def test_given_a_difference_of_any_size_then_the_chart_writes_it_without_powers_of_ten(
    value: float, said: str
) -> None:
    assert canvas.signed(value) == said


@pytest.mark.parametrize(("how", "labels"), [(Evidence.PAIRED, 5), (Evidence.SERVED, 4)])
def test_given_that_the_same_requests_decide_then_the_chart_begins_with_them(
    how: Evidence, labels: int
) -> None:
    columns = experiment(1500, skill_b=1.5, shadow=True)
    axes = Figure().subplots()
    panels.differences(axes, analyse(columns, settings=ExperimentSettings(decide_by=how)))
    said = [label.get_text() for label in axes.get_yticklabels()]
    assert len(said) == labels
    assert (said[0] == "Log loss\nsame requests") == (how is Evidence.PAIRED)
    assert said[-4:] == [
        "Log loss\nlower is better",
        "Brier score\nlower is better",
        "Accuracy\nhigher is better",
        "AUC\nhigher is better",
    ]


@pytest.mark.parametrize(("how", "first"), [(Evidence.PAIRED, ", first row"), (Evidence.SERVED, "")])
def test_the_chart_says_which_intervals_hold_for_how_many_looks(how: Evidence, first: str) -> None:
    analysis = analyse(experiment(600, skill_b=1.5, shadow=True), settings=ExperimentSettings(decide_by=how))
    assert chart.validity(analysis) == f"for one look (verdict{first}: all looks)"
    axes = Figure().subplots()
    panels.course(axes, analysis)
    assert any(
        f"(p = {analysis.ratio.sequential_p:.2g} for all looks)" in t.get_text() for t in axes.figure.texts
    )
