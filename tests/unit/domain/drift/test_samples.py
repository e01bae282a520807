import numpy as np
import pytest

from contender.domain.drift import CategoricalSample, LazyColumns, NumericSample
from contender.domain.drift.samples import finite_sorted


def test_the_empty_text_is_a_missing_category_and_zero_counts_are_none():
    sample = CategoricalSample({"x": 3, "": 2, "gone": 0}, missing=1)

    assert sample.rows == 6
    assert sample.present == {"x": 3}


@pytest.mark.parametrize("arguments", [({"x": -1},), ({"x": 1}, -1)])
def test_given_a_negative_count_then_the_sample_is_refused(arguments):
    with pytest.raises(ValueError, match="negative"):
        CategoricalSample(*arguments)


def test_sorting_drops_what_is_not_finite_and_leaves_the_input_alone():
    values = np.array([3.0, np.nan, -np.inf, 1.0, np.inf])
    before = values.copy()

    assert finite_sorted(values).tolist() == [1.0, 3.0]
    assert np.array_equal(values, before, equal_nan=True)
    assert finite_sorted(np.array([True, False])).tolist() == [0.0, 1.0]
    assert finite_sorted(np.array([2, 1], dtype=np.int32)).dtype == np.float64
    assert finite_sorted(np.array([2, 1], dtype=np.float32)).dtype == np.float32


def test_lazy_columns_are_read_when_asked_for():
    read = []

    def load(name):
        read.append(name)
        return NumericSample(np.zeros(2))

    columns = LazyColumns(["a", "b", "a"], load)

    assert (list(columns), len(columns), "a" in columns, "c" in columns) == (["a", "b"], 2, True, False)
    assert read == []
    assert columns["b"].rows == 2
    assert read == ["b"]
    with pytest.raises(KeyError):
        columns["c"]
