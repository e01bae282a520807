"""What is asked of one column of a window: its numbers, or the counts of its categories."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from contender.adapters._sql import as_category, as_number, quoted
from contender.domain.drift.categories import FURTHER, MAX_CATEGORIES

_BLANKS = "('', 'na', 'n/a', 'nan', 'null', 'none')"


class Numbers(NamedTuple):
    """Values of a numeric column.

    Attributes:
        values: Shape ``(rows,)``, float32 as the models see them, NaN where missing. So what float32 cannot
            tell apart, drift is not found in: seconds since 1970 that lie within 128 s, for instance.
        unreadable: How many of the NaNs stand for something that is not a number.
    """

    values: NDArray[np.float32]
    unreadable: int


def read_numbers(cursor: duckdb.DuckDBPyConnection, name: str, type_: str, source: str) -> Numbers:
    """Reads a numeric column of a source.

    Args:
        cursor: Its own, of one thread.
        name: The column.
        type_: Its type in DuckDB.
        source: What stands behind FROM.

    Raises:
        duckdb.Error: When the source cannot be read.
    """
    column, number, is_text = quoted(name), as_number(name, type_), type_ == "VARCHAR"
    wanted = f"coalesce({number}, 'nan'::FLOAT) AS v"
    if is_text:
        wanted += f", {number} IS NULL AND coalesce(lower(trim({column})) NOT IN {_BLANKS}, false) AS u"
    answer: dict[str, Any] = cursor.execute(f"SELECT {wanted} FROM {source}").fetchnumpy()
    values = np.asarray(answer["v"], dtype=np.float32)
    return Numbers(values, int(np.count_nonzero(answer["u"])) if is_text else 0)


def count_categories(
    cursor: duckdb.DuckDBPyConnection,
    name: str,
    sources: Sequence[tuple[str, str]],
    known: Collection[str] | None,
) -> tuple[dict[str, int], int]:
    """Counts a categorical column; see ``WindowFiles.categories``.

    Args:
        cursor: Its own, of one thread.
        name: The column.
        sources: What stands behind FROM, and the column's type there: each file's own, so that a category has
            the same text whatever other files hold.
        known: Categories of the reference.

    Raises:
        duckdb.Error: When the files cannot be read.
    """
    texts = " UNION ALL ".join(
        f"SELECT {as_category(name, type_)} AS c FROM {file}" for file, type_ in sources
    )
    grouped = f"SELECT c, count(*) AS n FROM ({texts}) GROUP BY c"
    cursor.execute(f"CREATE TEMP TABLE counted AS {grouped}")
    rows, missing = cursor.execute(
        "SELECT coalesce(sum(n), 0), coalesce(sum(n) FILTER (c IS NULL), 0) FROM counted"
    ).fetchall()[0]
    present = "SELECT c, n FROM counted WHERE c IS NOT NULL"
    if known is None:
        query, parameters = f"{present} ORDER BY n DESC, c LIMIT {MAX_CATEGORIES}", None
    else:
        limit = 0 if FURTHER in known else MAX_CATEGORIES
        query = (
            "WITH known AS (SELECT unnest($1::VARCHAR[]) AS k) "
            f"({present} AND c IN (SELECT k FROM known)) UNION ALL "
            f"({present} AND c NOT IN (SELECT k FROM known) ORDER BY md5(c) LIMIT {limit})"
        )
        parameters = [list(known)]
    counts = {str(c): int(n) for c, n in cursor.execute(query, parameters).fetchall()}
    beyond = int(rows) - int(missing) - sum(counts.values())
    if beyond:
        counts[FURTHER] = counts.get(FURTHER, 0) + beyond
    return counts, int(missing)
