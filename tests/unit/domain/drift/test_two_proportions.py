import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, fisher_exact, norm

from contender.domain.drift import two_proportions as module
from contender.domain.drift.two_proportions import two_proportions


@st.composite
def tables(draw):
    n, m = draw(st.integers(1, 400)), draw(st.integers(1, 400))
    return draw(st.integers(0, n)), n, draw(st.integers(0, m)), m


@given(tables())
def test_equals_scipys_fisher(table):
    a, n, b, m = table

    ours, one_sided = two_proportions(*table), two_proportions(*table, greater=True)

    assert ours is not None
    assert one_sided is not None
    assert ours.p_value == pytest.approx(fisher_exact([[a, n - a], [b, m - b]])[1], abs=1e-9)
    expected = fisher_exact([[b, m - b], [a, n - a]], alternative="greater")[1]
    assert one_sided.p_value == pytest.approx(expected, abs=1e-9)
    assert ours.difference == pytest.approx(b / m - a / n)


@pytest.mark.parametrize("table", [(50_000, 200_000, 50_300, 200_000), (300_000, 500_000, 420_000, 700_000)])
def test_given_large_counts_then_it_is_the_normal_test(table):
    a, n, b, m = table

    ours, one_sided = two_proportions(*table), two_proportions(*table, greater=True)
    theirs = chi2_contingency([[a, n - a], [b, m - b]], correction=False)

    assert ours is not None
    assert one_sided is not None
    assert not ours.exact
    assert ours.z**2 == pytest.approx(theirs.statistic, rel=1e-9, abs=1e-12)
    assert ours.p_value == pytest.approx(theirs.pvalue, abs=1e-9)
    assert one_sided.p_value == pytest.approx(norm.sf(ours.z), abs=1e-9)


def test_exact_and_normal_agree_where_one_hands_over_to_the_other(monkeypatch):
    table = 9_000, 1_000_000, 9_400, 1_000_000
    exact_above = two_proportions(*table)
    monkeypatch.setattr(module, "EXACT_UP_TO", 20_000)
    exact = two_proportions(*table)

    assert exact_above is not None
    assert exact is not None
    assert (exact_above.exact, exact.exact) == (False, True)
    assert exact.p_value == pytest.approx(exact_above.p_value, rel=0.03)
    assert exact.p_value == pytest.approx(fisher_exact([[9_000, 991_000], [9_400, 990_600]])[1], abs=1e-9)


@given(tables())
def test_is_symmetric(table):
    a, n, b, m = table

    forth, back = two_proportions(a, n, b, m), two_proportions(b, m, a, n)

    assert forth is not None
    assert back is not None
    assert forth.p_value == pytest.approx(back.p_value, abs=1e-9)
    assert forth.z == pytest.approx(-back.z)


@pytest.mark.parametrize("table", [(0, 10, 0, 20), (10, 10, 20, 20)])
def test_given_no_row_or_every_row_then_nothing_differs(table):
    assert two_proportions(*table) == (0.0, 1.0, 0.0, True)


def test_given_an_empty_window_then_there_is_no_result():
    assert two_proportions(0, 0, 1, 2) is None
    assert two_proportions(1, 2, 0, 0) is None
