"""Clopper-Pearson against SciPy's own."""

import pytest
from scipy.stats import binomtest

from simulations.rates import upper_bound


@pytest.mark.parametrize(("hits", "trials"), [(0, 1_000), (3, 1_000), (17, 40), (39, 40), (40, 40), (1, 1)])
def test_equals_scipys_exact_interval(hits, trials):
    exact = binomtest(hits, trials, alternative="less").proportion_ci(0.99, method="exact").high

    assert upper_bound(hits, trials) == pytest.approx(exact, abs=1e-9)


def test_without_trials_nothing_is_known():
    assert upper_bound(0, 0) == 1.0
