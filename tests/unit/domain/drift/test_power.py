import math

import numpy as np
import pytest
from scipy.special import kolmogi
from scipy.stats import norm

from contender.domain.drift.kolmogorov_smirnov import kolmogorov_smirnov
from contender.domain.drift.power import rows_needed


def test_follows_the_formula():
    spread = 0.1 / (kolmogi(0.001 / 30) + norm.ppf(0.8) / 2)

    assert rows_needed(0.1, alpha=0.001, power=0.8, tests=30) == math.ceil(2 / spread**2)
    needed = rows_needed(0.1, alpha=0.001, power=0.8, tests=30, reference_rows=5_000)
    assert needed == math.ceil(1 / (spread**2 - 1 / 5_000))


def test_grows_with_everything_that_makes_the_task_harder():
    base = rows_needed(0.1, alpha=0.001, power=0.8, tests=30)
    assert base is not None

    for harder in (
        rows_needed(0.05, alpha=0.001, power=0.8, tests=30),
        rows_needed(0.1, alpha=0.0001, power=0.8, tests=30),
        rows_needed(0.1, alpha=0.001, power=0.95, tests=30),
        rows_needed(0.1, alpha=0.001, power=0.8, tests=300),
    ):
        assert harder is not None
        assert harder > base


def test_given_a_large_reference_then_half_as_many_current_rows_do():
    equal = rows_needed(0.1, alpha=0.001, power=0.8)
    large = rows_needed(0.1, alpha=0.001, power=0.8, reference_rows=10**9)

    assert equal is not None
    assert large is not None
    assert large == pytest.approx(equal / 2, abs=1)


@pytest.mark.parametrize("rows", [0, 1, 300])
def test_given_a_small_reference_then_no_window_suffices(rows):
    assert rows_needed(0.1, alpha=0.001, power=0.8, reference_rows=rows) is None


def test_the_promised_power_is_there():
    generator = np.random.default_rng(5)
    alpha, effect = 0.001, 0.1
    rows = rows_needed(effect, alpha=alpha, power=0.8)
    assert rows is not None
    found = 0
    for _ in range(400):  # half the rows on either side of 0.5, give or take the effect
        windows = []
        for lower_half in (0.5 - effect / 2, 0.5 + effect / 2):
            start = np.where(generator.uniform(size=rows) < lower_half, 0, 0.5)
            windows.append(np.sort(start + generator.uniform(0, 0.5, size=rows)))
        result = kolmogorov_smirnov(*windows)
        assert result is not None
        found += result.p_value < alpha
    assert found / 400 > 0.75
