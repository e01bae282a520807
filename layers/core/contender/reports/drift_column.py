"""One column of the drift report: a card with its verdict, its picture and its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contender.reports.histogram import histogram_svg
from contender.reports.page import Html, number, p_value, percent, shortened, text

PILLS: Mapping[str, tuple[str, str]] = {
    "drift": ("bad", "drifted"),
    "no_drift": ("good", "no drift"),
    "insufficient_data": ("unsure", "not judged"),
}
"""Verdict → class, and what it is called on a column."""

TESTS: Mapping[str, str] = {
    "kolmogorov_smirnov": "Distribution (Kolmogorov–Smirnov)",
    "chi_squared": "Mix of categories (chi-squared)",
    "missing_share": "Missing values",
    "unseen_categories": "Unseen categories",
}
"""Test → what it is called."""

_SHOWN_CATEGORIES = 8
"""Categories shown before the reader asks for more: what fits a phone's screen together with the text."""


_WORTH_A_LOOK = 0.01
"""Missing share from which it is drawn; smaller ones stand among the numbers."""


def column_card(column: Mapping[str, Any], identity: str) -> Html:
    """Makes the card of a column.

    Args:
        column: As ``ColumnResult.to_dict()`` gives it.
        identity: Id of the card, unique in the page.

    Returns:
        An ``article``.
    """
    style, verdict = PILLS.get(column["verdict"], ("unsure", column["verdict"]))
    return (
        f'<article class="card" id="{identity}">'
        f'<header><h3>{text(column["name"])}</h3><span class="pill {style}">{text(verdict)}</span></header>'
        f'<p class="small">{text(column["reason"])}</p>'
        f"{_picture(column, identity)}{_missing(column)}{_numbers(column)}</article>"
    )


def _picture(column: Mapping[str, Any], identity: str) -> Html:
    picture = column.get("picture")
    if not picture:
        return ""
    return _shares(picture) if "categories" in picture else _histogram(column, picture, identity)


def _histogram(column: Mapping[str, Any], picture: Mapping[str, Any], identity: str) -> Html:
    shift = column.get("shift") or {}
    medians = shift.get("reference_median"), shift.get("current_median")
    label = f"Histograms of {column['name']}"
    if None not in medians:
        label += f": median {number(medians[0])} in the reference, {number(medians[1])} in the current window"
    svg = histogram_svg(
        picture["edges"], picture["reference"], picture["current"], medians, label, f"{identity}-picture"
    )
    outside = [
        f"{percent(sum(picture[f'{side}_outside']))} of the {name}"
        for side, name in (("reference", "reference"), ("current", "current window"))
        if sum(picture[f"{side}_outside"]) >= 0.0005
    ]
    if outside:
        svg += f'<p class="small muted">Beyond the edges: {", ".join(outside)}.</p>'
    return svg


def _shares(picture: Mapping[str, Any]) -> Html:
    rows = list(zip(picture["categories"], picture["reference"], picture["current"], strict=True))
    largest = max(max(old, new) for _, old, new in rows) or 1.0
    head = (
        '<thead><tr><th scope="col">Category</th><th scope="col" aria-hidden="true"></th>'
        '<th scope="col" class="n">Reference → now</th></tr></thead>'
    )

    def table(some: Sequence[tuple[str, float, float]], heading: Html) -> Html:
        body = "".join(
            f'<tr><th scope="row">{text(shortened(name))}</th><td aria-hidden="true">'
            f"{_bar('reference', old / largest)}{_bar('current', new / largest)}</td>"
            f'<td class="n">{percent(old)} → {percent(new)}</td></tr>'
            for name, old, new in some
        )
        return f'<table class="bars">{heading}<tbody>{body}</tbody></table>'

    shown, hidden = rows[:_SHOWN_CATEGORIES], rows[_SHOWN_CATEGORIES:]
    drawn = table(shown, head)
    if hidden:
        summary = f"{len(hidden)} more categories"
        drawn += f"<details><summary>{summary}</summary>{table(hidden, '')}</details>"
    if picture["others"]:
        old, new = percent(picture["reference_others"]), percent(picture["current_others"])
        drawn += f'<p class="small muted">{picture["others"]:,} rarer categories together: {old} → {new}.</p>'
    return drawn


def _bar(who: str, share: float) -> Html:
    return f'<span class="bar {who}" style="width:{100 * share:.1f}%"></span>'


def _missing(column: Mapping[str, Any]) -> Html:
    shares = column["missing_share"]
    old, new = shares["reference"], shares["current"]
    broken = any(column[side]["problem"] for side in ("reference", "current"))
    if broken or old is None or new is None or max(old, new) < _WORTH_A_LOOK:
        return ""
    return (
        '<table class="bars"><tbody><tr><th scope="row">Missing</th>'
        f'<td aria-hidden="true">{_bar("reference", old)}{_bar("current", new)}</td>'
        f'<td class="n">{percent(old)} → {percent(new)}</td></tr></tbody></table>'
    )


def _numbers(column: Mapping[str, Any]) -> Html:
    tests = "".join(_test(test) for test in column.get("tests") or ())
    facts = "".join(
        f'<tr><th scope="row">{text(name)}</th><td class="n">{text(value)}</td></tr>'
        for name, value in _facts(column)
    )
    if not tests and not facts:
        return ""
    if tests:
        tests = (
            '<div class="scroll"><table><thead><tr><th scope="col">Test</th>'
            '<th scope="col" class="n">Effect</th><th scope="col" class="n">Threshold</th>'
            '<th scope="col" class="n">Adjusted p</th></tr></thead>'
            f"<tbody>{tests}</tbody></table></div>"
        )
    return f"<details><summary>Numbers</summary>{tests}<table><tbody>{facts}</tbody></table></details>"


def _test(test: Mapping[str, Any]) -> Html:
    name = TESTS.get(test["test"], test["test"])
    mark = " <strong>(drifted)</strong>" if test["drifted"] else ""
    return (
        f'<tr><th scope="row">{text(name)}{mark}</th><td class="n">{number(test["effect"])}</td>'
        f'<td class="n">{number(test["threshold"])}</td><td class="n">{p_value(test["adjusted_p"])}</td></tr>'
    )


def _facts(column: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows = column["rows"]
    if not rows["reference"] and not rows["current"]:
        return []
    facts = [
        ("Kind", str(column.get("kind") or "undeclared")),
        ("Rows, reference → now", f"{rows['reference']:,} → {rows['current']:,}"),
    ]
    missing = column["missing_share"]
    lost = f"{percent(missing['reference'])} → {percent(missing['current'])}"
    facts.append(("Missing, reference → now", lost))
    shift = column.get("shift")
    if shift:
        facts += [
            ("Median", f"{number(shift['reference_median'])} → {number(shift['current_median'])}"),
            ("Mean", f"{number(shift['reference_mean'])} → {number(shift['current_mean'])}"),
            ("Shift of the mean, in standard deviations", number(shift["standardised"])),
        ]
    for key, name in (("infinite", "Infinite values"), ("unreadable", "Unreadable values")):
        old, new = (column[side][key] for side in ("reference", "current"))
        if old or new:
            facts.append((f"{name}, reference → now", f"{old:,} → {new:,}"))
    unseen = column.get("unseen")
    if unseen and unseen["count"]:
        listed = ", ".join(shortened(name) for name in unseen["categories"][:5])
        further = " …" if unseen["count"] > 5 else ""
        facts.append(
            (f"Unseen categories ({unseen['count']:,})", f"{percent(unseen['share'])}: {listed}{further}")
        )
    if column.get("psi") is not None:
        facts.append(("Population stability index", number(column["psi"])))
    return facts
