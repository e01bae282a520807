"""An experiment evaluated step by step, as a scheduled evaluator would."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from contender.domain.experiment import (
    Columns,
    ExperimentSettings,
    ExperimentState,
    Finding,
    ObservationTable,
    read,
    replay,
)
from contender.domain.experiment.metric_state import MAX_POINTS
from contender.errors import BadInput
from tests.support.experiments import experiment
from tests.support.observations import PLAIN, table, without_outcome

SETTINGS = ExperimentSettings()


def hourly(columns: Columns, parts: int = 12, through_json: bool = True) -> ExperimentState:
    """Evaluates what came in each of some equal times, with the state kept as JSON between them."""
    state = ExperimentState()
    edges = np.linspace(columns.at.min(), columns.known_at.max(), parts + 1)
    edges[-1] += 1
    told = columns.usable | columns.unknown
    for start, end in zip([-math.inf, *edges[1:-1]], edges[1:], strict=True):
        requests = columns.take((columns.at >= start) & (columns.at < end))
        outcomes = columns.take(told & (columns.known_at >= start) & (columns.known_at < end))
        state = state.advance(requests, outcomes, SETTINGS)
        if through_json:
            state = ExperimentState.from_dict(json.loads(json.dumps(state.to_dict())))
    return state


def test_given_an_experiment_hour_by_hour_then_it_says_what_the_whole_says() -> None:
    columns = experiment(4000, skill_b=1.2, shadow=True, delays=True)
    columns = replace(columns, alone=np.ones(len(columns), dtype=bool))
    whole = read(replay(columns, SETTINGS), SETTINGS)
    steps = read(hourly(columns), SETTINGS)
    for one, other in zip(steps.metrics, whole.metrics, strict=True):
        assert one.metric == other.metric
        assert one.served == pytest.approx(other.served, rel=1e-9)
        assert one.paired == pytest.approx(other.paired, rel=1e-9)
        assert one.gap == pytest.approx(other.gap, rel=1e-9)
    assert steps.verdict.finding is whole.verdict.finding
    assert steps.agreement.pairs == whole.agreement.pairs == 4000
    # The peak of the evidence depends on when one looks; the counts do not.
    assert steps.ratio[:6] == whole.ratio[:6]
    assert steps.outcome_ratio[:6] == whole.outcome_ratio[:6]


def test_given_records_in_any_order_within_a_step_then_nothing_changes() -> None:
    columns = experiment(600, skill_b=1.0, delays=True)
    shuffled = columns.take(np.random.default_rng(1).permutation(len(columns)))
    one, other = (ExperimentState().advance(part, part, SETTINGS).to_dict() for part in (columns, shuffled))
    assert json.dumps(one) == json.dumps(other)


def test_given_nothing_new_then_the_state_stays() -> None:
    columns = experiment(300, skill_b=1.0)
    state = ExperimentState().advance(columns, columns, SETTINGS)
    nothing = ObservationTable().columns()
    assert state.advance(nothing, nothing, SETTINGS) == state
    assert state.advance(None, None, SETTINGS) == state


def test_given_many_looks_then_the_course_is_thinned_and_its_end_kept() -> None:
    columns = experiment(1500, skill_b=1.0)
    state = replay(columns, SETTINGS, looks=700)
    course = state.metrics["log_loss"].course
    assert len(course) <= MAX_POINTS
    assert course[-1].outcomes == 1500
    assert [point.outcomes for point in course] == sorted({point.outcomes for point in course})


def test_given_users_that_come_back_then_the_state_does_not_grow_with_them() -> None:
    def size(users: int) -> int:
        users_twice = [user for user in range(users) for _ in "ab"]
        rows = [PLAIN._replace(unit=7919 * user + 1, at=PLAIN.at + user) for user in users_twice]
        columns = table(rows)
        return len(json.dumps(ExperimentState().advance(columns, columns, SETTINGS).to_dict()))

    # The marks of units that were counted compress worse the more of them there are, up to 350 kB.
    assert size(20_000) < 400_000


def test_given_outcomes_of_a_released_experiment_without_b_then_nothing_is_compared() -> None:
    columns = table([PLAIN._replace(probability=1.0, split=0.0)] * 300)
    look = read(ExperimentState().advance(columns, columns, SETTINGS), SETTINGS)
    assert look.verdict.finding is Finding.CONTINUE
    assert look.ratio.units == 0


def test_given_requests_without_outcomes_then_they_count_and_nothing_else() -> None:
    columns = table([without_outcome(PLAIN)] * 5)
    state = ExperimentState().advance(columns, None, SETTINGS)
    assert (state.requests_a, state.requests_b, state.outcomes) == (5, 0, 0)
    assert read(state, SETTINGS).metrics == ()


@pytest.mark.parametrize("document", [{}, {"format": 99}, {"format": 1}, {"format": 1, "requests": 3}])
def test_given_a_document_of_another_kind_then_it_is_refused_with_a_fix(document: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="begin anew"):
        ExperimentState.from_dict(document)


def test_given_a_metric_that_cannot_decide_then_it_is_named() -> None:
    columns = experiment(300, skill_b=1.0)
    state = ExperimentState().advance(columns, columns, SETTINGS)
    for name in ("absolute_error", "nonsense"):
        with pytest.raises(BadInput, match="choose from log_loss, brier, accuracy"):
            read(state, ExperimentSettings(metric=name))
    with pytest.raises(BadInput, match="choose from"):
        read(ExperimentState(), ExperimentSettings(metric="nonsense"))
