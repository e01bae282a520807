from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contender.domain.dataset import Dataset, Kind, Task
from contender.errors import TrainingFailed
from trainer.data import TrainingData, prepare
from trainer.holdout import MIN_ROWS, cap_rows, folds, split


def window(
    rows: int = 100,
    times: list[int] | None = None,
    units: list[str] | None = None,
    labels: list[str] | None = None,
) -> TrainingData:
    frame = pd.DataFrame({"x": range(rows), "y": labels or ["a", "b"] * (rows // 2) + ["a"] * (rows % 2)})
    if times is not None:
        frame["t"] = times
    if units is not None:
        frame["u"] = units
    dataset = Dataset(
        task=Task.CLASSIFICATION,
        target="y",
        features={"x": Kind.NUMERIC},
        timestamp=None if times is None else "t",
        unit=None if units is None else "u",
    )
    return prepare(frame, dataset)


@given(
    st.lists(st.integers(0, 12), min_size=MIN_ROWS, max_size=120).filter(lambda times: len(set(times)) > 1)
)
def test_given_times_when_split_then_everything_held_out_is_newer_and_no_row_is_lost(
    times: list[int],
) -> None:
    data = window(len(times), times)

    parts = split(data, 0.2, seed=1)

    assert parts.train.times is not None
    assert parts.holdout.times is not None
    assert parts.train.times.max() < parts.holdout.times.min()
    assert len(parts.train) + len(parts.holdout) == len(data)
    assert (np.diff(parts.train.times) >= 0).all()


def test_given_distinct_times_when_split_then_the_share_is_met() -> None:
    assert len(split(window(100, list(range(100))), 0.2, 1).holdout) == 20


def test_given_units_when_split_then_none_is_torn_apart() -> None:
    units = [str(row % 10) for row in range(100)]

    parts = split(window(100, units=units), 0.2, 1)

    assert set(parts.train.units.tolist()).isdisjoint(parts.holdout.units.tolist())  # type: ignore[union-attr]
    assert len(parts.holdout) == 20


def test_given_neither_when_split_then_each_class_gives_the_same_share_by_the_seed() -> None:
    data = window(100, labels=["a"] * 90 + ["b"] * 10)

    parts, again, other = split(data, 0.2, 1), split(data, 0.2, 1), split(data, 0.2, 2)

    assert parts.holdout.target.tolist().count("b") == 2
    assert len(parts.holdout) == 20
    pd.testing.assert_frame_equal(parts.holdout.features, again.holdout.features)
    assert not parts.holdout.features.equals(other.holdout.features)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (window(MIN_ROWS - 1), "usable rows"),
        (window(50, times=[5] * 50), "same time"),
        (window(50, units=["u"] * 50), "one unit"),
    ],
)
def test_given_a_window_that_cannot_be_split_when_split_then_the_reason_is_told(
    data: TrainingData, message: str
) -> None:
    with pytest.raises(TrainingFailed, match=message):
        split(data, 0.2, 1)


def test_given_too_many_rows_when_capped_then_rare_classes_survive_and_order_stays() -> None:
    data = window(10_000, labels=["a"] * 9_960 + ["b"] * 40)

    sample = cap_rows(data, 1_000, 1)

    assert 1_000 <= len(sample) <= 1_040
    assert sample.target.tolist().count("b") == 40
    assert (np.diff(sample.features["x"]) > 0).all()
    assert cap_rows(data, 10_000, 1) is data


def test_given_times_when_folded_then_tests_come_after_what_was_trained_on() -> None:
    made, how = folds(window(100, list(range(100))), 3, 1)

    assert "time" in how
    assert len(made) == 3
    assert all(train.max() < test.min() for train, test in made)


def test_given_a_class_that_comes_late_when_folded_then_folds_are_stratified() -> None:
    data = window(100, list(range(100)), labels=["a"] * 60 + ["b"] * 40)

    made, how = folds(data, 3, 1)

    assert "stratified" in how
    assert all(set(data.target[train]) == {"a", "b"} for train, _ in made)


def test_given_units_when_folded_then_none_is_torn_apart() -> None:
    data = window(100, units=[str(row % 10) for row in range(100)])

    made, _ = folds(data, 3, 1)

    assert data.units is not None
    for train, test in made:
        assert set(data.units[train]).isdisjoint(data.units[test])
