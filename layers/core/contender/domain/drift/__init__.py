"""Has the data changed? One statistic a file, and a report that judges them together."""

from contender.domain.drift.domain_classifier import domain_classifier
from contender.domain.drift.judge import judge_window, with_classifier
from contender.domain.drift.persistence import (
    LaunchDecision,
    LaunchRule,
    PastCheck,
    history_of,
    may_launch,
)
from contender.domain.drift.power import rows_needed
from contender.domain.drift.results import (
    ClassifierResult,
    ColumnResult,
    DriftReport,
    Driver,
    Evidence,
    Finding,
    Side,
    Test,
    Verdict,
)
from contender.domain.drift.rows import SampledRows
from contender.domain.drift.samples import (
    CategoricalSample,
    ColumnSample,
    LazyColumns,
    NumericSample,
    ProfiledSample,
    UnusableSample,
)
from contender.domain.drift.settings import ClassifierSettings, DriftSettings, WindowRule
from contender.domain.drift.window_profile import WindowProfile, merge_profiles

__all__ = [
    "CategoricalSample",
    "ClassifierResult",
    "ClassifierSettings",
    "ColumnResult",
    "ColumnSample",
    "DriftReport",
    "DriftSettings",
    "Driver",
    "Evidence",
    "Finding",
    "LaunchDecision",
    "LaunchRule",
    "LazyColumns",
    "NumericSample",
    "PastCheck",
    "ProfiledSample",
    "SampledRows",
    "Side",
    "Test",
    "UnusableSample",
    "Verdict",
    "WindowProfile",
    "WindowRule",
    "domain_classifier",
    "history_of",
    "judge_window",
    "may_launch",
    "merge_profiles",
    "rows_needed",
    "with_classifier",
]
