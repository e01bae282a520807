"""Measures one column: every test and everything worth showing, without a verdict."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contender.domain.dataset import Kind
from contender.domain.drift.bounded_smirnov import bounded_d, exact_d, intervals, within
from contender.domain.drift.buckets import BucketCounter
from contender.domain.drift.chi_squared import chi_squared
from contender.domain.drift.kolmogorov_smirnov import kolmogorov_smirnov, p_of_d
from contender.domain.drift.ordered import Ordered, ProfiledValues, SortedValues
from contender.domain.drift.picture import category_shares, histogram
from contender.domain.drift.population_stability import categorical_psi, numeric_psi
from contender.domain.drift.profile import NumericProfile
from contender.domain.drift.results import Evidence, Finding, Side, Test, Unseen
from contender.domain.drift.samples import (
    CategoricalSample,
    ColumnSample,
    NumericSample,
    ProfiledSample,
    UnusableSample,
    finite_sorted,
)
from contender.domain.drift.settings import DriftSettings
from contender.domain.drift.shift import shift
from contender.domain.drift.two_proportions import TwoProportions, two_proportions
from contender.domain.drift.unseen_categories import UnseenCategories, unseen_categories

_NUMERIC = (NumericSample, ProfiledSample)
_NO_VALUES = np.zeros(0, dtype=np.float32)


def measure_column(
    kind: Kind,
    reference: ColumnSample,
    current: ColumnSample,
    settings: DriftSettings,
    *,
    exactly: bool = False,
) -> Evidence:
    """Measures one column.

    When one side is a profile, so becomes the other; D is then known up to a bound, or exactly, at the price
    of reading values again.

    Args:
        kind: Declared kind.
        reference: The column in the reference.
        current: The column in the current window.
        settings: Thresholds.
        exactly: Whether D must be exact.

    Returns:
        The evidence; without findings where either side cannot be used.
    """
    reference, current = _as_declared(kind, reference), _as_declared(kind, current)
    if isinstance(reference, NumericSample) and isinstance(current, NumericSample):
        old, new = finite_sorted(reference.values), finite_sorted(current.values)
        ks = kolmogorov_smirnov(old, new)
        d = None if ks is None else (ks.d, 0.0)
        return _numeric(
            describe(reference), describe(current), SortedValues(old), SortedValues(new), d, settings
        )
    if isinstance(reference, _NUMERIC) and isinstance(current, _NUMERIC):
        before, after = _same_buckets(reference, current)
        d = _bounded(before, after, exactly=exactly)
        values = ProfiledValues(before.profile), ProfiledValues(after.profile)
        return _numeric(describe(before), describe(after), *values, d, settings)
    if isinstance(reference, CategoricalSample) and isinstance(current, CategoricalSample):
        return _measure_categorical(reference, current, settings)
    return Evidence(describe(reference), describe(current))


def tell_ahead(reference: ColumnSample, current: ColumnSample) -> None:
    """Tells profiled samples which of their values an exact D will ask for; others need not know."""
    if isinstance(reference, ProfiledSample) and isinstance(current, ProfiledSample):
        bounds = bounded_d(reference.profile, current.profile)
        wanted = intervals(bounds, reference.profile.edges) if bounds else ()
        for side in (reference, current):
            if wanted and side.ahead:
                side.ahead(wanted)


def describe(sample: ColumnSample) -> Side:
    """Counts the rows of a column and those without a usable value."""
    if isinstance(sample, UnusableSample):
        return Side(sample.rows, missing=sample.rows, problem=sample.problem)
    if isinstance(sample, CategoricalSample):
        return Side(sample.rows, sample.rows - sum(sample.present.values()))
    if isinstance(sample, ProfiledSample):
        profile = sample.profile
        return Side(profile.rows, profile.rows - profile.present, profile.infinite, profile.unreadable)
    finite = int(np.count_nonzero(np.isfinite(sample.values)))
    infinite = int(np.count_nonzero(np.isinf(sample.values)))
    return Side(sample.rows, sample.rows - finite, infinite, sample.unreadable)


def _as_declared(kind: Kind, sample: ColumnSample) -> ColumnSample:
    if isinstance(sample, _NUMERIC) and kind is not Kind.NUMERIC:
        return UnusableSample("holds numbers, but is declared categorical", sample.rows)
    if isinstance(sample, NumericSample) and (
        sample.values.ndim != 1 or sample.values.dtype.kind not in "fiub"
    ):
        return UnusableSample(f"holds {sample.values.dtype} values, not numbers", sample.rows)
    if isinstance(sample, CategoricalSample) and kind is not Kind.CATEGORICAL:
        return UnusableSample("holds texts, but is declared numeric", sample.rows)
    return sample


def _same_buckets(
    reference: NumericSample | ProfiledSample, current: NumericSample | ProfiledSample
) -> tuple[ProfiledSample, ProfiledSample]:
    edges = [side.profile.edges for side in (reference, current) if isinstance(side, ProfiledSample)]
    return _profiled(reference, edges[0]), _profiled(current, edges[0])


def _profiled(sample: NumericSample | ProfiledSample, edges: NDArray[np.float32]) -> ProfiledSample:
    if isinstance(sample, ProfiledSample):
        return sample
    profile = NumericProfile.of(sample.values, BucketCounter(edges), sample.unreadable)
    numbers = np.asarray(sample.values, dtype=np.float32)
    return ProfiledSample(profile, lambda wanted: within(numbers, wanted))


def _bounded(
    reference: ProfiledSample, current: ProfiledSample, *, exactly: bool
) -> tuple[float, float] | None:
    """Gives D, and how much larger it may be."""
    bounds = bounded_d(reference.profile, current.profile)
    if bounds is None:
        return None
    if not exactly:
        return bounds.low, bounds.high - bounds.low
    wanted = intervals(bounds, reference.profile.edges)
    values = (reference.within(wanted), current.within(wanted)) if wanted else (_NO_VALUES, _NO_VALUES)
    return exact_d(bounds, reference.profile, current.profile, *values), 0.0


def _numeric(
    reference: Side,
    current: Side,
    old: Ordered,
    new: Ordered,
    d: tuple[float, float] | None,
    settings: DriftSettings,
) -> Evidence:
    findings = []
    if d is not None:
        p_value = p_of_d(d[0], old.size, new.size)
        findings.append(
            Finding(
                Test.KOLMOGOROV_SMIRNOV,
                "asymptotic",
                statistic_name="D",
                statistic=d[0],
                effect_name="D",
                effect=d[0],
                threshold=settings.ks_effect,
                p_value=p_value,
                adjusted_p=p_value,
                bound=d[1],
            )
        )
    return Evidence(
        reference,
        current,
        findings=(*findings, *_missing_share(reference, current, settings)),
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
