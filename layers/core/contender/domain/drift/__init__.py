"""Has the data changed? One statistic a file, and a report that judges them together."""

from contender.domain.drift.judge import judge_window
from contender.domain.drift.power import rows_needed
from contender.domain.drift.results import ColumnResult, DriftReport, Evidence, Finding, Side, Test, Verdict
from contender.domain.drift.samples import (
    CategoricalSample,
    ColumnSample,
    LazyColumns,
    NumericSample,
    UnusableSample,
)
from contender.domain.drift.settings import DriftSettings, WindowRule

__all__ = [
    "CategoricalSample",
    "ColumnResult",
    "ColumnSample",
    "DriftReport",
    "DriftSettings",
    "Evidence",
    "Finding",
    "LazyColumns",
    "NumericSample",
    "Side",
    "Test",
    "UnusableSample",
    "Verdict",
    "WindowRule",
    "judge_window",
    "rows_needed",
]
