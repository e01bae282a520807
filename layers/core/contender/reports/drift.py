"""The drift report as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contender.errors import BadInput
from contender.reports.drift_column import PILLS, column_card
from contender.reports.page import Html, number, p_value, percent, text, whole_page

HEADLINES: Mapping[str, tuple[str, str]] = {
    "drift": ("bad", "The data has drifted"),
    "no_drift": ("good", "No drift"),
    "insufficient_data": ("unsure", "Too little data for a verdict"),
}
"""Verdict → class and headline."""

NOT_JUDGED = "–"
"""Stands for a number that would look measured."""
OPEN_CARDS = 24
"""Cards of quiet columns that are shown at once; with more, all of them are folded away."""
OPEN_EFFECTS = 15
"""Lines of the overview that are shown at once."""


def render_drift_report(document: Mapping[str, Any]) -> Html:
    """Makes a page of a drift report.

    The page needs nothing else: no script, no font, no request; it reads well on a phone and in the dark.
    Columns come worst first, as in the report. Names of columns and categories are shown as text, whatever
    they contain.

    Args:
        document: The stored report: ``DriftReport.to_dict()``, with ``window``, ``run_key`` and
            ``checked_at`` where they are known.

    Returns:
        An HTML page; write it as UTF-8.

    Raises:
        BadInput: When the document is no drift report.
    """
    for field in ("verdict", "reason", "rows", "columns"):
        if field not in document:
            raise BadInput.of(field, "is missing", "give a document that the drift check has stored")
    columns: Sequence[Mapping[str, Any]] = document["columns"]
    cards = [(column, f"column-{place}") for place, column in enumerate(columns)]
    title = f"Drift report{_of_window(document)}"
    body = "".join(
        [
            "<main>",
            _verdict(document, columns),
            _together(document.get("multivariate")),
            _overview(cards),
            _cards(cards),
            _method(document),
            "</main>",
        ]
    )
    return whole_page(title, body)


def _of_window(document: Mapping[str, Any]) -> str:
    return f": {document['window']}" if document.get("window") else ""


def _verdict(document: Mapping[str, Any], columns: Sequence[Mapping[str, Any]]) -> Html:
    style, headline = HEADLINES.get(document["verdict"], ("unsure", document["verdict"]))
    rows = document["rows"]
    judged = [column for column in columns if column.get("kind") is not None]
    drifted = sum(column["verdict"] == "drift" for column in judged)
    facts = [
        ("Rows now", f"{rows['current']:,}"),
        ("Rows in the reference", f"{rows['reference']:,}"),
        ("Columns drifted", f"{drifted:,} of {len(judged):,}"),
    ]
    if document.get("rows_needed") is not None:
        needed = f"{document['rows_needed']:,}" if rows["current"] and rows["reference"] else NOT_JUDGED
        facts.append(("Rows needed to rule drift out", needed))
    if document.get("checked_at"):
        facts.append(("Checked", _time(str(document["checked_at"]))))
    listed = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in facts)
    return (
        f'<p class="eyebrow">Drift report{text(_of_window(document))}</p>'
        f'<section class="verdict {style}"><h1>{text(headline)}</h1><p>{text(document["reason"])}</p>'
        f'<dl class="facts">{listed}</dl></section>{_broken(columns, document.get("broken") or ())}'
    )


def _time(iso: str) -> str:
    day, _, clock = iso.partition("T")
    return f"{day} {clock[:5]} UTC" if clock.endswith("Z") else iso


def _broken(columns: Sequence[Mapping[str, Any]], broken: Sequence[str]) -> Html:
    if not broken:
        return ""
    reasons = {column["name"]: column["reason"] for column in columns}
    items = "".join(
        f"<li><strong>{text(name)}</strong>: {text(reasons.get(name, ''))}</li>" for name in broken[:10]
    )
    if len(broken) > 10:
        items += f"<li>and {len(broken) - 10:,} more</li>"
    return (
        '<div class="notice" role="note"><strong>The current window cannot be trained on</strong> until its '
        f"columns are as declared:<ul>{items}</ul></div>"
    )


def _together(result: Mapping[str, Any] | None) -> Html:
    if not result:
        return ""
    style, verdict = PILLS.get(result["verdict"], ("unsure", result["verdict"]))
    drivers = "".join(
        f'<tr><th scope="row">{text(driver["name"])}</th><td class="n">{number(driver["auc_drop"])}</td></tr>'
        for driver in result.get("drivers") or ()
    )
    if drivers:
        drivers = (
            '<table><thead><tr><th scope="col">Told apart by</th>'
            f'<th scope="col" class="n">AUC lost without it</th></tr></thead><tbody>{drivers}</tbody></table>'
        )
    facts = ""
    if result.get("auc") is not None:
        facts = (
            f'<p class="small muted">AUC {number(result["auc"])} (threshold {number(result["threshold"])}, '
            f"½ means that nothing tells the windows apart), p = {p_value(result['p_value'])}, from "
            f"{result['reference_rows']:,} and {result['current_rows']:,} rows.</p>"
        )
    return (
        '<h2>All columns together</h2><article class="card">'
        f'<header><h3>Can a row be told by its window?</h3><span class="pill {style}">{text(verdict)}</span>'
        f"</header><p>{text(result['reason'])}</p>{drivers}{facts}</article>"
    )


def _overview(cards: Sequence[tuple[Mapping[str, Any], str]]) -> Html:
    lines = [_effect(column, identity) for column, identity in cards if column.get("effect") is not None]
    if len(lines) < 2:
        return ""

    def table(some: Sequence[Html], heading: Html) -> Html:
        return f'<table class="bars effects">{heading}<tbody>{"".join(some)}</tbody></table>'

    head = (
        '<thead><tr><th scope="col">Column</th><th scope="col">Effect</th>'
        '<th scope="col" class="n">of threshold</th></tr></thead>'
    )
    shown, hidden = lines[:OPEN_EFFECTS], lines[OPEN_EFFECTS:]
    more = ""
    if hidden:
        more = f"<details><summary>{len(hidden):,} more columns</summary>{table(hidden, '')}</details>"
    return (
        "<h2>How large the differences are</h2>"
        '<div class="card"><p class="small muted">The dashed line is the smallest difference that matters. '
        f"Bars end at twice that.</p>{table(shown, head)}{more}</div>"
    )


def _effect(column: Mapping[str, Any], identity: str) -> Html:
    head = f'<tr><th scope="row"><a href="#{identity}">{text(column["name"])}</a></th>'
    if column["verdict"] == "insufficient_data":
        return f'{head}<td aria-hidden="true"></td><td class="n">{NOT_JUDGED}</td></tr>'
    ratio = column["effect"] / column["threshold"]
    style = "bad" if column["verdict"] == "drift" else "good"
    width = 100 * min(ratio, 2) / 2
    return (
        f'{head}<td aria-hidden="true"><div class="track"><span class="bar {style}" '
        f'style="width:{width:.1f}%"></span></div></td><td class="n">{_times(ratio)}</td></tr>'
    )


def _times(ratio: float) -> str:
    return f"{ratio:.2f} ×" if ratio < 10 else f"{ratio:,.0f} ×"


def _cards(cards: Sequence[tuple[Mapping[str, Any], str]]) -> Html:
    if not cards:
        return ""
    legend = (
        '<ul class="legend"><li class="reference"><i></i>reference</li>'
        '<li class="current"><i></i>current window</li><li class="muted">dashed: medians</li></ul>'
    )
    sections = []
    for verdict, heading in (
        ("drift", "Columns that drifted"),
        ("insufficient_data", "Columns that could not be judged"),
        ("no_drift", "Columns without drift"),
    ):
        some = [(column, identity) for column, identity in cards if column["verdict"] == verdict]
        if not some:
            continue
        grid = f'<div class="cards">{"".join(column_card(*item) for item in some)}</div>'
        if any(column.get("picture") for column, _ in some):
            grid = legend + grid
        heading = f"{heading} ({len(some):,})"
        if verdict != "drift" and len(some) > OPEN_CARDS:
            sections.append(f'<details class="more"><summary>{heading}</summary>{grid}</details>')
        else:
            sections.append(f"<h2>{heading}</h2>{grid}")
    return "".join(sections)


def _method(document: Mapping[str, Any]) -> Html:
    settings = document.get("settings")
    told = ""
    if settings:
        rule = "any column drifts"
        if settings["window_rule"] == "share":
            rule = f"at least {percent(settings['window_share'])} of the columns drift"
        told = (
            f"A column drifts when a difference is both significant (Benjamini–Hochberg over "
            f"{document.get('tests', 0):,} tests, adjusted p &lt; {number(settings['alpha'])}) and large: "
            f"D ≥ {number(settings['ks_effect'])} for numbers, total variation ≥ "
            f"{number(settings['tv_effect'])} for categories, {percent(settings['missing_effect'])} more or "
            f"fewer missing values, {percent(settings['unseen_effect'])} more rows in unseen categories than "
            f"expected. The window drifts when {rule}. "
        )
    key = f"Run {text(document['run_key'])}." if document.get("run_key") else ""
    return f"<footer>{told}{key}</footer>"
