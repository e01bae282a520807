"""Measures one column: every test and everything worth showing, without a verdict."""

from __future__ import annotations

import numpy as np

from contender.domain.dataset import Kind
from contender.domain.drift.chi_squared import chi_squared
from contender.domain.drift.kolmogorov_smirnov import kolmogorov_smirnov
from contender.domain.drift.picture import category_shares, histogram
from contender.domain.drift.population_stability import categorical_psi, numeric_psi
from contender.domain.drift.results import Evidence, Finding, Side, Test, Unseen
from contender.domain.drift.samples import (
    CategoricalSample,
    ColumnSample,
    NumericSample,
    UnusableSample,
    finite_sorted,
)
from contender.domain.drift.settings import DriftSettings
from contender.domain.drift.shift import shift
from contender.domain.drift.two_proportions import TwoProportions, two_proportions
from contender.domain.drift.unseen_categories import UnseenCategories, unseen_categories


def measure_column(
    kind: Kind, reference: ColumnSample, current: ColumnSample, settings: DriftSettings
) -> Evidence:
    """Measures one column.

    Args:
        kind: Declared kind.
        reference: The column in the reference.
        current: The column in the current window.
        settings: Thresholds.

    Returns:
        The evidence; without findings where either side cannot be used.
    """
    reference, current = _as_declared(kind, reference), _as_declared(kind, current)
    if isinstance(reference, NumericSample) and isinstance(current, NumericSample):
        return _measure_numeric(reference, current, settings)
    if isinstance(reference, CategoricalSample) and isinstance(current, CategoricalSample):
        return _measure_categorical(reference, current, settings)
    return Evidence(describe(reference), describe(current))


def describe(sample: ColumnSample) -> Side:
    """Counts the rows of a column and those without a usable value."""
    if isinstance(sample, UnusableSample):
        return Side(sample.rows, missing=sample.rows, problem=sample.problem)
    if isinstance(sample, CategoricalSample):
        return Side(sample.rows, sample.rows - sum(sample.present.values()))
    finite = int(np.count_nonzero(np.isfinite(sample.values)))
    infinite = int(np.count_nonzero(np.isinf(sample.values)))
    return Side(sample.rows, sample.rows - finite, infinite, sample.unreadable)


def _as_declared(kind: Kind, sample: ColumnSample) -> ColumnSample:
    if isinstance(sample, NumericSample):
        if kind is not Kind.NUMERIC:
            return UnusableSample("holds numbers, but is declared categorical", sample.rows)
        if sample.values.ndim != 1 or sample.values.dtype.kind not in "fiub":
            return UnusableSample(f"holds {sample.values.dtype} values, not numbers", sample.rows)
    if isinstance(sample, CategoricalSample) and kind is not Kind.CATEGORICAL:
        return UnusableSample("holds texts, but is declared numeric", sample.rows)
    return sample


def _measure_numeric(reference: NumericSample, current: NumericSample, settings: DriftSettings) -> Evidence:
    sides = describe(reference), describe(current)
    old, new = finite_sorted(reference.values), finite_sorted(current.values)
    findings = []
    ks = kolmogorov_smirnov(old, new)
    if ks is not None:
        findings.append(
            Finding(
                Test.KOLMOGOROV_SMIRNOV,
                "asymptotic",
                statistic_name="D",
                statistic=ks.d,
                effect_name="D",
                effect=ks.d,
                threshold=settings.ks_effect,
                p_value=ks.p_value,
                adjusted_p=ks.p_value,
            )
        )
    return Evidence(
        *sides,
        findings=(*findings, *_missing_share(*sides, settings)),
        shift=shift(old, new),
        psi=numeric_psi(old, new, settings.psi_bins),
        picture=histogram(old, new, settings.histogram_bins),
    )


def _measure_categorical(
    reference: CategoricalSample, current: CategoricalSample, settings: DriftSettings
) -> Evidence:
    sides = describe(reference), describe(current)
    old, new = reference.present, current.present
    findings = []
    chi = chi_squared(old, new, settings.min_expected)
    if chi is not None:
        findings.append(
            Finding(
                Test.CHI_SQUARED,
                "asymptotic_and_fisher_exact" if chi.exact else "asymptotic",
                statistic_name="X2",
                statistic=chi.statistic,
                effect_name="total_variation",
                effect=chi.total_variation,
                threshold=settings.tv_effect,
                p_value=chi.p_value,
                adjusted_p=chi.p_value,
            )
        )
    unseen = unseen_categories(old, new)
    if unseen is not None:
        findings.append(
            _of_shares(
                Test.UNSEEN_CATEGORIES,
                unseen.test,
                "excess_share",
                max(0.0, unseen.test.difference),
                settings.unseen_effect,
            )
        )
    return Evidence(
        *sides,
        findings=(*findings, *_missing_share(*sides, settings)),
        psi=categorical_psi(old, new),
        unseen=_listed(unseen, settings.listed_categories),
        picture=category_shares(old, new, settings.listed_categories),
    )


def _missing_share(reference: Side, current: Side, settings: DriftSettings) -> tuple[Finding, ...]:
    test = two_proportions(reference.missing, reference.rows, current.missing, current.rows)
    if test is None:
        return ()
    effect = abs(test.difference)
    return (_of_shares(Test.MISSING_SHARE, test, "change_of_share", effect, settings.missing_effect),)


def _of_shares(
    what: Test, test: TwoProportions, effect_name: str, effect: float, threshold: float
) -> Finding:
    return Finding(
        what,
        "fisher_exact" if test.exact else "normal",
        statistic_name="z",
        statistic=test.z,
        effect_name=effect_name,
        effect=effect,
        threshold=threshold,
        p_value=test.p_value,
        adjusted_p=test.p_value,
    )


def _listed(unseen: UnseenCategories | None, limit: int) -> Unseen | None:
    if unseen is None:
        return None
    return Unseen(unseen.names[:limit], len(unseen.names), unseen.share, unseen.expected_share)
