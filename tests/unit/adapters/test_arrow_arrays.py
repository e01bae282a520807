"""NumPy's arrays as Arrow's and back, as pyarrow's own conversions make them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from contender.adapters.arrow_arrays import to_arrow, to_numpy
from tests.support.exports import Invented, items, write_export

TYPES = ("?", "u1", "i4", "i8", "u8", "f4", "f8")


@st.composite
def arrays(draw: st.DrawFn) -> NDArray[Any]:
    """Of any type, perhaps every other number of a longer one."""
    values = draw(st.lists(st.integers(0, 200), max_size=40))
    array = np.array(values).astype(draw(st.sampled_from(TYPES)))
    return array[:: draw(st.sampled_from([1, 2]))]


@settings(deadline=None)  # the first call of pa.array imports pandas
@given(arrays())
def test_given_any_array_then_arrow_has_it_as_its_own_conversion_would(values: NDArray[Any]) -> None:
    assert to_arrow(values).equals(pa.array(values))


@settings(deadline=None)
@given(arrays(), st.integers(0, 9), st.integers(1, 3))
def test_given_a_slice_in_any_pieces_then_numpy_has_the_same_numbers(
    values: NDArray[Any], start: int, pieces: int
) -> None:
    parts = [pa.array(part) for part in np.array_split(values, pieces)]
    column = pa.chunked_array(parts).slice(start)

    found = to_numpy(column)

    assert found.dtype == values.dtype
    assert np.array_equal(found, values[start:])


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.int32()])
def test_given_nulls_then_they_are_nan_and_the_rest_is_kept(kind: pa.DataType) -> None:
    column = pa.array([9, None, 2, None, 4, 5, 6, 7, 8, None], kind)

    for start in range(len(column)):
        expected = column.slice(start).to_numpy(zero_copy_only=False)
        np.testing.assert_array_equal(to_numpy(column.slice(start)), expected)


def test_given_an_analysis_then_pandas_is_not_imported_for_it(tmp_path: Path) -> None:
    write_export(tmp_path, items(Invented(requests=300, outcomes=0.9, shadow=0.5)))
    program = (
        "import sys; from scripts.analysis.report import make_report; make_report(sys.argv[1]); "
        "print('pandas' in sys.modules)"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}

    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], env=env, capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["False"]
