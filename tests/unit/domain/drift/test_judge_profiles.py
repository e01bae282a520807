"""Profiles and values are judged alike."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contender.domain.dataset import Kind
from contender.domain.drift import DriftSettings, NumericSample, ProfiledSample, Verdict, judge_window
from contender.domain.drift.bounded_smirnov import within
from contender.domain.drift.buckets import BucketCounter, place_edges
from contender.domain.drift.profile import NumericProfile
from tests.support.columns import columns, shaped

SETTINGS = DriftSettings()


class Profiled:
    """A pair of windows of one column, counted in few enough buckets that bounds matter; notes reading."""

    def __init__(self, reference, current, buckets):
        counter = BucketCounter(place_edges(reference, buckets))
        self.read = 0
        self.reference, self.current = (self._sample(values, counter) for values in (reference, current))

    def _sample(self, values, counter):
        def look(wanted):
            self.read += 1
            return within(values, wanted)

        return ProfiledSample(NumericProfile.of(values, counter), look)


def judge(reference, current, settings=SETTINGS):
    return judge_window({"x": reference}, {"x": current}, {"x": Kind.NUMERIC}, settings)


def verdicts(report):
    return (
        report.verdict,
        report.rows_needed,
        [
            (
                c.name,
                c.verdict,
                c.evidence.reference,
                c.evidence.current,
                [f.drifted for f in c.evidence.findings],
            )
            for c in report.columns
        ],
    )


@given(columns, columns, st.sampled_from([1, 16, 2_048]), st.sampled_from([0.02, 0.1, 0.3]))
def test_verdicts_are_those_of_all_values(reference, current, buckets, effect):
    settings = DriftSettings(ks_effect=effect, alpha=0.05, evident_effect=0.9)
    pair = Profiled(reference, current, buckets)

    counted = judge(pair.reference, pair.current, settings)

    exact = judge(NumericSample(reference), NumericSample(current), settings)
    assert verdicts(counted) == verdicts(exact)
    for mine, its in zip(
        counted.columns[0].evidence.findings, exact.columns[0].evidence.findings, strict=True
    ):
        assert mine.statistic - 1e-12 <= its.statistic <= mine.statistic + mine.bound + 1e-12


@given(shaped, shaped)
def test_given_the_buckets_of_a_large_window_then_the_rest_of_the_report_is_close_too(reference, current):
    pair = Profiled(reference, current, 2_048)
    old, new = (values[np.isfinite(values)] for values in (reference, current))

    counted = judge(pair.reference, pair.current).columns[0].evidence
    exact = judge(NumericSample(reference), NumericSample(current)).columns[0].evidence

    assert (counted.shift is None) == (exact.shift is None)
    if counted.shift is not None:
        size = max(np.abs(old).max(), np.abs(new).max())
        assert counted.shift.reference_mean == pytest.approx(
            exact.shift.reference_mean, rel=1e-6, abs=1e-6 * size
        )
        assert sum(counted.picture.current) + sum(counted.picture.current_outside) == pytest.approx(1)


def test_given_bounds_that_settle_the_verdict_then_nothing_is_read_again():
    generator = np.random.default_rng(1)
    reference, same, moved = (generator.normal(m, size=20_000).astype(np.float32) for m in (0, 0, 1))

    quiet, drifted = Profiled(reference, same, 2_048), Profiled(reference, moved, 2_048)

    assert judge(quiet.reference, quiet.current).verdict is Verdict.NO_DRIFT
    report = judge(drifted.reference, drifted.current)
    assert report.verdict is Verdict.DRIFT
    assert 0 < report.columns[0].evidence.findings[0].bound < 0.001
    assert quiet.read == drifted.read == 0


def test_given_a_threshold_between_the_bounds_then_the_exact_value_decides():
    generator = np.random.default_rng(1)
    reference, current = (generator.normal(m, size=20_000).astype(np.float32) for m in (0, 0.4))
    d = judge(NumericSample(reference), NumericSample(current)).columns[0].evidence.findings[0].statistic
    pair = Profiled(reference, current, 16)

    for effect, verdict in ((d - 1e-9, Verdict.DRIFT), (d + 1e-9, Verdict.NO_DRIFT)):
        report = judge(pair.reference, pair.current, replace(SETTINGS, ks_effect=effect))
        finding = report.columns[0].evidence.findings[0]
        assert report.verdict is verdict
        assert (finding.statistic, finding.bound) == (pytest.approx(d, abs=1e-12), 0.0)
    assert pair.read == 4  # both sides, twice


def test_a_profile_and_values_are_compared_in_the_buckets_of_the_profile():
    generator = np.random.default_rng(1)
    reference, current = (generator.normal(m, size=5_000).astype(np.float32) for m in (0, 1))
    pair = Profiled(reference, current, 2_048)

    for old, new in ((pair.reference, NumericSample(current)), (NumericSample(reference), pair.current)):
        assert judge(old, new).columns[0].evidence == judge(pair.reference, pair.current).columns[0].evidence


def test_a_profile_of_a_column_that_is_declared_categorical_is_a_changed_type():
    pair = Profiled(*np.ones((2, 500), np.float32), 16)

    report = judge_window({"x": pair.reference}, {"x": pair.current}, {"x": Kind.CATEGORICAL}, SETTINGS)

    assert "declared categorical" in report.columns[0].reason
