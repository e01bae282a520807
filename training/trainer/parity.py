"""Does the ONNX graph answer what scikit-learn answers?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from contender.adapters.onnx_model import OnnxModel, Predictions
from contender.domain.dataset import MISSING_CATEGORY, Kind

PROBABILITY_TOLERANCE = 1e-5
"""Largest difference of a probability. Sound conversions differ by at most 5e-7 (sums in float32 instead of
float64); a wrong one differs by far more than this."""

SPREAD_TOLERANCE = 1e-4
"""Largest difference of a regression's answer, in standard deviations of the answers: no error measure
notices it. ``FLOAT32_TOLERANCE`` of the answer itself is added."""

FLOAT32_TOLERANCE = 2e-6
"""About 16 steps of float32: an answer far from zero cannot be written more finely."""

UNSEEN = "\u2039never seen\u203a"


@dataclass(frozen=True)
class Parity:
    """How far two forms of one model agree.

    Attributes:
        rows: Rows compared, probes included.
        agreeing: Share of rows with the same label (classification) or an answer within tolerance, in [0, 1].
        worst: Largest difference of a probability, or of an answer in units of its tolerance.
        holds: Whether the graph may serve in the pipeline's place.
    """

    rows: int
    agreeing: float
    worst: float
    holds: bool

    def __str__(self) -> str:
        return f"agrees on {self.agreeing:.2%} of {self.rows} rows, largest difference {self.worst:.2g}"


def check_parity(pipeline: Pipeline, model: OnnxModel, features: pd.DataFrame) -> Parity:
    """Compares both forms on every row, and on probes: all missing, and categories never seen.

    Labels must be equal wherever the two best classes are further apart than the tolerance (forests tie
    exactly), probabilities within the tolerance on every row.

    Args:
        pipeline: Fitted.
        model: Its converted graph.
        features: Rows, at least one.

    Returns:
        How far they agree.

    Raises:
        ModelUnusable: When the graph fails on these rows.
    """
    rows = pd.concat([features, _probes(features, model)], ignore_index=True)
    answers = model.predict_many({str(name): rows[name].to_numpy() for name in rows})
    if answers.probabilities is None:
        return _numbers(np.asarray(pipeline.predict(rows), dtype=np.float64), answers)
    return _classes(pipeline.predict(rows), pipeline.predict_proba(rows), answers)


def _classes(labels: NDArray[Any], expected: NDArray[Any], answers: Predictions) -> Parity:
    assert answers.probabilities is not None
    differences = np.abs(expected - answers.probabilities)
    worst = float(np.where(np.isfinite(differences), differences, np.inf).max())
    best = np.sort(expected, axis=1)[:, -2:]
    tied = best[:, 1] - best[:, 0] <= PROBABILITY_TOLERANCE
    same = np.asarray(answers.labels) == np.asarray(labels)
    holds = worst <= PROBABILITY_TOLERANCE and bool((same | tied).all())
    return Parity(len(same), float(same.mean()), worst, holds)


def _numbers(expected: NDArray[Any], answers: Predictions) -> Parity:
    allowed = SPREAD_TOLERANCE * expected.std() + FLOAT32_TOLERANCE * np.abs(expected)
    differences = np.abs(expected - answers.labels.astype(np.float64))
    units = np.where(differences == 0, 0.0, differences / np.maximum(allowed, np.finfo(np.float64).tiny))
    units = np.where(np.isfinite(units), units, np.inf)
    return Parity(len(units), float((units <= 1).mean()), float(units.max()), bool((units <= 1).all()))


def _probes(features: pd.DataFrame, model: OnnxModel) -> pd.DataFrame:
    """Two rows that a holdout may lack: everything missing, and a row with categories never seen."""
    first = features.iloc[0]
    probes: dict[str, NDArray[Any]] = {}
    for name in features:
        if model.features[str(name)] is Kind.NUMERIC:
            probes[str(name)] = np.array([np.nan, first[name]], dtype=np.float32)
        else:
            probes[str(name)] = np.array([MISSING_CATEGORY, UNSEEN], dtype=object)
    return pd.DataFrame(probes)
