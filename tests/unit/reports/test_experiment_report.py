"""An experiment's page: everything is on it, nothing is asked of the network, no text gets in unescaped."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from contender.domain.experiment import Analysis, Evidence, ExperimentSettings, analyse
from contender.domain.experiment.columns import Shadow
from contender.reports.experiment import About, render_experiment
from contender.reports.experiment_axes import Plot, ticks
from tests.support.experiments import experiment
from tests.support.observations import PLAIN, table, without_outcome

ABOUT = About("late", "d1" * 32, "s3://bucket/exports", "2013-08-01T00:00:00Z", ())


class Balance(HTMLParser):
    """Fails where tags do not close in order."""

    _VOID = frozenset({"meta", "br", "i"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self._VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._VOID:
            assert self.open.pop() == tag


def page(analysis: Analysis, about: About = ABOUT) -> str:
    found = render_experiment(analysis, about)
    parser = Balance()
    parser.feed(found)
    assert parser.open == []
    assert "nan" not in re.sub(r"<[^>]*>", " ", found).lower().split()
    assert not re.search(r'="[^"]*\bnan\b', found)
    assert not re.search("https?:", found)
    assert "<script" not in found
    return found


def test_given_an_experiment_then_verdict_estimate_checks_and_epochs_are_there() -> None:
    columns = experiment(1500, skill_b=1.5, shadow=True, delays=True, unheard=0.02)
    early = np.arange(1500) < 700
    columns = replace(columns, epoch=np.where(early, 1, 2), split=np.where(early, 0.4, 0.5))
    analysis = analyse(columns)
    found = page(analysis)
    assert analysis.verdict.headline in found
    assert "40% to B" in found
    assert "50% to B" in found
    assert "B, challenger</li>" in found
    for heading in (
        "How the estimate came about",
        "both models on the same requests",
        "Do probabilities mean what they say?",
        "Split kept",
        "Outcomes come evenly",
        "Missing outcomes",
        "Delay of outcomes",
        "Guardrail: latency",
        "Agreement of the models",
        "Epochs of the split",
    ):
        assert heading in found


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [PLAIN],
        [without_outcome(PLAIN)] * 4,
        [PLAIN._replace(assigned_b=index % 2 == 0) for index in range(9)],
        [PLAIN._replace(probability=1.0, split=0.0)] * 5,
        [
            PLAIN._replace(
                probabilities=None, prediction=float(i % 7), outcome=float(i % 5), assigned_b=i % 2 == 0
            )
            for i in range(60)
        ],
    ],
    ids=["nothing", "one", "no outcomes", "no variance", "only A", "regression"],
)
def test_given_any_kind_of_experiment_then_there_is_a_page(rows: list[object]) -> None:
    assert "<h1>" in page(analyse(table(rows)))  # type: ignore[arg-type]


def test_given_two_models_of_numbers_then_their_distance_is_told_and_not_how_often_they_are_equal() -> None:
    rows = [
        PLAIN._replace(
            probabilities=None,
            prediction=float(i % 7),
            outcome=float(i % 5),
            assigned_b=i % 2 == 0,
            shadow=Shadow(float(i % 7) + 1.5, None),
        )
        for i in range(60)
    ]
    found = page(analyse(table(rows)))
    assert re.search(r"both answered 60 requests \(100\s%\), and are 1\.5 apart on average", found)
    assert "agree on" not in found


def test_given_many_classes_with_markup_in_their_names_then_it_is_text() -> None:
    names = [f"<b>{letter}</b>" for letter in "abcdefghijkl"]
    rows = [
        PLAIN._replace(probabilities=None, prediction=name, outcome=name, assigned_b=index % 2 == 0)
        for index, name in enumerate(names * 3)
    ]
    about = ABOUT._replace(target="<img src=x>", problems=("<i>bad</i> line",))
    found = page(analyse(table(rows)), about)
    assert "<b>a" not in found
    assert "<img" not in found
    assert "&lt;i&gt;bad" in found
    assert "4 rarer labels are not shown" in found


def test_given_an_alarm_then_the_page_is_red_about_it() -> None:
    found = page(analyse(experiment(6000, skill_b=1.5, lost=0.2)))
    assert "verdict bad" in found
    assert "the split was not kept" in found
    assert "pill bad" in found


def test_given_another_level_then_the_page_says_so() -> None:
    found = page(analyse(experiment(300, skill_b=1.0), settings=ExperimentSettings(level=0.9)))
    assert "90" in found


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.037, 0.112), (3.0, 3.0001), (-1e6, 2e7)])
def test_given_a_range_then_its_ticks_are_few_round_and_inside(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 2 <= len(found) <= 7
    assert low - 1e-9 * abs(low) <= found[0] < found[-1] <= high + 1e-9 * abs(high)


def test_given_an_empty_range_then_the_plot_still_stands() -> None:
    plot = Plot((2.0, 2.0), (0.0, 0.0), "x")
    plot.axes("x", str, str)
    plot.dot(2.0, 0.0, "red")
    assert "nan" not in plot.svg()


def test_an_experiment_that_has_to_run_on_says_for_how_long() -> None:
    found = page(analyse(experiment(900, skill_b=2.0), settings=ExperimentSettings(min_hours=1.0)))
    assert "but runs until" in found
    assert "runs for another" in found
    assert "0.8 hours" in found
    assert "1 hours" in found


def test_where_the_value_decides_the_page_says_what_only_it_counts() -> None:
    rows = [
        PLAIN._replace(at=PLAIN.at + index, assigned_b=bool(index % 2), value=float(index % 7))
        for index in range(40)
    ]
    said = "counted here, but not by the scheduled evaluation"
    assert said in page(analyse(table(rows), settings=ExperimentSettings(metric="value")))
    assert said not in page(analyse(table(rows)))


def test_given_no_challenger_then_nothing_is_said_to_be_fine_or_drawn() -> None:
    found = page(analyse(table([PLAIN._replace(probability=1.0, split=0.0)] * 5), challenger=False))
    assert "this release has no challenger" in found
    for absent in (
        "How the estimate came about",
        "Can it be trusted?",
        "Guardrail",
        "class='pill",
        "B, challenger</li>",
    ):
        assert absent not in found


def test_a_remark_on_the_export_is_no_problem_in_the_data() -> None:
    about = ABOUT._replace(remarks=("5 exports are there",), judged_by="Judged as the stack is configured.")
    found = page(analyse(table([PLAIN] * 5)), about)
    assert "5 exports are there</footer>" in found
    assert "Problems in the data" not in found
    assert "Judged as the stack is configured." in found


@pytest.mark.parametrize(("how", "coloured"), [(Evidence.PAIRED, 1), (Evidence.SERVED, 0)])
def test_only_the_row_that_decides_has_a_colour(how: Evidence, coloured: int) -> None:
    analysis = analyse(experiment(900, skill_b=1.2, shadow=True), settings=ExperimentSettings(decide_by=how))
    first, look = analysis.comparisons[0], analysis.look.metrics[0]
    assert first.difference is not None and first.difference.upper < 0  # by one look alone, B is better
    assert look.served.upper > 0
    assert look.paired is not None and look.paired.upper < 0
    metrics = page(analysis).partition("<h2>All metrics</h2>")[2].partition("<h2>")[0]
    assert metrics.count("class='pill good'") == coloured


@pytest.mark.parametrize(("skill", "says"), [(1.05, "too little to check"), (6.0, "not contradicted")])
def test_a_gap_that_would_hide_the_whole_effect_is_not_called_fine(skill: float, says: str) -> None:
    settings = ExperimentSettings(decide_by=Evidence.PAIRED)
    found = page(analyse(experiment(2500, skill_b=skill, shadow=True), settings=settings))
    assert says in found


def test_a_minimum_of_no_hours_is_not_named() -> None:
    analysis = analyse(table([PLAIN] * 5))
    assert "nor before requests span" not in page(analysis)
    assert "nor before requests span" in page(
        analyse(table([PLAIN] * 5), settings=ExperimentSettings(min_hours=2))
    )


def test_given_epochs_then_the_page_says_why_differences_do_not_add_up() -> None:
    columns = experiment(900, skill_b=1.2)
    early = np.arange(900) < 400
    columns = replace(columns, epoch=np.where(early, 1, 2), split=np.where(early, 0.4, 0.5))
    assert "within epochs of the split" in page(analyse(columns))
    assert "within epochs of the split" not in page(analyse(experiment(900, skill_b=1.2)))


def test_a_curve_ends_where_it_leaves_the_frame_and_begins_again_where_it_comes_back() -> None:
    plot = Plot((0.0, 4.0), (-1.0, 1.0), "x")
    plot.line([(0.0, 3.0), (1.0, -1.0), (2.0, 0.0), (3.0, 2.0), (4.0, 0.0)], "red")
    edge, inside = plot.y(1.0), plot.y(0.0)
    first, second = (
        np.array([point.split(",") for point in points.split()], dtype=float)
        for points in re.findall(r'points="([^"]*)"', plot.svg())
    )
    assert first[[0, -1]] == pytest.approx(np.array([(plot.x(0.5), edge), (plot.x(2.5), edge)]), abs=0.06)
    assert second == pytest.approx(np.array([(plot.x(3.5), edge), (plot.x(4.0), inside)]), abs=0.06)


def test_a_label_is_written_above_what_is_drawn_later() -> None:
    plot = Plot((0.0, 1.0), (0.0, 1.0), "x")
    plot.mark(0.5, "20% to B")
    plot.line([(0.0, 0.0), (1.0, 1.0)], "red")
    assert plot.svg().rindex("20% to B") > plot.svg().rindex("<polyline")
    assert "paint-order:stroke" in plot.svg()
