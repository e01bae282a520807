import json

import numpy as np
import pytest

from contender.domain.drift import CategoricalSample, ProfiledSample, UnusableSample, merge_profiles
from contender.domain.drift.buckets import BucketCounter, place_edges
from contender.domain.drift.profile import NumericProfile
from contender.domain.drift.window_profile import WindowProfile

COUNTER = BucketCounter(place_edges(np.arange(10.0)))


def part(values, counts):
    numeric = NumericProfile.of(np.array(values, dtype=np.float32), COUNTER)
    return WindowProfile(len(values), {"x": numeric, "c": CategoricalSample(counts)})


def test_parts_merge_column_by_column():
    whole = merge_profiles([part([1, 2], {"a": 2}), part([3, np.nan, 4], {"a": 1, "b": 2})], {})

    assert whole.rows == 5
    assert (whole.columns["x"].rows, whole.columns["x"].present, whole.columns["x"].mean) == (5, 4, 2.5)
    assert whole.columns["c"].counts == {"a": 3, "b": 2}


def test_given_a_part_without_a_column_then_the_window_cannot_be_used():
    lacking = WindowProfile(3, {})

    for order in ([lacking, part([1, 2], {"a": 2})], [part([1, 2], {"a": 2}), lacking]):
        whole = merge_profiles(order, {})
        expected = UnusableSample("is absent from some of its files", 5)
        assert whole.columns == {"x": expected, "c": expected}
    assert merge_profiles([lacking, lacking], {}).columns == {}


def test_given_a_part_in_which_a_column_is_unusable_then_it_is_so_in_all():
    wrong = WindowProfile(
        3, {"x": UnusableSample("holds lists, not numbers", 3), "c": CategoricalSample({"a": 3})}
    )

    whole = merge_profiles([part([1, 2], {"a": 2}), wrong], {})

    assert whole.columns["x"] == UnusableSample("holds lists, not numbers", 5)
    assert whole.columns["c"].counts == {"a": 5}


def test_a_column_of_two_kinds_is_refused():
    numeric = WindowProfile(1, {"c": NumericProfile.of(np.ones(1), COUNTER)})

    with pytest.raises(ValueError, match="numeric in one part"):
        merge_profiles([part([1], {"a": 1}), numeric], {})


def test_stored_as_json_and_read_back_it_is_the_same():
    profile = WindowProfile(2, {**part([1, 2], {"a": 2}).columns, "z": UnusableSample("is odd", 2)})

    again = WindowProfile.from_dict(json.loads(json.dumps(profile.to_dict())))

    assert again.to_dict() == profile.to_dict()
    with pytest.raises(ValueError, match="no kind of column"):
        WindowProfile.from_dict({"rows": 1, "columns": {"x": {"kind": "odd"}}})


def test_samples_read_values_of_their_own_column():
    asked = []
    samples = part([1, 2], {"a": 2}).samples(
        lambda name, wanted: asked.append((name, wanted)),
        lambda name, wanted: asked.append(("ahead", name, wanted)),
    )

    assert isinstance(samples["x"], ProfiledSample)
    samples["x"].ahead([(0.0, 1.0)])
    samples["x"].within([(0.0, 1.0)])
    assert asked == [("ahead", "x", [(0.0, 1.0)]), ("x", [(0.0, 1.0)])]
    assert samples["c"].counts == {"a": 2}
