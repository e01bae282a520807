"""Rows become columns: tasks, classes, probabilities, outcomes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from contender.domain.dataset import Task
from contender.domain.experiment import ObservationTable
from tests.support.observations import PLAIN, table, without_outcome


def test_given_probabilities_then_it_is_classification_with_sorted_classes() -> None:
    columns = table([PLAIN._replace(probabilities={"10": 0.2, "2": 0.8}, prediction=2.0, outcome=10.0)])
    assert columns.task is Task.CLASSIFICATION
    assert columns.classes == ("2", "10")
    assert columns.predicted.tolist() == [0]
    assert columns.outcome.tolist() == [1]
    assert columns.probabilities.tolist() == [[0.8, 0.2]]


def test_given_texts_without_probabilities_then_it_is_classification() -> None:
    rows = [PLAIN._replace(probabilities=None, prediction=name, outcome="ham") for name in ("spam", "ham")]
    columns = table(rows)
    assert columns.classes == ("ham", "spam")
    assert columns.probabilities.shape == (2, 0)
    assert (columns.predicted == columns.outcome).tolist() == [False, True]


def test_given_numbers_without_probabilities_then_it_is_regression() -> None:
    columns = table([PLAIN._replace(probabilities=None, prediction=2.5, outcome=3.5)])
    assert columns.task is Task.REGRESSION
    assert columns.classes == ()
    assert columns.outcome.tolist() == [3.5]


def test_given_a_declared_task_then_it_overrules_the_records() -> None:
    collected = ObservationTable()
    collected.add(PLAIN._replace(probabilities=None, prediction=3.0, outcome=1.0))
    columns = collected.columns(Task.CLASSIFICATION)
    assert columns.classes == ("3",)
    assert columns.unknown.tolist() == [True]


def test_given_missing_and_unknown_outcomes_then_they_are_told_apart() -> None:
    columns = table([PLAIN, without_outcome(PLAIN), PLAIN._replace(outcome="what")])
    assert columns.usable.tolist() == [True, False, False]
    assert columns.unknown.tolist() == [False, False, True]
    numbers = table([PLAIN._replace(probabilities=None, prediction=1.5, outcome="late")])
    assert numbers.unknown.tolist() == [True]


def test_given_a_class_that_only_one_model_knows_then_the_other_gives_it_probability_zero() -> None:
    rows = [
        PLAIN._replace(probabilities={"a": 0.4, "b": 0.6}, prediction="b", outcome="a"),
        PLAIN._replace(probabilities={"a": 0.1, "b": 0.2, "c": 0.7}, prediction="c", outcome="c"),
        PLAIN._replace(probabilities=None, prediction="a", outcome="a"),
        PLAIN._replace(probabilities={"a": 1.0}, prediction="a", outcome="d"),
    ]
    columns = table(rows)
    assert columns.classes == ("a", "b", "c")
    expected = [[0.4, 0.6, 0.0], [0.1, 0.2, 0.7], [math.nan] * 3, [1.0, 0.0, 0.0]]
    np.testing.assert_array_equal(columns.probabilities, expected)
    assert columns.unknown.tolist() == [False, False, False, True]


def test_given_a_numeric_and_a_text_form_of_a_label_then_they_are_one() -> None:
    columns = table([PLAIN, PLAIN._replace(outcome="1")])
    assert columns.outcome.tolist() == [1, 1]
    assert columns.usable.all()


def test_given_assignments_then_the_probability_is_turned_to_that_of_b() -> None:
    columns = table([PLAIN._replace(probability=0.8), PLAIN._replace(assigned_b=True, probability=0.2)])
    assert columns.probability_b == pytest.approx([0.2, 0.2])


def test_given_repeated_units_then_they_are_named_and_else_not() -> None:
    assert table([PLAIN, PLAIN]).units is None
    repeated = table([PLAIN._replace(unit=5), PLAIN._replace(unit=5)])
    assert repeated.units is not None


def test_given_nothing_then_the_columns_are_empty() -> None:
    columns = ObservationTable().columns()
    assert len(columns) == 0
    assert columns.probabilities.shape == (0, 0)
