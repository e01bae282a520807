"""A window in summary: what a large one is judged by, and what its parts merge into."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contender.domain.drift.categories import keep_known
from contender.domain.drift.profile import NumericProfile
from contender.domain.drift.samples import (
    ABSENT,
    CategoricalSample,
    ColumnSample,
    ProfiledSample,
    UnusableSample,
)

ColumnProfile = NumericProfile | CategoricalSample | UnusableSample
"""One column in summary; categories are counted anyway."""

ReadWithin = Callable[[str, Sequence[tuple[float, float]]], NDArray[np.float32]]
"""Reads the values of a numeric column that lie in given intervals; see ``ProfiledSample.within``."""

TellAhead = Callable[[str, Sequence[tuple[float, float]]], None]
"""Is told what will be read of which column; see ``ProfiledSample.ahead``."""

_LACKING = "is absent from some of its files"


@dataclass(frozen=True, slots=True, eq=False)
class WindowProfile:
    """A window, or some of its objects, in summary.

    Attributes:
        rows: Rows, ≥ 0.
        columns: Column → summary over these rows; a column that is not there is absent.
    """

    rows: int
    columns: Mapping[str, ColumnProfile]

    def samples(self, within: ReadWithin, ahead: TellAhead) -> dict[str, ColumnSample]:
        """Gives what ``judge_window`` takes.

        Args:
            within: Reads values again where counts leave a verdict open.
            ahead: Is told beforehand what ``within`` will be asked for.
        """
        return {
            name: ProfiledSample(column, partial(within, name), partial(ahead, name))
            if isinstance(column, NumericProfile)
            else column
            for name, column in self.columns.items()
        }

    def to_dict(self) -> dict[str, object]:
        """Gives plain JSON values."""
        return {
            "rows": self.rows,
            "columns": {name: _to_dict(column) for name, column in self.columns.items()},
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> WindowProfile:
        """Reads what ``to_dict`` gave. Raises ``KeyError``, ``TypeError`` or ``ValueError`` otherwise."""
        columns = {str(name): _from_dict(column) for name, column in document["columns"].items()}
        return cls(int(document["rows"]), columns)


def merge_profiles(parts: Iterable[WindowProfile], known: Mapping[str, Sequence[str]]) -> WindowProfile:
    """Merges the profiles of parts of a window into that of the whole, in any order and grouping.

    Numeric columns add up their counts; categorical ones too, within the limit of ``keep_known``. A
    column that is unusable in one part is so in all, and so is one that only some parts have.

    Args:
        parts: At least one; their numeric columns share their edges, those of the reference.
        known: Categorical column → categories of the reference.

    Returns:
        The profile of all rows.

    Raises:
        ValueError: When edges or kinds differ.
    """

    def merged(a: WindowProfile, b: WindowProfile) -> WindowProfile:
        names = dict.fromkeys([*a.columns, *b.columns])
        columns = {name: _merge(_of(a, name), _of(b, name), known.get(name, ())) for name in names}
        return WindowProfile(a.rows + b.rows, columns)

    return reduce(merged, parts)


def _of(part: WindowProfile, name: str) -> ColumnProfile:
    return part.columns.get(name) or UnusableSample(ABSENT.problem, part.rows)


def _merge(a: ColumnProfile, b: ColumnProfile, known: Sequence[str]) -> ColumnProfile:
    if isinstance(a, UnusableSample) or isinstance(b, UnusableSample):
        return _merge_unusable(a, b)
    if isinstance(a, NumericProfile) and isinstance(b, NumericProfile):
        return a.merge(b)
    if isinstance(a, CategoricalSample) and isinstance(b, CategoricalSample):
        counts = dict(a.counts)
        for name, count in b.counts.items():
            counts[name] = counts.get(name, 0) + count
        return CategoricalSample(keep_known(counts, set(known)), a.missing + b.missing)
    raise ValueError("a column cannot be numeric in one part and categorical in another")


def _merge_unusable(a: ColumnProfile, b: ColumnProfile) -> UnusableSample:
    problems = {side.problem for side in (a, b) if isinstance(side, UnusableSample)}
    wrong = sorted(problems - {ABSENT.problem})
    # What one file lacks and another has is no column to train on, as in a window that is read at once.
    both = isinstance(a, UnusableSample) and isinstance(b, UnusableSample)
    problem = wrong[0] if wrong else ABSENT.problem if both else _LACKING
    return UnusableSample(problem, a.rows + b.rows)


def _to_dict(column: ColumnProfile) -> dict[str, object]:
    if isinstance(column, NumericProfile):
        return {"kind": "numeric", **column.to_dict()}
    if isinstance(column, CategoricalSample):
        return {"kind": "categorical", "counts": dict(column.counts), "missing": column.missing}
    return {"kind": "unusable", "problem": column.problem, "rows": column.rows}


def _from_dict(document: Mapping[str, Any]) -> ColumnProfile:
    match document["kind"]:
        case "numeric":
            return NumericProfile.from_dict(document)
        case "categorical":
            counts = {str(name): int(count) for name, count in document["counts"].items()}
            return CategoricalSample(counts, int(document["missing"]))
        case "unusable":
            return UnusableSample(str(document["problem"]), int(document["rows"]))
        case kind:
            raise ValueError(f"{kind!r} is no kind of column")
