"""How names, texts and numbers are written in DuckDB's SQL."""

from __future__ import annotations

from contender.domain.dataset import WHOLE_BELOW


def quoted(name: str) -> str:
    """A column's name."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text."""
    return "'" + text.replace("'", "''") + "'"


def as_number(name: str, type_: str) -> str:
    """Reads a column of a type as FLOAT, which is what models are trained on and served with; else NULL.

    What is too large for it is infinite, so that it can be told from what is missing.
    """
    column = quoted(name)
    number, wide = f"TRY_CAST({column} AS FLOAT)", f"TRY_CAST({column} AS DOUBLE)"
    beyond = f"CASE WHEN {wide} > 0 THEN 'inf'::FLOAT WHEN {wide} < 0 THEN '-inf'::FLOAT END"
    if type_ == "VARCHAR":
        # Parquet's booleans are 1 and 0; CSV spells them out.
        truth = f"CASE lower(trim({column})) WHEN 'true' THEN 1 WHEN 'false' THEN 0 END"
        return f"coalesce({number}, {beyond}, {truth})"
    return f"coalesce({number}, {beyond})" if type_ == "DOUBLE" else number


def as_category(name: str, type_: str) -> str:
    """Reads a column of a type as the text of its categories; NULL where missing, NaN too.

    Numbers are written as by :func:`contender.domain.dataset.number_as_category`.
    """
    column = quoted(name)
    text = f"{column}::VARCHAR"
    if type_ in ("FLOAT", "DOUBLE"):
        # TRY_CAST because DuckDB casts a whole block before it looks at the condition.
        number = f"TRY_CAST({column} AS HUGEINT)::VARCHAR"
        whole = f"abs({column}) < {WHOLE_BELOW!r} AND {column} = trunc({column})"
        # Not by isnan(): DuckDB answers it from a Parquet file's least and greatest value, without NaN.
        return f"CASE WHEN {whole} THEN {number} WHEN {text} NOT IN ('nan', '-nan') THEN {text} END"
    if type_.startswith("DECIMAL") and not type_.endswith(",0)"):
        return f"regexp_replace({text}, '\\.?0+$', '')"
    return text
