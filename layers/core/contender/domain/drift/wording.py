"""Reasons in plain sentences."""

from __future__ import annotations

from collections.abc import Sequence

from contender.domain.drift.picture import CategoryShares
from contender.domain.drift.results import ColumnResult, Evidence, Finding, Side, Test

_NAMED = 3
"""Columns or categories named in a sentence; more would not be read."""

_LONG = 60
"""Characters of a column's name in a sentence: a whole header when the delimiter was another."""


def why_drift(evidence: Evidence) -> str:
    """Says what drifted in a column."""
    told = [_of_finding(evidence, finding) for finding in evidence.findings if finding.drifted]
    return _sentence("; ".join(told), evidence)


def why_no_drift(evidence: Evidence) -> str:
    """Says why a column did not drift."""
    if not evidence.reference.present and not evidence.current.present:
        return _sentence("all values are missing in both windows, so nothing changed", evidence)
    first = evidence.findings[0]
    close = max(evidence.findings, key=lambda finding: finding.effect / finding.threshold)
    told = f"{_effect(first)} stays below the threshold {_number(first.threshold)}"
    if close.effect >= close.threshold:
        told = (
            f"{_effect(close)} reaches the threshold {_number(close.threshold)} "
            f"but may be chance ({_p(close)})"
        )
    return _sentence(told, evidence)


def why_too_few(evidence: Evidence, wanted: str) -> str:
    """Says that a column has too few values for a verdict; ``wanted`` says how many it takes."""
    told = (
        f"only {_count(evidence.reference.present)} reference and {_count(evidence.current.present)} "
        f"current values are present: {wanted}"
    )
    return _sentence(told, evidence)


def rows_wanted(rows: int | None, effect: float, power: float) -> str:
    """Says how many rows a verdict takes; ``rows`` is ``None`` when the reference is too small."""
    aim = f"to see an effect of {_number(effect)} with {_percent(power)} power"
    if rows is None:
        return f"the reference is too small {aim}, however large the current window"
    return f"{_count(rows)} current rows are needed {aim}"


def why_unusable(reference: Side, current: Side) -> str:
    """Says what is wrong with a column that cannot be compared."""
    if reference.problem == current.problem:
        return f"The column {reference.problem} in both windows."
    told = [
        f"the column {side.problem} in the {window}"
        for side, window in ((current, "current window"), (reference, "reference"))
        if side.problem is not None
    ]
    return _capital("; ".join(told) + ".")


def why_empty(window: str, others: Sequence[str]) -> str:
    """Says that a window has no rows; ``others`` are its columns when none of them is a declared one."""
    if not others:
        return f"The {window} has no rows."
    named = [repr(name if len(name) <= _LONG else f"{name[:_LONG]}…") for name in others]
    return (
        f"The {window} has none of the declared columns; it has {_few(named)}. "
        "Mind the delimiter, which is a comma in CSV, and upper and lower case."
    )


def of_columns(columns: list[ColumnResult]) -> str:
    """Names the first few columns with their effects: ``temp (D = 0.99), wind (missing) and 2 more``."""
    named = []
    for column in columns:
        leading = column.leading
        detail = _effect(leading) if leading else (column.evidence.current.problem or "not comparable")
        named.append(f"{column.name} ({detail})")
    return _few(named)


def of_infinite(columns: list[ColumnResult]) -> str:
    """Says where a window has more infinite values than the reference, which look like missing ones else."""
    found = [column for column in columns if _more_infinite(column.evidence)]
    if not found:
        return ""
    found.sort(key=lambda column: -column.evidence.current.infinite)
    named = [f"{column.name} ({_count(column.evidence.current.infinite)})" for column in found]
    return f" Infinite values count as missing in the current window: {_few(named)}."


def _few(named: Sequence[str]) -> str:
    more = len(named) - _NAMED
    return ", ".join(named[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _more_infinite(evidence: Evidence) -> bool:
    reference, current = evidence.reference, evidence.current
    return current.infinite * max(reference.rows, 1) > reference.infinite * current.rows


def _of_finding(evidence: Evidence, finding: Finding) -> str:
    reference, current = evidence.reference, evidence.current
    limit = f"threshold {_number(finding.threshold)}, {_p(finding)}"
    if finding.test is Test.MISSING_SHARE:
        return (
            f"missing values went from {_percent(reference.missing_share)} to "
            f"{_percent(current.missing_share)} ({limit})"
        )
    if finding.test is Test.UNSEEN_CATEGORIES and evidence.unseen is not None:
        names = ", ".join(repr(name) for name in evidence.unseen.categories[:_NAMED])
        return (
            f"{_percent(evidence.unseen.share)} of the rows are in categories that the reference never had "
            f"({_count(evidence.unseen.count)}: {names}), {_percent(evidence.unseen.expected_share)} were "
            f"to be expected ({limit})"
        )
    if finding.test is Test.CHI_SQUARED:
        return f"the mix of categories changed, {_effect(finding)} ({limit}){_largest_change(evidence)}"
    return f"the distribution moved, {_effect(finding)} ({limit}){_medians(evidence)}"


def _medians(evidence: Evidence) -> str:
    shift = evidence.shift
    if shift is None or shift.reference_median is None or shift.current_median is None:
        return ""
    return f", median {_number(shift.reference_median)} → {_number(shift.current_median)}"


def _largest_change(evidence: Evidence) -> str:
    picture = evidence.picture
    if not isinstance(picture, CategoryShares):
        return ""
    triples = zip(picture.categories, picture.reference, picture.current, strict=True)
    name, old, new = max(triples, key=lambda triple: abs(triple[2] - triple[1]))
    return f", most of all {name!r} {_percent(old)} → {_percent(new)}"


def _sentence(told: str, evidence: Evidence) -> str:
    notes = []
    for window, side in (("reference", evidence.reference), ("current window", evidence.current)):
        for count, what in ((side.infinite, "infinite"), (side.unreadable, "unreadable")):
            if count:
                noun = "value counts" if count == 1 else "values count"
                notes.append(f" {_count(count)} {what} {noun} as missing in the {window}.")
    return _capital(told) + "." + "".join(notes)


def _effect(finding: Finding) -> str:
    name = {
        Test.KOLMOGOROV_SMIRNOV: "D",
        Test.CHI_SQUARED: "total variation",
        Test.MISSING_SHARE: "change of missing share",
        Test.UNSEEN_CATEGORIES: "excess of unseen categories",
    }[finding.test]
    return f"{name} = {finding.effect:.2f}"


def _p(finding: Finding) -> str:
    p = finding.adjusted_p
    return f"adjusted p = {p:.2g}" if p >= 1e-300 else "adjusted p < 1e-300"


def _number(value: float) -> str:
    return f"{value:.4g}"


def _percent(share: float | None) -> str:
    return "?" if share is None else f"{100 * share:.3g} %"


def _count(value: int) -> str:
    return f"{value:,}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
