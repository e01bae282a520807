"""Whole rows of a window, drawn at random: what a test of all columns together needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from contender.adapters._sql import as_category, as_number
from contender.adapters.duckdb_files import WindowFiles
from contender.domain.dataset import Kind
from contender.domain.drift import SampledRows


def sample_rows(files: WindowFiles, features: Mapping[str, Kind], rows: int, seed: int) -> SampledRows:
    """Draws rows.

    Args:
        files: The window.
        features: Declared columns; those that are absent or of another type are left out.
        rows: Most rows.
        seed: The same seed draws the same rows; not negative.

    Raises:
        BadInput: When a file turns out to be spoilt.
    """
    wanted: dict[str, Callable[[str, str], str]] = {}
    for name, kind in features.items():
        if name not in files.types:
            continue
        if kind is Kind.NUMERIC and files.why_no_numbers(name) is None:
            wanted[name] = _number
        elif kind is Kind.CATEGORICAL and files.why_no_categories(name) is None:
            wanted[name] = _category
    if not wanted:
        return SampledRows({}, 0)
    columns = files.draw(wanted, rows, seed)
    return SampledRows(columns, len(next(iter(columns.values()))))


def _number(name: str, type_: str) -> str:
    return f"coalesce({as_number(name, type_)}, 'nan'::FLOAT)"


def _category(name: str, type_: str) -> str:
    return f"coalesce({as_category(name, type_)}, '')"
