"""Between NumPy's arrays and Arrow's without pandas.

pyarrow's own ways (``pa.array``, ``to_numpy``) import pandas where it is installed, to ask whether it has to
do with the matter: 40 MB and a third of a second for a program that has no other use for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def to_arrow(values: NDArray[Any]) -> pa.Array:
    """Gives NumPy's numbers to Arrow, without a copy.

    Args:
        values: Shape [n], numbers or truth values; not to be written to afterwards. NaN stays NaN.

    Returns:
        Length n, of the type of the same name, without nulls.
    """
    kind = pa.from_numpy_dtype(values.dtype)
    data = (
        np.packbits(values, bitorder="little") if values.dtype == np.bool_ else np.ascontiguousarray(values)
    )
    return pa.Array.from_buffers(kind, values.size, [None, pa.py_buffer(data)])


def to_numpy(column: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    """Gives Arrow's numbers to NumPy, without a copy where they lie in one piece and none is null.

    Args:
        column: Length n, numbers or truth values; nulls among numbers only.

    Returns:
        Shape [n], of the type of the same name, perhaps not writable. With nulls floating-point numbers, NaN
        for null.
    """
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    dtype = _DTYPES[array.type]
    if not len(array):
        return np.empty(0, dtype)
    valid, data = array.buffers()
    end = array.offset + len(array)
    if dtype == np.bool_:
        return _bits(data, end)[array.offset :]
    found = np.frombuffer(data, dtype, end)[array.offset :]
    return np.where(_bits(valid, end)[array.offset :], found, np.nan) if array.null_count else found


def _bits(packed: pa.Buffer, count: int) -> NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(packed, np.uint8), count=count, bitorder="little").view(np.bool_)


_DTYPES = {pa.from_numpy_dtype(dtype): dtype for dtype in map(np.dtype, "?bBhHiIlLfd")}
