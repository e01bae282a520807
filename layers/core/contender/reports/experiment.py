"""An experiment as one self-contained page: what to do, how sure that is, and what could spoil it."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import NamedTuple

from contender.domain.experiment import Analysis, Finding, Reason
from contender.domain.experiment.wording import rounded
from contender.reports import experiment_charts as charts
from contender.reports import experiment_tables as tables
from contender.reports.page import Html, text, whole_page

_TONE = {
    Finding.SHIP: "good",
    Finding.KEEP: "unsure",
    Finding.CONTINUE: "unsure",
    Finding.INVALID: "bad",
}

_METHOD = (
    "Intervals are asymptotic confidence sequences (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "
    "Annals of "
    "Statistics 2024): they hold at every look together, so the experiment may be looked at, and stopped, "
    "at any "
    "time. B − A compares each outcome with what its split made of it, so that changing the split can "
    "neither "
    "create nor hide a difference. Requests count for the variant they were assigned to, whichever "
    "answered. The "
    "sample ratio test is Lindon and Malek's (NeurIPS 2022), also for any number of looks."
)


class About(NamedTuple):
    """Where an analysis comes from.

    Attributes:
        target: What is predicted; empty when unknown.
        release: Digest of the release.
        source: Location of the export.
        exported_at: Time of the export.
        problems: What was wrong with the data.
        remarks: What else is to be known of the export.
        judged_by: Where the settings come from, in a sentence; empty when untold.
    """

    target: str
    release: str
    source: str
    exported_at: str
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    judged_by: str = ""


def render_experiment(analysis: Analysis, about: About) -> Html:
    """Makes the page.

    Args:
        analysis: Of one release.
        about: Where it comes from.

    Returns:
        HTML that needs nothing else and is readable on a phone.
    """
    title = f"Experiment: {about.target}" if about.target else "Experiment"
    parts = [
        _head(analysis, title, about),
        _course(analysis),
        _metrics(analysis),
        _shapes(analysis),
        _checks(analysis),
        f"<h2>Traffic and outcomes</h2>{tables.traffic(analysis)}",
        _epochs(analysis),
        _judging(analysis, about),
        f"<p class='muted small' style='margin-top:10px'>{text(_METHOD)}</p>",
        _footer(analysis, about),
    ]
    return whole_page(f"{analysis.verdict.headline} · {title}", f"<main>{''.join(parts)}</main>")


def _head(analysis: Analysis, title: str, about: About) -> Html:
    verdict = analysis.verdict
    facts = [
        ("A, champion", _model(analysis.a.model_version)),
        ("B, challenger", _model(analysis.b.model_version)),
    ]
    facts.append(("requests", f"{analysis.requests:,}"))
    facts.append(("outcomes", f"{analysis.a.outcomes + analysis.b.outcomes:,}"))
    if verdict.more_outcomes:
        facts.append(("more outcomes needed", f"about {rounded(verdict.more_outcomes)}"))
    if Reason.TOO_SHORT in verdict.reasons and verdict.more_seconds:
        facts.append(("runs for another", f"{verdict.more_seconds / 3600:,.1f} hours"))
    listed = "".join(f"<div><dt>{text(name)}</dt><dd>{text(value)}</dd></div>" for name, value in facts)
    problems = "".join(f"<li>{text(problem)}</li>" for problem in about.problems)
    notice = f"<div class='notice'>Problems in the data<ul>{problems}</ul></div>" if problems else ""
    caution = f"<p class='muted small'>{text(verdict.caution)}</p>" if verdict.caution else ""
    return (
        f"<p class='eyebrow'>{text(title)} · {text(_period(analysis))}</p>"
        f"<section class='verdict {_TONE[verdict.finding]}'><h1>{text(verdict.headline)}</h1>"
        f"<p>{text(verdict.sentence)}</p>{caution}<dl class='facts'>{listed}</dl></section>{notice}"
    )


def _course(analysis: Analysis) -> Html:
    if not analysis.look.metrics:
        return ""
    entry = analysis.look.metrics[0]
    label = entry.metric.label
    cards = [
        _card(
            f"{label}: A/B comparison, B − A",
            charts.course(analysis, entry, paired=False),
            "Band: holds at every look together; where it touches the frame it goes on beyond. Dashed: what "
            "a single look fixed beforehand would allow.",
        )
    ]
    if entry.paired is not None:
        cards.append(
            _card(
                f"{label}: both models on the same requests, B − A",
                charts.course(analysis, entry, paired=True),
                analysis.look.belief,
            )
        )
    drawn = "".join(cards)  # before the second look there is no course to draw
    return f"<h2>How the estimate came about</h2><div class='cards'>{drawn}</div>" if drawn else ""


def _metrics(analysis: Analysis) -> Html:
    told = any(
        not math.isnan(value) for entry in analysis.comparisons for value in (entry.a.value, entry.b.value)
    )
    if not told:
        return ""
    note = ""
    if len(analysis.epochs) > 1:
        words = "B − A compares within epochs of the split, so it need not equal the rows' difference."
        note = f"<p class='muted small' style='margin-top:10px'>{words}</p>"
    return f"<h2>All metrics</h2>{tables.metrics(analysis)}{note}"


def _checks(analysis: Analysis) -> Html:
    found = tables.checks(analysis)
    return f"<h2>Can it be trusted?</h2>{found}" if found else ""


def _judging(analysis: Analysis, about: About) -> Html:
    told = f"<p class='muted small'>{text(about.judged_by)}</p>" if about.judged_by else ""
    return f"<h2>How it was judged</h2>{told}{tables.settings(analysis)}"


def _shapes(analysis: Analysis) -> Html:
    cards = [
        _card("What the variants predict", charts.predictions(analysis), ""),
        _card("How far predictions miss", charts.errors(analysis), "0 is a hit."),
        _card(
            "Do probabilities mean what they say?",
            charts.calibration(analysis),
            f"On the dashed line they do. {tables.calibration_errors(analysis)}",
        ),
    ]
    if analysis.b.requests:
        note = "Line: split in force. Dots: share of the requests that came."
        cards.append(_card("Traffic to B", charts.traffic(analysis), note))
    heading, challenger = "The model", ""
    if analysis.b.requests:
        heading, challenger = "The two models", "<li class='current'><i></i>B, challenger</li>"
    legend = f"<ul class='legend'><li class='reference'><i></i>A, champion</li>{challenger}</ul>"
    return f"<h2>{heading}</h2>{legend}<div class='cards'>{''.join(cards)}</div>"


def _card(title: str, picture: Html, note: str) -> Html:
    if not picture:
        return ""
    below = f"<p class='muted small'>{text(note)}</p>" if note else ""
    return f"<section class='card'><header><h3>{text(title)}</h3></header>{picture}{below}</section>"


def _epochs(analysis: Analysis) -> Html:
    return f"<h2>Epochs of the split</h2>{tables.epochs(analysis)}" if len(analysis.epochs) > 1 else ""


def _footer(analysis: Analysis, about: About) -> Html:
    parts = [
        f"Release {about.release}",
        f"export of {about.exported_at}" if about.exported_at else "",
        about.source,
        "requests of one unit are taken together" if analysis.clustered else "",
        *about.remarks,
    ]
    return f"<footer>{text(' · '.join(part for part in parts if part))}</footer>"


def _model(version: str) -> str:
    return f"version {version}" if version else "–"


def _period(analysis: Analysis) -> str:
    if not analysis.timeline:
        return "no requests"
    first, last = (
        f"{datetime.fromtimestamp(end, UTC):%Y-%m-%d %H:%M}"
        for end in (analysis.timeline[0].start, analysis.timeline[-1].end)
    )
    return f"{first} to {last} UTC"
