"""The drift report as a page: what it says, that nothing in it is trusted, that it needs nothing else."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contender.domain.dataset import Kind
from contender.domain.drift import (
    CategoricalSample,
    ClassifierSettings,
    DriftSettings,
    NumericSample,
    SampledRows,
    UnusableSample,
    WindowRule,
    domain_classifier,
    judge_window,
    with_classifier,
)
from contender.errors import BadInput
from contender.reports import render_drift_report
from tests.support.pages import Page

ROWS = 3_000


def normal(seed, mean=0.0, rows=ROWS):
    return NumericSample(np.random.default_rng(seed).normal(mean, size=rows))


def document(reference, current, kinds, judged_by=None, window="2026-01"):
    report = judge_window(reference, current, kinds, judged_by or DriftSettings())
    stored = {
        "window": window,
        "run_key": "ab12",
        "checked_at": "2026-01-05T06:07:08.123Z",
        **report.to_dict(),
    }
    return json.loads(json.dumps(stored))


def page(*arguments, **named):
    return Page(render_drift_report(document(*arguments, **named)))


@pytest.fixture(scope="module")
def drifted():
    kinds = {"speed": Kind.NUMERIC, "colour": Kind.CATEGORICAL, "still": Kind.NUMERIC}
    before = {
        "speed": normal(1),
        "colour": CategoricalSample({"red": 1_500, "blue": 1_500}),
        "still": normal(2),
    }
    after = {
        "speed": normal(3, 2.0),
        "colour": CategoricalSample({"red": 900, "blue": 2_100}),
        "still": normal(4),
    }
    return document(before, after, kinds)


def test_given_drift_then_the_verdict_comes_first_in_plain_words_and_the_worst_column_first(drifted):
    shown = Page(render_drift_report(drifted))

    words = [text.strip() for text in shown.texts if text.strip()]
    assert words[:3] == ["Drift report: 2026-01", "Drift report: 2026-01", "The data has drifted"]
    assert "2 of 3 columns drifted: speed (D = " in words[3]
    assert "2 of 3" in words
    assert "2026-01-05 06:07 UTC" in words
    order = [
        words.index(name, words.index("Columns that drifted (2)")) for name in ("speed", "colour", "still")
    ]
    assert order == sorted(order)
    assert "Columns without drift (1)" in words
    assert "Run ab12." in shown.text


def test_both_windows_are_drawn_over_each_other(drifted):
    shown = Page(render_drift_report(drifted))

    assert shown.tags.count("svg") == 2  # the categories are a table
    paths = [value for tag, name, value in shown.attributes if tag == "path" and name == "class"]
    assert paths == ["area reference", "edge reference", "area current", "edge current"] * 2
    assert "red" in shown.text
    assert "50.0 % → 30.0 %" in shown.text
    drawn = [value for tag, name, value in shown.attributes if tag == "path" and name == "d"]
    numbers = [float(n) for path in drawn for n in re.findall(r"-?\d+\.?\d*", path)]
    assert all(0 <= n <= 360 for n in numbers)


def test_pictures_say_in_words_what_they_show(drifted):
    shown = Page(render_drift_report(drifted))

    assert shown.tags.count("title") == 3
    assert "Histograms of speed: median" in shown.text
    ids = [value for _, name, value in shown.attributes if name == "id"]
    labelled = [value for tag, name, value in shown.attributes if tag == "svg" and name == "aria-labelledby"]
    assert len(ids) == len(set(ids))
    assert set(labelled) <= set(ids)


def test_every_link_leads_to_a_card(drifted):
    shown = Page(render_drift_report(drifted))

    links = [value for tag, name, value in shown.attributes if tag == "a" and name == "href"]
    ids = {value for _, name, value in shown.attributes if name == "id"}
    assert len(links) == 3
    assert all(link[1:] in ids for link in links)


def test_the_page_asks_nothing_of_the_network_and_runs_no_script(drifted):
    html = render_drift_report(drifted)

    assert "default-src 'none'" in html
    assert not re.search(r"https?:|//|url\(|@import|<script|<link|<img|\son\w+=", html)


HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)>&'\x00\u202e"


def test_names_are_never_markup():
    kinds = {HOSTILE: Kind.CATEGORICAL, HOSTILE + "2": Kind.NUMERIC, "gone": Kind.NUMERIC}
    before = {HOSTILE: CategoricalSample({HOSTILE: 3_000}), HOSTILE + "2": normal(1), "gone": normal(2)}
    after = {HOSTILE: CategoricalSample({HOSTILE + "3": 3_000}), HOSTILE + "2": normal(3, 1.0)}

    html = render_drift_report(document(before, after, kinds, window=HOSTILE))

    shown = Page(html)
    assert not {"script", "img"} & set(shown.tags)
    assert not any(name.startswith("on") for _, name, _ in shown.attributes)
    assert "<script>alert(1)</script>" in shown.text
    assert "\x00" not in html
    assert "\u202e" not in html


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=80))
def test_any_name_is_shown_as_text(name, category):
    before = {name: CategoricalSample({category: 50, "other": 50})}
    shown = page(before, {name: CategoricalSample({"other": 100})}, {name: Kind.CATEGORICAL}, window=name)

    assert set(shown.tags) <= {
        *("html", "head", "meta", "title", "style", "body", "main", "p", "section", "h1", "h2", "h3", "dl"),
        *("div", "dt", "dd", "article", "header", "span", "ul", "li", "i", "table", "thead", "tbody", "tr"),
        *("th", "td", "details", "summary", "footer", "strong"),
    }


def test_given_too_few_rows_then_the_page_says_so_and_how_many_it_takes():
    kinds = {"x": Kind.NUMERIC}
    shown = page({"x": normal(1)}, {"x": normal(2, rows=100)}, kinds)

    assert "Too little data for a verdict" in shown.text
    assert "Rows needed to rule drift out" in shown.text
    assert "not judged" in shown.text


def test_given_no_drift_then_the_page_is_calm():
    shown = page(
        {"x": normal(1), "y": normal(2)},
        {"x": normal(3), "y": normal(4)},
        {"x": Kind.NUMERIC, "y": Kind.NUMERIC},
    )

    assert [text for text in shown.texts if text.strip()][2] == "No drift"
    assert "Columns without drift (2)" in shown.text
    assert ("section", "class", "verdict good") in shown.attributes


@pytest.mark.parametrize("rows", [0, 1])
def test_empty_windows_have_a_page(rows):
    empty = {"x": NumericSample(np.zeros(rows)), "c": CategoricalSample({"a": rows})}
    kinds = {"x": Kind.NUMERIC, "c": Kind.CATEGORICAL}

    for before, after in ((empty, empty), ({"x": normal(1), "c": CategoricalSample({"a": 9})}, empty)):
        assert "Too little data for a verdict" in page(before, after, kinds).text
    assert "No columns are declared" in page({}, {}, {}).text


def test_broken_columns_are_named_before_everything_else():
    kinds = dict.fromkeys(("gone", "typed", "ok", "ok too"), Kind.NUMERIC)
    before = {name: normal(1) for name in kinds}
    after = {
        "typed": UnusableSample("holds lists, not numbers", ROWS),
        "ok": normal(2),
        "ok too": normal(4),
        "fresh": normal(3),
    }

    shown = page(before, after, kinds)

    notice = shown.text.index("The current window cannot be trained on")
    assert notice < shown.text.index("How large the differences are")
    assert "The column is absent in the current window." in shown.text
    assert "The column holds lists, not numbers in the current window." in shown.text
    assert "fresh" in shown.text
    assert "2 of 4" in shown.text  # the new column is not counted


def test_odd_columns_are_drawn_or_left_out_but_never_fail():
    huge = np.random.default_rng(1).normal(size=ROWS) * 1e300
    columns = {
        "constant": np.full(ROWS, 7.0),
        "zero": np.zeros(ROWS),
        "missing": np.full(ROWS, np.nan),
        "infinite": np.where(np.arange(ROWS) % 3, np.inf, 1.0),
        "huge": huge * 1e8,
        "wide": huge,
        "tiny": np.random.default_rng(2).normal(size=ROWS) * 1e-300,
        "far": np.random.default_rng(3).normal(1e15, 1.0, size=ROWS),
    }
    reference = {name: NumericSample(values) for name, values in columns.items()}
    current = {name: NumericSample(values[::-1] * 1.5) for name, values in columns.items()}

    shown = page(reference, current, dict.fromkeys(columns, Kind.NUMERIC))

    assert all(name in shown.text for name in columns)
    assert "nan" not in shown.text.lower().replace("nan values", "")


def test_many_columns_stay_readable_and_small():
    kinds = {f"column_{i}": Kind.NUMERIC for i in range(200)}
    before = {name: normal(i) for i, name in enumerate(kinds)}
    after = {name: normal(1_000 + i, 1.0 if i == 150 else 0.0) for i, name in enumerate(kinds)}

    html = render_drift_report(document(before, after, kinds))

    shown = Page(html)
    assert len(html) < 2_000_000
    assert "185 more columns" in shown.text
    assert "Columns without drift (199)" in shown.text
    folded = html.index('<details class="more">')
    assert html.index("column_150") < folded < html.index('<article class="card" id="column-1"')


def test_rare_categories_are_summed_and_further_ones_folded():
    old = {f"v{i}": 200 - i for i in range(40)}
    shown = page({"c": CategoricalSample(old)}, {"c": CategoricalSample(old)}, {"c": Kind.CATEGORICAL})

    assert "12 more categories" in shown.text
    assert "20 rarer categories together: 47.2 % → 47.2 %." in shown.text


def test_the_test_of_all_columns_together_is_told_with_what_drives_it():
    generator = np.random.default_rng(1)
    kinds = {"a": Kind.NUMERIC, "b": Kind.NUMERIC}
    x, y = generator.normal(size=(2, ROWS)), generator.normal(size=(2, ROWS))
    y[1] = 0.8 * y[0] + 0.6 * y[1]
    report = judge_window(
        *({"a": NumericSample(w[0]), "b": NumericSample(w[1])} for w in (x, y)), kinds, DriftSettings()
    )
    rows = [SampledRows({"a": w[0], "b": w[1]}, ROWS) for w in (x, y)]
    result = domain_classifier(*rows, kinds, ClassifierSettings(), generator)

    shown = Page(render_drift_report(with_classifier(report, result).to_dict()))

    assert "The data has drifted" in shown.text
    assert "All columns together" in shown.text
    assert "AUC lost without it" in shown.text
    assert "0 of 2" in shown.text


def test_the_rule_of_the_window_is_told():
    by_share = DriftSettings(window_rule=WindowRule.SHARE, window_share=0.5)

    assert "at least 50.0 % of the columns drift" in page({}, {}, {"x": Kind.NUMERIC}, by_share).text
    assert "The window drifts when any column drifts." in page({}, {}, {"x": Kind.NUMERIC}).text


@pytest.mark.parametrize("field", ["verdict", "reason", "rows", "columns"])
def test_a_document_that_is_no_report_is_refused(field, drifted):
    with pytest.raises(BadInput, match=f"{field}: is missing"):
        render_drift_report({key: value for key, value in drifted.items() if key != field})


def test_what_was_not_judged_has_a_dash_instead_of_a_number():
    kinds = {"speed": Kind.NUMERIC, "colour": Kind.CATEGORICAL}
    before = {"speed": normal(1), "colour": CategoricalSample({"red": 1_500, "blue": 1_500})}
    few = {"speed": normal(2, rows=10), "colour": CategoricalSample({"red": 5, "blue": 5})}
    none = {"speed": normal(2, rows=0), "colour": CategoricalSample({})}

    shown, empty = page(before, few, kinds), page(before, none, kinds)

    words = [text.strip() for text in shown.texts]
    assert words.count("–") >= 2
    assert "×" not in "".join(words)
    words = [text.strip() for text in empty.texts]
    assert words[words.index("Rows needed to rule drift out") + 1] == "–"
