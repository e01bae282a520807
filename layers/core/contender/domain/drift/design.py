"""Columns as a matrix for a linear classifier, without a look at which window a row comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import rankdata

from contender.domain.dataset import Kind
from contender.domain.drift.rows import SampledRows


class _Term(NamedTuple):
    """One column of the matrix: ``(values[a] · values[b] − mean) / deviation``; without b, values[a]."""

    a: int
    b: int | None
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """The matrix, and what it was made of.

    Attributes:
        matrix: Shape ``(rows, terms)``, each term of mean 0 and deviation 1.
        base: Shape ``(rows, base columns)``: normal scores, indicators of missing values and of categories.
        owners: The feature that each base column stands for.
        terms: What each column of the matrix is made of.
        features: Features in it.
        left_out: Features that are not, because a window lacks them or holds another type in them.
    """

    matrix: NDArray[np.float64]
    base: NDArray[np.float64]
    owners: tuple[str, ...]
    terms: tuple[_Term, ...]
    features: tuple[str, ...]
    left_out: tuple[str, ...]

    def shuffled(self, feature: str, order: NDArray[np.intp]) -> tuple[list[int], NDArray[np.float64]]:
        """Gives the terms that a feature takes part in, and their values with its rows in another order."""
        own = np.array([owner == feature for owner in self.owners])
        base = np.where(own, self.base[order], self.base)
        indices = [i for i, t in enumerate(self.terms) if own[t.a] or (t.b is not None and own[t.b])]
        return indices, _evaluate(base, [self.terms[i] for i in indices])


def make_design(
    reference: SampledRows,
    current: SampledRows,
    features: Mapping[str, Kind],
    pair_columns: int,
    categories: int,
    generator: np.random.Generator,
) -> Design:
    """Turns both windows, one below the other, into a matrix.

    A numeric feature gives its normal scores (ranks over both windows, so that outliers have no pull),
    their squares, and whether it is missing; two numeric features give the product of their scores, whose
    mean is their correlation. A categorical feature gives one indicator for each frequent category.
    Terms that hardly vary are dropped. Nothing depends on which window a row is from, so relabelling
    the rows leaves the matrix as it is.

    Args:
        reference: Rows of the reference; they come first.
        current: Rows of the current window.
        features: Declared features and their kinds.
        pair_columns: Most numeric features among which products are formed; drawn at random if there
            are more.
        categories: Most categories of a feature that get an indicator.
        generator: Source of randomness.

    Returns:
        The design.
    """
    base: list[NDArray[np.float64]] = []
    owners: list[str] = []
    scores: list[int] = []
    left_out: list[str] = []
    for name, kind in features.items():
        columns = _numeric(reference, current, name) if kind is Kind.NUMERIC else None
        if kind is Kind.CATEGORICAL:
            columns = _categorical(reference, current, name, categories)
        if columns is None:
            left_out.append(name)
            continue
        if kind is Kind.NUMERIC:
            scores.append(len(base))
        base.extend(columns)
        owners.extend([name] * len(columns))
    rows = reference.rows + current.rows
    table = np.column_stack(base) if base else np.empty((rows, 0))
    paired = scores
    if len(scores) > pair_columns:
        paired = sorted(generator.choice(scores, size=pair_columns, replace=False).tolist())
    wanted: list[tuple[int, int | None]] = [(a, None) for a in range(len(base))]
    wanted += [(a, a) for a in scores]
    wanted += [(a, b) for i, a in enumerate(paired) for b in paired[i + 1 :]]
    terms = _standardise(table, wanted)
    return Design(
        matrix=_evaluate(table, terms),
        base=table,
        owners=tuple(owners),
        terms=tuple(terms),
        features=tuple(name for name in features if name not in left_out),
        left_out=tuple(left_out),
    )


def _numeric(reference: SampledRows, current: SampledRows, name: str) -> list[NDArray[np.float64]] | None:
    old, new = reference.numbers(name), current.numbers(name)
    if old is None or new is None:
        return None
    values = np.concatenate([old, new])
    missing = np.isnan(values)
    score = np.zeros(values.size)
    score[~missing] = ndtri((rankdata(values[~missing]) - 0.5) / max(1, int((~missing).sum())))
    return [score, missing.astype(np.float64)]


def _categorical(
    reference: SampledRows, current: SampledRows, name: str, most: int
) -> list[NDArray[np.float64]] | None:
    old, new = reference.texts(name), current.texts(name)
    if old is None or new is None:
        return None
    values = np.array([*old, *new], dtype=object)
    ranked = sorted(Counter(values).items(), key=lambda item: (-item[1], item[0]))
    return [(values == category).astype(np.float64) for category, _ in ranked[:most]]


def _standardise(table: NDArray[np.float64], wanted: Sequence[tuple[int, int | None]]) -> list[_Term]:
    terms = []
    for a, b in wanted:
        values = table[:, a] if b is None else table[:, a] * table[:, b]
        deviation = float(values.std()) if values.size else 0.0
        if deviation > 1e-6:  # constant but for rounding
            terms.append(_Term(a, b, float(values.mean()), deviation))
    return terms


def _evaluate(table: NDArray[np.float64], terms: Sequence[_Term]) -> NDArray[Any]:
    matrix = np.empty((table.shape[0], len(terms)))
    for i, term in enumerate(terms):
        values = table[:, term.a] if term.b is None else table[:, term.a] * table[:, term.b]
        matrix[:, i] = (values - term.mean) / term.deviation
    return matrix
