"""Every threshold of the drift check, each with its reason."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from enum import StrEnum

from contender.errors import BadInput, Problem


class WindowRule(StrEnum):
    """How many columns make a window drift."""

    ANY = "any"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """Thresholds of the drift check.

    A column drifts when one of its tests is both significant (``alpha``) and large (``*_effect``).
    Significance keeps small windows from alarming by chance, the effect keeps large windows from
    alarming about nothing: at a million rows every real difference is significant.

    Attributes:
        alpha: False discovery rate over all tests of a window; when nothing has drifted, the chance
            that the window is called drift. 0.001: the check runs daily and starts a training by
            itself, so a false alarm should come once in years. It costs little: at 2,000 rows a shift
            of 0.5 σ has p < 1e-15.
        ks_effect: Smallest Kolmogorov–Smirnov D that matters, in (0, 1). 0.1: a tenth of the rows lie
            on another side of some value; a normal column moved by a quarter of its σ. Moving any
            column by 0.5 σ gives D ≥ 0.144 (the uniform distribution is the worst case), so such a
            shift is found whatever the shape.
        tv_effect: Smallest total variation distance that matters, in (0, 1). 0.1: a tenth of the rows
            changed category. On two categories it equals D, hence the same value.
        missing_effect: Smallest change of the missing share that matters, in (0, 1). 0.05: a model
            cannot learn from a value that is not there, so less is tolerated than for a moved value.
        unseen_effect: Smallest share of rows in unseen categories, beyond what the reference lets
            expect, in (0, 1). 0.05: to a model an unseen category is as good as a missing value.
        power: Chance with which a window must be able to show an effect of the smallest size that
            matters before it may be called ``no_drift``, in [0.5, 1). 0.8: the usual convention
            (Cohen 1988).
        evident_effect: A window too small to be called ``no_drift`` may still be called ``drift``,
            because a significant test is valid at any size; but not below the rows that an effect
            of this size needs. 0.5: about 60 rows against 60, so that the asymptotic tests hold and
            nobody retrains for a handful of rows. Set it to ``ks_effect`` for a single row count
            below which everything is ``insufficient_data``.
        window_rule: ``any`` column, or a ``share`` of the declared columns, makes the window drift. Any:
            correction over columns has already been made, and one broken feature is enough to
            harm a model.
        window_share: That share, in (0, 1]; read only under the rule ``share``.
        min_expected: Smallest expected count of a cell of the chi-squared test; rarer categories are
            pooled. 5: Cochran (1954).
        psi_bins: Quantile bins of the reference for PSI, ≥ 2. 10: the number that PSI's rules of thumb
            (0.1, 0.25) were made for.
        histogram_bins: Bins of the histograms in the report, ≥ 1.
        listed_categories: Categories listed in the report, ≥ 1; the others are summed.

    Raises:
        BadInput: Naming every field that is out of range.
    """

    alpha: float = 0.001
    ks_effect: float = 0.1
    tv_effect: float = 0.1
    missing_effect: float = 0.05
    unseen_effect: float = 0.05
    power: float = 0.8
    evident_effect: float = 0.5
    window_rule: WindowRule = WindowRule.ANY
    window_share: float = 0.3
    min_expected: float = 5.0
    psi_bins: int = 10
    histogram_bins: int = 30
    listed_categories: int = 20

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        for name in ("alpha", "ks_effect", "tv_effect", "missing_effect", "unseen_effect", "evident_effect"):
            if not _inside(getattr(self, name), 0, 1):
                problems.append(_problem(self, name, "a number above 0 and below 1"))
        if not _inside(self.power, 0, 1) or self.power < 0.5:
            problems.append(_problem(self, "power", "a number from 0.5 to below 1"))
        if self.window_share != 1 and not _inside(self.window_share, 0, 1):
            problems.append(_problem(self, "window_share", "a number above 0 and at most 1"))
        if not _inside(self.min_expected, 0, math.inf) or self.min_expected < 1:
            problems.append(_problem(self, "min_expected", "a number of at least 1"))
        for name, least in (("psi_bins", 2), ("histogram_bins", 1), ("listed_categories", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 1_000:
                problems.append(_problem(self, name, f"a whole number from {least} to 1000"))
        if self.window_rule not in set(WindowRule):
            problems.append(_problem(self, "window_rule", f"one of {[rule.value for rule in WindowRule]}"))
        if problems:
            raise BadInput(problems)
        object.__setattr__(self, "window_rule", WindowRule(self.window_rule))

    def to_dict(self) -> dict[str, object]:
        """Gives all settings as plain JSON values; part of the key that makes a check idempotent."""
        return {**asdict(self), "window_rule": self.window_rule.value}


@dataclass(frozen=True, slots=True)
class ClassifierSettings:
    """Thresholds and sizes of the domain classifier, which tests all columns together.

    Attributes:
        alpha: Chance that two windows that do not differ are told apart, in (0, 1). 0.001, as for the
            columns; with both tests the chance of a false alarm is at most the sum.
        auc_threshold: Smallest AUC that matters, in (0.5, 1). 0.57: that of a single normal column moved by
            a quarter of its σ, Φ(0.25 / √2), which is where ``ks_effect`` draws the line.
        rows: Most rows of each window, ≥ 100; more are sampled. 5,000: an AUC's standard error is then
            0.006, a tenth of what the threshold is away from ½.
        min_rows: Fewest rows of each window for a verdict, ≥ 20. 500: below, a true AUC of 0.57 is within
            four standard errors of ½, and the terms are too many for the rows.
        folds: Folds of the cross-fitting, in [2, 20]. 3: enough, and cheap.
        relabellings: Relabellings for the p-value, at least ``1 / alpha − 1``, or nothing could ever be
            significant. 999: the fewest for 0.001.
        ridge: Penalty, in units of a standardised term's variance, > 0. 0.01: bounds what terms that nearly
            repeat each other can do, and biases the others by 1 %.
        pair_columns: Most numeric columns among which products are formed, ≥ 0. 20: 190 products.
        categories: Most categories of a column that get an indicator of their own, ≥ 1.
        drivers: Most columns named as driving a difference, ≥ 1.

    Raises:
        BadInput: Naming every field that is out of range.
    """

    alpha: float = 0.001
    auc_threshold: float = 0.57
    rows: int = 5_000
    min_rows: int = 500
    folds: int = 3
    relabellings: int = 999
    ridge: float = 0.01
    pair_columns: int = 20
    categories: int = 20
    drivers: int = 5

    def __post_init__(self) -> None:
        problems: list[Problem] = []
        if not _inside(self.alpha, 0, 1):
            problems.append(_problem(self, "alpha", "a number above 0 and below 1"))
        if not _inside(self.auc_threshold, 0.5, 1):
            problems.append(_problem(self, "auc_threshold", "a number above 0.5 and below 1"))
        if not _inside(self.ridge, 0, math.inf):
            problems.append(_problem(self, "ridge", "a number above 0"))
        for name, least, most in (
            ("rows", 100, 1_000_000),
            ("min_rows", 20, 1_000_000),
            ("folds", 2, 20),
            ("relabellings", 1, 1_000_000),
            ("pair_columns", 0, 200),
            ("categories", 1, 1_000),
            ("drivers", 1, 1_000),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
                problems.append(_problem(self, name, f"a whole number from {least} to {most}"))
        if not problems and (self.relabellings + 1) * self.alpha < 1 - 1e-9:
            problems.append(
                _problem(self, "relabellings", f"at least {math.ceil(1 / self.alpha) - 1}, for this alpha")
            )
        if problems:
            raise BadInput(problems)

    def to_dict(self) -> dict[str, object]:
        """Gives all settings as plain JSON values."""
        return asdict(self)


def _inside(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and low < value < high


def _problem(settings: DriftSettings | ClassifierSettings, name: str, wanted: str) -> Problem:
    group = "drift" if isinstance(settings, DriftSettings) else "drift.classifier"
    return Problem(f"{group}.{name}", f"is {getattr(settings, name)!r}", f"give {wanted}")
