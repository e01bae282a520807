"""The report as files for other programs: one JSON document, one CSV table."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from io import StringIO
from typing import Any

from contender.domain.experiment import Comparison, Estimate, MetricLook, VariantSummary
from contender.domain.experiment.metrics import AUC
from scripts.analysis.report import Report


def to_document(report: Report) -> dict[str, Any]:
    """Gives the report as plain JSON types; what is unknown (NaN) is null."""
    analysis = report.analysis
    document = {
        "source": report.source,
        "exported_at": report.exported_at,
        "records": report.records,
        "spilled": report.spilled,
        "release": report.release,
        "other_releases": {digest: other._asdict() for digest, other in report.others.items()},
        "problems": list(report.problems),
        "remarks": list(report.remarks),
        "target": report.target or None,
        "task": analysis.task.value,
        "classes": list(analysis.classes),
        "positive": analysis.positive,
        "level": analysis.level,
        "requests": analysis.requests,
        "clustered_by_unit": analysis.clustered,
        "variants": {
            "A": _variant(analysis.a, [(entry, entry.a) for entry in analysis.comparisons]),
            "B": _variant(analysis.b, [(entry, entry.b) for entry in analysis.comparisons]),
        },
        "differences": {
            entry.metric.name: {
                **entry.difference._asdict(),
                "higher_is_better": entry.metric.higher_is_better,
                "significant": _excludes_zero(entry),
            }
            for entry in analysis.comparisons
            if entry.difference is not None
        },
        "bounds": {
            **{entry.metric.name: entry.bound for entry in analysis.comparisons if entry.metric is AUC},
            "relative": dict(analysis.roundings),
        },
        "primary_metric": analysis.comparisons[0].metric.name,
        "sample_ratio": analysis.ratio._asdict(),
        "epochs": [
            {**epoch._asdict(), "start": _iso(epoch.start), "end": _iso(epoch.end)}
            for epoch in analysis.epochs
        ],
        "distribution": None if analysis.scores is None else analysis.scores._asdict(),
        "errors": None if analysis.errors is None else analysis.errors._asdict(),
        "calibration": None
        if analysis.calibration is None
        else {
            "of": analysis.calibration.of,
            "error": {"A": analysis.calibration.error_a, "B": analysis.calibration.error_b},
            "A": [part._asdict() for part in analysis.calibration.a],
            "B": [part._asdict() for part in analysis.calibration.b],
        },
        "timeline": [
            {**part._asdict(), "start": _iso(part.start), "end": _iso(part.end)} for part in analysis.timeline
        ],
        "sequences": {entry.metric.name: _sequence(entry) for entry in analysis.look.metrics},
        "decided_by": analysis.look.decided_by.value,
        "paired_belief": analysis.look.belief or None,
        "agreement": {
            **analysis.look.agreement._asdict(),
            "same_share": analysis.look.agreement.same_share,
            "mean_distance": analysis.look.agreement.mean_distance,
        },
        "outcome_ratio": analysis.look.outcome_ratio._asdict(),
        "completeness": {
            "missing": analysis.completeness.missing._asdict(),
            "early": analysis.completeness.early._asdict(),
            "late": analysis.completeness.late._asdict(),
            "delay_p_value": analysis.completeness.delay_p_value,
        },
        "guardrails": [entry._asdict() for entry in analysis.look.guardrails],
        "settings": asdict(analysis.settings),
        "judged_by": report.judged_by or None,
        "verdict": {
            **analysis.verdict._asdict(),
            "finding": analysis.verdict.finding.value,
            "reasons": [reason.value for reason in analysis.verdict.reasons],
        },
    }
    plain: dict[str, Any] = _plain(document)
    return plain


def to_json(report: Report) -> str:
    """Gives :func:`to_document` as text."""
    return json.dumps(to_document(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def to_csv(report: Report) -> str:
    """Gives the table of metrics: one row each; unknown numbers are empty."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        ["metric", "higher_is_better"]
        + [f"{side}_{part}" for side in ("a", "b") for part in ("value", "lower", "upper", "outcomes")]
        + [
            f"difference_{part}"
            for part in ("value", "lower", "upper", "p_value", "epochs", "epochs_dropped", "outcomes_dropped")
        ]
    )
    for entry in report.analysis.comparisons:
        row: list[object] = [entry.metric.name, entry.metric.higher_is_better]
        for estimate in (entry.a, entry.b):
            row += [estimate.value, estimate.lower, estimate.upper, estimate.outcomes]
        gap = entry.difference
        if gap is not None:
            row += [gap.value, gap.lower, gap.upper, gap.p_value]
            row += [gap.epochs, gap.epochs_dropped, gap.outcomes_dropped]
        writer.writerow(["" if isinstance(cell, float) and math.isnan(cell) else cell for cell in row])
    return text.getvalue()


def _sequence(entry: MetricLook) -> dict[str, Any]:
    """The metric at every look: its estimates, and the course of the A/B comparison."""
    return {
        "higher_is_better": entry.metric.higher_is_better,
        "served": entry.served._asdict(),
        "paired": None if entry.paired is None else entry.paired._asdict(),
        "gap": None if entry.gap is None else entry.gap._asdict(),
        "course": [
            {
                "at": _iso(step.at),
                "epoch": step.epoch,
                **{part: getattr(step.estimate, part) for part in ("outcomes", "value", "lower", "upper")},
            }
            for step in entry.course
        ],
    }


def _variant(summary: VariantSummary, metrics: list[tuple[Comparison, Estimate]]) -> dict[str, Any]:
    return {
        "requests": summary.requests,
        "units": summary.units,
        "model_version": summary.model_version or None,
        "fallbacks": summary.fallbacks,
        "fallback_rate": summary.fallbacks / summary.requests if summary.requests else None,
        "spilled": summary.spilled,
        "outcomes": summary.outcomes,
        "outcomes_missing": summary.outcomes_missing,
        "outcomes_unknown": summary.outcomes_unknown,
        "outcome_delay_s": summary.outcome_delay_s._asdict(),
        "latency_ms": summary.latency_ms._asdict(),
        "predicted": dict(summary.predicted),
        "mean_prediction": summary.mean_prediction,
        "metrics": {entry.metric.name: estimate._asdict() for entry, estimate in metrics},
    }


def _excludes_zero(entry: Comparison) -> bool | None:
    gap = entry.difference
    if gap is None or math.isnan(gap.lower):
        return None
    return not gap.lower <= 0 <= gap.upper


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
