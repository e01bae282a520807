"""Windows are drawn and shifted as they say."""

import numpy as np
import pytest

from contender.domain.drift import CategoricalSample, NumericSample
from simulations.drift_windows import (
    MISSING,
    Population,
    draw_pair,
    lose,
    move,
    set_share,
    shift_by,
)

ROWS = 60_000


@pytest.fixture(scope="module")
def population():
    generator = np.random.default_rng(1)
    return Population(
        numbers={
            "x": generator.normal(size=ROWS).astype(np.float32),
            "top": np.minimum(generator.poisson(8, size=ROWS), 6).astype(np.float32),
        },
        codes={"c": generator.choice(3, size=ROWS, p=[0.2, 0.5, 0.3]).astype(np.int32)},
        names={"c": np.array(["a", "b", "c"])},
        rows=ROWS,
    )


def pair(population, rows=30_000):
    return draw_pair(population, rows, np.random.default_rng(2))


def test_two_windows_share_no_row_unless_there_are_too_few(population):
    numbered = Population(
        {"x": np.arange(ROWS, dtype=np.float32)}, population.codes, population.names, population.rows
    )

    reference, current = pair(numbered)
    assert not set(reference.numbers["x"]) & set(current.numbers["x"])
    repeated, _ = pair(numbered, ROWS)
    assert repeated.numbers["x"].size == ROWS


def test_a_window_is_handed_over_as_samples_and_as_a_table(population):
    window, _ = pair(population, 1_000)
    lose(window, "c", 0.1, np.random.default_rng(3))

    samples = window.samples()
    assert isinstance(samples["x"], NumericSample)
    assert isinstance(samples["c"], CategoricalSample)
    assert samples["c"].rows == 1_000
    assert samples["c"].missing == (window.codes["c"] == MISSING).sum() > 0
    assert set(samples["c"].counts) == {"a", "b", "c"}


def test_planting_leaves_the_population_as_it_is(population):
    before = {name: values.copy() for name, values in {**population.numbers, **population.codes}.items()}
    generator = np.random.default_rng(4)
    window, _ = pair(population)

    move(window, "x", population, 0.5)
    set_share(window, "c", population, 0.25, generator)
    lose(window, "x", 0.1, generator)
    shift_by(window, "top", population, 0.09, generator)

    for name, values in before.items():
        np.testing.assert_array_equal(values, {**population.numbers, **population.codes}[name])


def test_planted_shifts_are_as_large_as_they_say(population):
    generator = np.random.default_rng(5)
    reference, current = pair(population)
    move(current, "x", population, 0.5)
    assert np.mean(current.numbers["x"]) - np.mean(reference.numbers["x"]) == pytest.approx(0.5, abs=0.03)

    set_share(current, "c", population, 0.25, generator)
    shares = np.bincount(current.codes["c"], minlength=3) / 30_000
    assert shares[1] == pytest.approx(0.25, abs=0.01)
    assert shares[0] / shares[2] == pytest.approx(2 / 3, abs=0.03)

    lose(current, "c", 0.10, generator)
    assert np.mean(current.codes["c"] == MISSING) == pytest.approx(0.10, abs=0.01)


@pytest.mark.parametrize("column", ["x", "top"])
def test_a_numeric_column_is_shifted_by_the_distance_asked_for(population, column):
    reference, current = pair(population)
    shift_by(current, column, population, 0.09, np.random.default_rng(6))

    points = np.unique(reference.numbers[column])
    below = [
        np.searchsorted(np.sort(window.numbers[column]), points, side="right") / 30_000
        for window in (reference, current)
    ]
    assert np.abs(below[0] - below[1]).max() == pytest.approx(0.09, abs=0.012)


def test_a_categorical_column_is_shifted_by_the_distance_asked_for(population):
    reference, current = pair(population)
    shift_by(current, "c", population, 0.09, np.random.default_rng(7))

    shares = [np.bincount(window.codes["c"], minlength=3) / 30_000 for window in (reference, current)]
    assert np.abs(shares[0] - shares[1]).sum() / 2 == pytest.approx(0.09, abs=0.012)
