"""What a drift check says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from contender.domain.dataset import Kind
from contender.domain.drift.picture import CategoryShares, Histogram
from contender.domain.drift.plain import plain
from contender.domain.drift.settings import DriftSettings
from contender.domain.drift.shift import Shift


class Verdict(StrEnum):
    """Verdict on a column or a window."""

    DRIFT = "drift"
    NO_DRIFT = "no_drift"
    INSUFFICIENT_DATA = "insufficient_data"


class Test(StrEnum):
    """What is compared."""

    KOLMOGOROV_SMIRNOV = "kolmogorov_smirnov"
    CHI_SQUARED = "chi_squared"
    MISSING_SHARE = "missing_share"
    UNSEEN_CATEGORIES = "unseen_categories"

    __test__ = False  # pytest would collect the name


@dataclass(frozen=True, slots=True)
class Finding:
    """One test of one column.

    Attributes:
        test: Which.
        method: Where the p-value comes from: ``asymptotic``, ``fisher_exact``, ``normal`` or
            ``asymptotic_and_fisher_exact`` (see ``chi_squared``).
        statistic_name: ``D``, ``X2`` or ``z``.
        statistic: Its value.
        effect_name: ``D``, ``total_variation``, ``change_of_share`` or ``excess_share``.
        effect: How large the difference is, whatever the number of rows, in [0, 1].
        threshold: Smallest effect that matters, from the settings.
        p_value: In [0, 1].
        adjusted_p: Benjamini–Hochberg over all tests of the window; ``p_value`` until then.
        drifted: Whether the adjusted p is below α and the effect reaches its threshold.
        bound: How much larger the exact statistic (and effect) may be at most; 0 when it is exact. Above 0
            only for D of a large window, and only where no value in that range changes a verdict.
    """

    test: Test
    method: str
    statistic_name: str
    statistic: float
    effect_name: str
    effect: float
    threshold: float
    p_value: float
    adjusted_p: float
    drifted: bool = False
    bound: float = 0.0


@dataclass(frozen=True, slots=True)
class Side:
    """A column in one of the two windows.

    Attributes:
        rows: Rows, missing values included.
        missing: Rows without a usable value: null, NaN, infinite or unreadable.
        infinite: Of these, how many were infinite as 32-bit floats.
        unreadable: Of these, how many were not of the declared kind.
        problem: Why the column cannot be used at all, as a clause ("is absent"); ``None`` if it can.
    """

    rows: int
    missing: int = 0
    infinite: int = 0
    unreadable: int = 0
    problem: str | None = None

    @property
    def present(self) -> int:
        """Rows with a usable value."""
        return self.rows - self.missing

    @property
    def missing_share(self) -> float | None:
        """Share of rows without a usable value; ``None`` without rows."""
        return self.missing / self.rows if self.rows else None


@dataclass(frozen=True, slots=True)
class Unseen:
    """Categories that the reference never had.

    Attributes:
        categories: The most frequent of them, at most ``listed_categories``.
        count: How many there are.
        share: Share of current rows (with a value) in them.
        expected_share: What the reference lets expect.
    """

    categories: tuple[str, ...]
    count: int
    share: float
    expected_share: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything measured on one column.

    Attributes:
        reference: The column in the reference.
        current: The column in the current window.
        findings: Tests made, that of the distribution first.
        shift: Numeric columns only.
        psi: Population stability index, for information.
        unseen: Categorical columns only.
        picture: Shares of both windows over common bins or categories.
    """

    reference: Side
    current: Side
    findings: tuple[Finding, ...] = ()
    shift: Shift | None = None
    psi: float | None = None
    unseen: Unseen | None = None
    picture: Histogram | CategoryShares | None = None


