"""The whole reading: accounts, epochs, shapes, verdicts."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from contender.domain.experiment import (
    Analysis,
    Columns,
    ExperimentSettings,
    Finding,
    Observation,
    Reason,
    analyse,
)
from contender.errors import BadInput
from tests.support.observations import PLAIN, table, without_outcome


def experiment(n: int, skill_b: float, split: float = 0.5, seed: int = 1, lost: float = 0.0) -> Columns:
    """A two-class experiment; ``lost`` is the share of B's records that never arrived."""
    rng = np.random.default_rng(seed)
    rows: list[Observation] = []
    for index in range(n):
        is_b = bool(rng.random() < split)
        happened = bool(rng.random() < 0.4)
        score = 1 / (1 + math.exp(-(rng.normal() + (skill_b if is_b else 1.0) * (happened - 0.5) * 2)))
        row = PLAIN._replace(
            at=PLAIN.at + index,
            assigned_b=is_b,
            split=split,
            probability=split if is_b else 1 - split,
            model_version="2" if is_b else "1",
            prediction=float(score > 0.5),
            probabilities={"0": 1 - score, "1": score},
            outcome=float(happened),
            latency_ms=2.0 if is_b else 1.0,
        )
        if not (is_b and rng.random() < lost):
            rows.append(row)
    return table(rows)


def test_given_a_better_b_then_the_verdict_says_so_with_its_figures_and_limits() -> None:
    found = analyse(experiment(3000, skill_b=1.6))
    assert found.verdict.finding is Finding.SHIP
    assert found.comparisons[0].metric.name == found.look.metrics[0].metric.name == "log_loss"
    assert "excludes 0" in found.verdict.sentence
    assert "every look" in found.verdict.caution


def test_given_a_worse_b_then_a_is_better_also_by_a_metric_where_lower_is_better() -> None:
    for metric in ("log_loss", "brier", "accuracy"):
        found = analyse(experiment(3000, skill_b=0.2), settings=ExperimentSettings(metric=metric))
        assert found.comparisons[0].metric.name == found.look.metrics[0].metric.name == metric
        assert found.verdict.finding is Finding.KEEP
        assert found.verdict.reasons == (Reason.WORSE,)
        assert len(found.comparisons) == 4


def test_given_equal_models_then_nothing_is_claimed_either_way() -> None:
    found = analyse(experiment(1000, skill_b=1.0, seed=3))
    assert found.verdict.finding is Finding.CONTINUE
    assert "not proof" in found.verdict.sentence
    assert found.verdict.more_outcomes is not None


def test_given_lost_records_of_b_then_the_comparison_is_invalid_however_good_b_looks() -> None:
    found = analyse(experiment(6000, skill_b=2.0, lost=0.15))
    assert found.ratio.alarm
    assert found.verdict.finding is Finding.INVALID


def test_given_no_outcomes_or_no_b_then_the_verdict_says_what_is_missing() -> None:
    silent = analyse(table([without_outcome(PLAIN), without_outcome(PLAIN._replace(assigned_b=True))]))
    assert silent.verdict.finding is Finding.CONTINUE
    assert "/feedback" in silent.verdict.sentence
    alone = analyse(table([PLAIN._replace(probability=1.0, split=0.0)] * 5))
    assert alone.verdict.finding is Finding.CONTINUE
    assert "no challenger in this release, or its split was 0" in alone.verdict.sentence
    to_b = analyse(table([PLAIN._replace(probability=1.0, split=1.0, assigned_b=True)] * 5))
    assert "assigned by chance" in to_b.verdict.sentence
    only_a = analyse(table([PLAIN] * 5))
    assert "assigned to B" in only_a.verdict.sentence
    assert alone.ratio.units == 0


def test_given_a_release_that_is_known_to_have_no_challenger_then_that_is_said() -> None:
    alone = analyse(table([PLAIN._replace(probability=1.0, split=0.0)] * 5), challenger=False)
    assert alone.verdict.headline == "Nothing to compare: this release has no challenger"
    assert alone.verdict.finding is Finding.CONTINUE
    assert "split" not in alone.verdict.sentence
    silent = analyse(table([without_outcome(PLAIN)] * 3), challenger=False)
    assert silent.verdict.headline == alone.verdict.headline


def test_given_fallbacks_then_requests_stay_with_the_variant_they_were_assigned_to() -> None:
    rows = [
        PLAIN,
        PLAIN._replace(assigned_b=True, fallback=True, model_version="1", outcome=0.0),
        PLAIN._replace(assigned_b=True, model_version="2"),
    ]
    found = analyse(table(rows))
    assert (found.a.requests, found.b.requests) == (1, 2)
    assert found.b.fallbacks == 1
    assert found.b.model_version == "2"
    accuracy = next(entry for entry in found.comparisons if entry.metric.name == "accuracy")
    assert accuracy.b.value == 0.5


