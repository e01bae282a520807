"""Numeric columns that are hard to summarise: ties, atoms, heavy tails, constants, gaps, nothing at all."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

LARGEST = float(np.finfo(np.float32).max)
TINY = float(np.finfo(np.float32).smallest_subnormal)

_missing = st.sampled_from([np.nan, np.inf, -np.inf])
_elements = st.one_of(
    st.integers(-3, 3).map(float),
    st.floats(-10, 10, width=32),
    st.floats(-LARGEST, LARGEST, width=32),
    st.sampled_from([0.0, -0.0, TINY, -TINY, 1e6, 1e6 + 0.0625, LARGEST, -LARGEST]),
)
_drawn = arrays(np.float32, st.integers(0, 120), elements=st.one_of(_elements, _elements, _missing))


def _shaped(seed: int, shape: str, rows: int, moved: float) -> NDArray[np.float32]:
    generator = np.random.default_rng(seed)
    normal = generator.normal(size=rows)
    values: dict[str, Any] = {
        "normal": normal + moved,
        "lognormal": np.exp(3 * normal + moved),
        "pareto": generator.pareto(0.5, size=rows) + moved,
        "rounded": np.round(normal, 1) + moved,
        "atom": np.where(generator.random(rows) < 0.5, 0.0, normal + moved),
        "far": 1e6 + normal + moved,
        "constant": np.full(rows, 7.0 + moved),
        "missing": np.full(rows, np.nan),
        "two": np.where(generator.random(rows) < 0.5 + moved / 10, 1.0, 0.0),
    }
    return np.asarray(values[shape], dtype=np.float32)


_shapes = ["normal", "lognormal", "pareto", "rounded", "atom", "far", "constant", "missing", "two"]
shaped = st.builds(
    _shaped, st.integers(0, 10_000), st.sampled_from(_shapes), st.integers(0, 3_000), st.floats(0, 2)
)
columns = st.one_of(_drawn, shaped)
"""Float32 columns, NaN and infinite values included."""
