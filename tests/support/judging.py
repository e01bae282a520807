"""Columns for the drift check, and what it says of them."""

import numpy as np

from contender.domain.dataset import Kind
from contender.domain.drift import (
    CategoricalSample,
    DriftSettings,
    NumericSample,
    judge_window,
)

SETTINGS = DriftSettings()
ROWS = 4_000


def normal(seed, mean=0.0, rows=ROWS):
    return np.random.default_rng(seed).normal(mean, size=rows)


def judge(reference, current, settings=SETTINGS):
    """Judges arrays (numeric) and dicts (categorical) as one column or several."""
    if not isinstance(reference, dict) or not all(isinstance(name, str) for name in reference):
        raise TypeError("give columns by name")
    kinds = {
        name: Kind.CATEGORICAL if isinstance(value, dict | CategoricalSample) else Kind.NUMERIC
        for name, value in {**current, **reference}.items()
    }
    return judge_window(samples(reference), samples(current), kinds, settings)


def samples(columns):
    wrap = {dict: CategoricalSample, np.ndarray: NumericSample}
    return {name: wrap.get(type(value), lambda same: same)(value) for name, value in columns.items()}


def only(report):
    (column,) = report.columns
    return column


def finding(column, test):
    return next(item for item in column.evidence.findings if item.test is test)
