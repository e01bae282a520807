"""Columns of the benchmark of the drift check: 15 numeric and 5 categorical ones."""

from __future__ import annotations

SIZES = (3, 12, 50, 200, 1_000)
"""Categories of the categorical columns."""

FEATURES = {f"n{i:02}": "numeric" for i in range(15)} | {f"c{i}": "categorical" for i in range(len(SIZES))}
"""Column → kind, as in ``dataset.json``."""

DRIFTED = ("n02", "n05", "n09", "n12", "c1", "c3")
"""Columns that a current window has moved, by at least twice the smallest effect that matters."""
