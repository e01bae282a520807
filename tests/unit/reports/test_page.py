"""Numbers for people, and text that cannot become markup."""

import pytest

from contender.reports.histogram import histogram_svg
from contender.reports.page import number, p_value, percent, shortened, text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        (0.0, "0"),
        (0.5, "0.5"),
        (-0.25, "−0.25"),
        (12.345678, "12.35"),
        (1234.5, "1,234"),
        (55203, "55,203"),
        (-12345678.9, "−12,345,679"),
        (1e12, "1e+12"),
        (1.23456e-7, "1.23e−07"),
    ],
)
def test_numbers(value, written):
    assert number(value) == written


@pytest.mark.parametrize(
    ("share", "written"),
    [(None, "–"), (0, "0 %"), (1, "100 %"), (0.1234, "12.3 %"), (0.0004, "< 0.1 %"), (0.9999, "100.0 %")],
)
def test_shares(share, written):
    assert percent(share).replace("\u00a0", " ") == written


def test_p_values_below_float64():
    assert p_value(0.0) == "< 1e−300"
    assert p_value(0.0123) == "0.012"
    assert p_value(None) == "–"


def test_text_is_escaped_and_without_control_characters():
    assert text("<a b=\"c\" d='e'>&") == "&lt;a b=&quot;c&quot; d=&#x27;e&#x27;&gt;&amp;"
    assert text("a\x00b\u202ec\ud800") == "a\ufffdb\ufffdc\ufffd"
    assert text("12\u00a0% \u200d") == "12\u00a0% \u200d"


def test_long_names_are_cut():
    assert shortened("x" * 48) == "x" * 48
    assert shortened("x" * 49) == "x" * 47 + "…"


@pytest.mark.parametrize(
    "edges", [(0.0, 1.0), (-1e-12, 1e-12), (1e15, 1e15 + 4), (-1e300, 1e300), (6.5, 7.5)]
)
def test_ticks_are_few_round_and_inside(edges):
    low, high = edges
    svg = histogram_svg((low, (low + high) / 2, high), (0.5, 0.5), (0.2, 0.8), (None, None), "x", "x")

    labels = svg.count("text-anchor")
    assert 3 <= labels <= 7