def test_given_outcomes_of_every_kind_then_they_are_accounted_for() -> None:
    rows = [
        PLAIN,
        without_outcome(PLAIN),
        PLAIN._replace(outcome="neither"),
        PLAIN._replace(assigned_b=True, spilled=True, outcome=None, outcome_at=math.nan),
    ]
    found = analyse(table(rows))
    assert (found.a.outcomes, found.a.outcomes_missing, found.a.outcomes_unknown) == (1, 1, 1)
    assert (found.b.outcomes, found.b.outcomes_missing, found.b.spilled) == (0, 1, 1)
    assert found.a.outcome_delay_s.p50 == 60.0
    assert found.a.predicted == {"0": 0, "1": 3}


def test_given_epochs_out_of_order_then_they_are_listed_by_version() -> None:
    rows = [
        PLAIN._replace(epoch=4, split=0.3, at=PLAIN.at + 100),
        PLAIN._replace(epoch=2, split=0.1, assigned_b=True),
        PLAIN._replace(epoch=4, split=0.3, at=PLAIN.at + 50),
    ]
    found = analyse(table(rows)).epochs
    assert [(epoch.version, epoch.split) for epoch in found] == [(2, 0.1), (4, 0.3)]
    assert (found[1].start, found[1].end) == (PLAIN.at + 50, PLAIN.at + 100)
    assert [(epoch.requests_a, epoch.requests_b, epoch.outcomes) for epoch in found] == [(0, 1, 1), (2, 0, 2)]


def test_given_an_analysis_then_its_shapes_count_every_record_once() -> None:
    columns = experiment(2500, skill_b=1.4)
    found = analyse(columns)
    assert found.scores is not None
    assert (sum(found.scores.a), sum(found.scores.b)) == (found.a.requests, found.b.requests)
    assert sum(part.requests for part in found.timeline) == 2500
    assert found.calibration is not None
    assert sum(part.outcomes for part in found.calibration.a) == found.a.outcomes
    assert all(part.lower <= part.observed <= part.upper for part in found.calibration.b)
    assert found.errors is None


def test_given_calibrated_probabilities_then_the_calibration_error_is_small() -> None:
    rng = np.random.default_rng(5)
    p = rng.random(4000)
    rows = [
        PLAIN._replace(
            probabilities={"0": 1 - x, "1": x}, outcome=float(rng.random() < x), prediction=float(x > 0.5)
        )
        for x in p
    ]
    found = analyse(table(rows)).calibration
    assert found is not None
    assert found.error_a < 0.03
    assert math.isnan(found.error_b)
    assert found.of == "1"


def test_given_three_classes_then_calibration_is_of_the_predicted_label() -> None:
    row = PLAIN._replace(probabilities={"a": 0.2, "b": 0.5, "c": 0.3}, prediction="b")
    found = analyse(table([row._replace(outcome=name) for name in "abcb"]))
    assert found.positive is None
    assert found.scores is None
    assert found.calibration is not None
    assert found.calibration.a[0].predicted == 0.5


def test_given_regression_then_errors_and_values_have_distributions() -> None:
    rows = [
        PLAIN._replace(probabilities=None, prediction=float(i), outcome=float(i) + 1, assigned_b=i % 2 == 0)
        for i in range(50)
    ]
    found = analyse(table(rows))
    assert found.errors is not None
    assert sum(found.errors.a) + sum(found.errors.b) == 50
    assert found.calibration is None
    assert found.a.mean_prediction == 25.0
    assert found.a.predicted == {}


def test_given_a_single_moment_then_the_timeline_is_one_bin() -> None:
    assert [part.requests for part in analyse(table([PLAIN] * 3)).timeline] == [3]


def test_given_a_wrong_positive_class_or_metric_then_it_names_the_choices() -> None:
    with pytest.raises(BadInput, match="classes: 0, 1"):
        analyse(table([PLAIN]), positive="yes")
    for name in ("rmse", "auc"):
        with pytest.raises(BadInput, match="choose from log_loss, brier, accuracy"):
            analyse(table([PLAIN]), settings=ExperimentSettings(metric=name))


def test_given_the_other_positive_class_then_scores_are_its_probabilities() -> None:
    found = analyse(table([PLAIN]), positive="0")
    assert found.positive == "0"
    assert found.a.mean_prediction == pytest.approx(0.3)


def test_given_units_with_several_requests_then_errors_are_computed_by_unit() -> None:
    columns = experiment(1200, skill_b=1.5)
    alone = analyse(columns)
    units = np.repeat(np.arange(300, dtype=np.uint64), 4)
    # Four requests a unit, all of one variant: order them by variant first.
    order = np.argsort(columns.is_b, kind="stable")
    unit = np.empty_like(columns.unit)
    unit[order] = units
    together = analyse(replace(columns, unit=unit, units=unit))
    assert together.clustered
    assert not alone.clustered

    def value(found: Analysis) -> list[float]:
        return [entry.difference.value for entry in found.comparisons if entry.difference]

    assert value(together) == pytest.approx(value(alone))
    assert together.b.units < together.b.requests