@dataclass(frozen=True, slots=True)
class ColumnResult:
    """Verdict on one column.

    Attributes:
        name: Its name.
        kind: Declared kind; ``None`` for a new column that is not declared.
        verdict: Drift, no drift, or insufficient data.
        reason: Why, in a plain sentence.
        evidence: What it rests on.
    """

    name: str
    kind: Kind | None
    verdict: Verdict
    reason: str
    evidence: Evidence

    @property
    def leading(self) -> Finding | None:
        """The test that tells most: of those that drifted the largest effect, else the distribution's."""
        drifted = [finding for finding in self.evidence.findings if finding.drifted]
        if drifted:
            return max(drifted, key=lambda finding: finding.effect)
        return self.evidence.findings[0] if self.evidence.findings else None

    @property
    def broken(self) -> bool:
        """Whether the current window lacks the column or holds something else in it: no model can use it."""
        return self.kind is not None and self.evidence.current.problem is not None

    def to_dict(self) -> dict[str, object]:
        """Gives plain JSON values; the leading test stands at the top, all of them under ``tests``."""
        leading, evidence = self.leading, self.evidence
        return {
            "name": self.name,
            "kind": plain(self.kind),
            "verdict": self.verdict.value,
            "reason": self.reason,
            "test": plain(leading and leading.test),
            "statistic_name": leading and leading.statistic_name,
            "statistic": plain(leading and leading.statistic),
            "effect_name": leading and leading.effect_name,
            "effect": plain(leading and leading.effect),
            "threshold": leading and leading.threshold,
            "p_value": plain(leading and leading.p_value),
            "adjusted_p": plain(leading and leading.adjusted_p),
            "rows": {"reference": evidence.reference.rows, "current": evidence.current.rows},
            "missing_share": {
                "reference": evidence.reference.missing_share,
                "current": evidence.current.missing_share,
            },
            "reference": plain(evidence.reference),
            "current": plain(evidence.current),
            "unseen": plain(evidence.unseen),
            "shift": plain(evidence.shift),
            "psi": plain(evidence.psi),
            "tests": plain(evidence.findings),
            "picture": plain(evidence.picture),
        }


class Driver(NamedTuple):
    """A feature that gives the window away.

    Attributes:
        name: Its name.
        auc_drop: How much AUC is lost when its values are shuffled over the rows.
    """

    name: str
    auc_drop: float


class ClassifierResult(NamedTuple):
    """Result of the test.

    Attributes:
        verdict: Drift, no drift, or insufficient data.
        reason: Why, in a plain sentence.
        auc: Cross-fitted area under the ROC curve, in [0, 1]; 0.5 when the windows cannot be told apart.
            ``None`` without a test.
        p_value: Share of relabellings with an AUC at least as large, in (0, 1]; ``None`` without a test.
        threshold: Smallest AUC that matters.
        reference_rows: Rows of the reference that were used.
        current_rows: Rows of the current window that were used.
        drivers: Features that the AUC rests on, most important first; empty unless drifted.
        left_out: Features that could not be used.
    """

    verdict: Verdict
    reason: str
    auc: float | None
    p_value: float | None
    threshold: float
    reference_rows: int
    current_rows: int
    drivers: tuple[Driver, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DriftReport:
    """Verdict on a window.

    Attributes:
        verdict: Drift, no drift, or insufficient data.
        reason: Why, in plain sentences.
        reference_rows: Rows of the reference.
        current_rows: Rows of the current window.
        rows_needed: Current rows from which a quiet window may be called ``no_drift``; ``None`` when the
            reference is too small for any.
        tests: Number of tests that p-values are adjusted for.
        columns: One result a declared column, and one a new column; worst first.
        settings: The thresholds used.
        multivariate: The test of all columns together, if it was made.
    """

    verdict: Verdict
    reason: str
    reference_rows: int
    current_rows: int
    rows_needed: int | None
    tests: int
    columns: tuple[ColumnResult, ...]
    settings: DriftSettings
    multivariate: ClassifierResult | None = None

    @property
    def drifted(self) -> tuple[str, ...]:
        """Names of the columns that drifted, worst first."""
        return tuple(column.name for column in self.columns if column.verdict is Verdict.DRIFT)

    @property
    def broken(self) -> tuple[str, ...]:
        """Declared columns that the current window lacks or that changed type: it cannot be trained on."""
        return tuple(column.name for column in self.columns if column.broken)

    def to_dict(self) -> dict[str, object]:
        """Gives plain JSON values; a number that JSON cannot hold becomes null."""
        return {
            "verdict": self.verdict.value,
            "reason": self.reason,
            "rows": {"reference": self.reference_rows, "current": self.current_rows},
            "rows_needed": self.rows_needed,
            "tests": self.tests,
            "drifted": list(self.drifted),
            "broken": list(self.broken),
            "columns": [column.to_dict() for column in self.columns],
            "multivariate": plain(self.multivariate),
            "settings": self.settings.to_dict(),
        }
