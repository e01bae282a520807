"""How names, texts and numbers are written in DuckDB's SQL."""

from __future__ import annotations


def quoted(name: str) -> str:
    """A column's name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text."""
    return "'" + text.replace("'", "''") + "'"


def as_number(name: str, type_: str) -> str:
    """Reads a column of a type as FLOAT, which is what models are trained on and served with; else NULL."""
    column = quoted(name)
    number = f"TRY_CAST({column} AS FLOAT)"
    if type_ != "VARCHAR":
        return number
    # Parquet's booleans are 1 and 0; CSV spells them out.
    return f"coalesce({number}, CASE lower(trim({column})) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END)"
