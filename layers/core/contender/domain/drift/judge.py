"""Judges a window: all columns together, one verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from contender.domain.dataset import Kind
from contender.domain.drift import wording
from contender.domain.drift.benjamini_hochberg import benjamini_hochberg
from contender.domain.drift.kolmogorov_smirnov import p_of_d
from contender.domain.drift.measure import measure_column, tell_ahead
from contender.domain.drift.power import rows_needed
from contender.domain.drift.results import (
    ClassifierResult,
    ColumnResult,
    DriftReport,
    Evidence,
    Finding,
    Side,
    Test,
    Verdict,
)
from contender.domain.drift.samples import ABSENT, ColumnSample
from contender.domain.drift.settings import DriftSettings, WindowRule

_SURE_ROWS = 100_000
"""Present values of both windows from which the least p-value of a D that is not known exactly is taken
as 0, a bound that always holds. A better one takes SciPy 40 ms there, and hardly ever matters: at this size
an effect that counts has a p-value of practically 0 anyway, whatever those of other tests are."""

_ORDER = {Verdict.DRIFT: 0, Verdict.INSUFFICIENT_DATA: 1, Verdict.NO_DRIFT: 2}


class _Scale(NamedTuple):
    """What all columns of a window share."""

    reference_rows: int
    current_rows: int
    tests: int
    settings: DriftSettings

    def rows_needed(self, effect: float, reference_rows: int | None = None) -> int | None:
        return rows_needed(
            effect,
            alpha=self.settings.alpha,
            power=self.settings.power,
            tests=self.tests,
            reference_rows=self.reference_rows if reference_rows is None else reference_rows,
        )

    def too_small(self) -> bool:
        """Whether the window is below the rows at which any column may be called drifted."""
        floor = self.rows_needed(self.settings.evident_effect)
        return floor is None or self.current_rows < floor


def judge_window(
    reference: Mapping[str, ColumnSample],
    current: Mapping[str, ColumnSample],
    features: Mapping[str, Kind],
    settings: DriftSettings,
) -> DriftReport:
    """Compares a window with the reference.

    Each declared column is asked for once, from the reference and then from the current window, and let
    go before the next; with ``LazyColumns`` no more than one column of each is in memory. Bad data is
    never an exception: it is a verdict with a reason.

    A column drifts when one of its tests has an adjusted p below α (Benjamini–Hochberg over all tests of
    the window) and an effect of at least its threshold, or when the current window lacks the column or
    holds another type in it. A column that the reference lacks cannot be judged. A window drifts by the
    rule over columns; a quiet window of too few rows (see ``rows_needed``) is ``insufficient_data``.

    Profiled columns give D up to a bound. Verdicts are taken for the smallest and for the largest D and their
    p-values; a column whose verdict is not the same for both is measured exactly, from values that its
    samples read again. So verdicts are those of exact statistics.

    Args:
        reference: Column → sample; a column that is not there is absent.
        current: Likewise. Columns that are neither declared nor in the reference are reported as new.
        features: Declared columns and their kinds.
        settings: Thresholds.

    Returns:
        The report.
    """
    evidence: dict[str, Evidence] = {}
    counted: dict[str, tuple[ColumnSample, ColumnSample]] = {}
    for name, kind in features.items():
        pair = _take(reference, name), _take(current, name)
        evidence[name] = measure_column(kind, *pair, settings)
        if any(finding.bound for finding in evidence[name].findings):
            counted[name] = pair
        del pair  # a column read one by one is let go before the next
    adjusted = _settle(evidence, counted, features, settings)
    scale = _Scale(
        reference_rows=max((item.reference.rows for item in adjusted.values()), default=0),
        current_rows=max((item.current.rows for item in adjusted.values()), default=0),
        tests=sum(len(item.findings) for item in adjusted.values()),
        settings=settings,
    )
    empty = _why_empty(reference, current, features, scale)
    declared = [
        ColumnResult(name, features[name], *_judge_column(features[name], item, scale, empty), item)
        for name, item in adjusted.items()
    ]
    new = [_new_column(name) for name in current if name not in features and name not in reference]
    verdict, reason = _judge_all(declared, scale, empty)
    return DriftReport(
        verdict=verdict,
        reason=reason + wording.of_infinite(declared),
        reference_rows=scale.reference_rows,
        current_rows=scale.current_rows,
        rows_needed=scale.rows_needed(_smallest_effect(declared, settings)),
        tests=scale.tests,
        columns=tuple(sorted([*declared, *new], key=_worst_first)),
        settings=settings,
    )


def with_classifier(report: DriftReport, result: ClassifierResult) -> DriftReport:
    """Adds the test of all columns together to a report.

    A window in which rows can be told apart has drifted, whatever its columns say one by one. A quiet
    test changes nothing: it does not see everything that the columns' tests see.

    Args:
        report: The report on the columns.
        result: What the domain classifier said.

    Returns:
        A new report.
    """
    if result.verdict is not Verdict.DRIFT or report.verdict is Verdict.DRIFT:
        return replace(report, multivariate=result)
    reason = f"{result.reason} Column by column: {report.reason}"
    return replace(report, multivariate=result, verdict=Verdict.DRIFT, reason=reason)


def _take(columns: Mapping[str, ColumnSample], name: str) -> ColumnSample:
    # Not .get(), which would take a KeyError inside a reader for an absent column.
    return columns[name] if name in columns else ABSENT  # noqa: SIM401


def _settle(
    evidence: Mapping[str, Evidence],
    counted: Mapping[str, tuple[ColumnSample, ColumnSample]],
    features: Mapping[str, Kind],
    settings: DriftSettings,
) -> dict[str, Evidence]:
    """Adjusts p-values, and measures exactly where the bounds leave a verdict open.

    Whether a test drifted rises with its effect and falls with every p-value of the window (an adjusted
    p-value rises with each of them). So verdicts that are the same with all D at their smallest and with all
    at their largest are right; where they are not, columns are measured exactly until they are: first those
    concerned, then, should the p-values of others matter, all.
    """
    evidence, left = dict(evidence), dict(counted)
    while True:
        least = _adjust(evidence, settings.alpha)
        most = _adjust({name: _at_most(item) for name, item in evidence.items()}, settings.alpha)
        unsettled = [name for name in evidence if _drifts(least[name]) != _drifts(most[name])]
        if not unsettled:
            return least
        names = [name for name in unsettled if name in left] or list(left)
        for name in names:
            tell_ahead(*left[name])
        for name in names:
            evidence[name] = measure_column(features[name], *left.pop(name), settings, exactly=True)


def _drifts(evidence: Evidence) -> list[bool]:
    return [finding.drifted for finding in evidence.findings]


def _at_most(evidence: Evidence) -> Evidence:
    """Gives the evidence as it were if every D had its largest possible value."""

    def raised(finding: Finding) -> Finding:
        if not finding.bound:
            return finding
        d, sides = finding.statistic + finding.bound, (evidence.reference.present, evidence.current.present)
        p_value = p_of_d(d, *sides) if min(sides) < _SURE_ROWS else 0.0
        return replace(finding, statistic=d, effect=d, p_value=p_value)

    return replace(evidence, findings=tuple(raised(finding) for finding in evidence.findings))


def _adjust(evidence: Mapping[str, Evidence], alpha: float) -> dict[str, Evidence]:
    findings = [finding for item in evidence.values() for finding in item.findings]
    adjusted = iter(benjamini_hochberg([finding.p_value for finding in findings]))
    result: dict[str, Evidence] = {}
    for name, item in evidence.items():
        judged = []
        for finding in item.findings:
            p = next(adjusted)
            drifted = p < alpha and finding.effect >= finding.threshold
            judged.append(replace(finding, adjusted_p=p, drifted=drifted))
        result[name] = replace(item, findings=tuple(judged))
    return result


def _why_empty(
    reference: Mapping[str, ColumnSample],
    current: Mapping[str, ColumnSample],
    features: Mapping[str, Kind],
    scale: _Scale,
) -> str | None:
    """Says which window has no rows in any declared column; ``None`` if both have some."""
    windows = (
        ("reference", reference, scale.reference_rows),
        ("current window", current, scale.current_rows),
    )
    for name, columns, rows in windows:
        if not rows:
            return wording.why_empty(name, [] if any(one in columns for one in features) else list(columns))
    return None


def _judge_column(kind: Kind, evidence: Evidence, scale: _Scale, empty: str | None) -> tuple[Verdict, str]:
    reference, current = evidence.reference, evidence.current
    if empty is not None:
        return Verdict.INSUFFICIENT_DATA, empty
    if reference.problem is not None or current.problem is not None:
        broken = reference.problem is None
        verdict = Verdict.DRIFT if broken else Verdict.INSUFFICIENT_DATA
        return verdict, wording.why_unusable(reference, current)
    effect = scale.settings.ks_effect if kind is Kind.NUMERIC else scale.settings.tv_effect
    needed = scale.rows_needed(effect, reference.present)
    wanted = wording.rows_wanted(needed, effect, scale.settings.power)
    if scale.too_small():
        return Verdict.INSUFFICIENT_DATA, wording.why_too_few(evidence, wanted)
    if any(finding.drifted for finding in evidence.findings):
        return Verdict.DRIFT, wording.why_drift(evidence)
    if not reference.present and not current.present:
        return Verdict.NO_DRIFT, wording.why_no_drift(evidence)
    if needed is None or current.present < needed:
        return Verdict.INSUFFICIENT_DATA, wording.why_too_few(evidence, wanted)
    if kind is Kind.CATEGORICAL and all(f.test is not Test.CHI_SQUARED for f in evidence.findings):
        return Verdict.INSUFFICIENT_DATA, "Every category is too rare to be compared."
    return Verdict.NO_DRIFT, wording.why_no_drift(evidence)


def _judge_all(columns: Sequence[ColumnResult], scale: _Scale, empty: str | None) -> tuple[Verdict, str]:
    settings = scale.settings
    if not columns:
        return Verdict.INSUFFICIENT_DATA, "No columns are declared, so nothing was compared."
    if empty is not None:
        return Verdict.INSUFFICIENT_DATA, empty
    ordered = sorted(columns, key=_worst_first)
    drifted = [column for column in ordered if column.verdict is Verdict.DRIFT]
    share = len(drifted) / len(columns)
    by_share = settings.window_rule is WindowRule.SHARE
    told = f"{len(drifted)} of {len(columns)} columns drifted"
    if drifted:
        told += f": {wording.of_columns(drifted)}"
    if drifted and (not by_share or share >= settings.window_share):
        return Verdict.DRIFT, f"{told}."
    if drifted:
        told += f", which is below the share of {settings.window_share:.0%} that makes a window drift"
    effect = _smallest_effect(columns, settings)
    needed = scale.rows_needed(effect)
    if needed is None or scale.current_rows < needed:
        wanted = wording.rows_wanted(needed, effect, settings.power)
        rows = f"{scale.reference_rows:,} reference and {scale.current_rows:,} current rows"
        return Verdict.INSUFFICIENT_DATA, f"{told}, but with {rows} this says little: {wanted}."
    unjudged = [column for column in ordered if column.verdict is Verdict.INSUFFICIENT_DATA]
    if len(unjudged) == len(columns):
        return Verdict.INSUFFICIENT_DATA, f"No column could be judged: {wording.of_columns(unjudged)}."
    if unjudged:
        told += f"; {len(unjudged)} could not be judged: {wording.of_columns(unjudged)}"
    elif not drifted:
        told += f"; the largest effect is in {wording.of_columns(ordered[:1])}"
    return Verdict.NO_DRIFT, f"{told}."


def _smallest_effect(columns: Sequence[ColumnResult], settings: DriftSettings) -> float:
    effects = {Kind.NUMERIC: settings.ks_effect, Kind.CATEGORICAL: settings.tv_effect}
    return min((effects[column.kind] for column in columns if column.kind), default=settings.ks_effect)


def _new_column(name: str) -> ColumnResult:
    reason = "The column is new: neither declared nor in the reference. It was ignored."
    return ColumnResult(name, None, Verdict.INSUFFICIENT_DATA, reason, Evidence(Side(0), Side(0)))


def _worst_first(column: ColumnResult) -> tuple[int, float, str]:
    leading = column.leading
    size = leading.effect if leading else float(column.broken)
    return _ORDER[column.verdict], -size, column.name
