"""Many lines of an export at once: DuckDB parses their JSON and picks out what the analysis needs.

It does so for lines that are all that they should be, several times faster than Python can. Whatever it
is not sure of is left to :func:`.logged_item.observation`, which reads line by line and says what is wrong.
Where it is sure, both read the same.
"""

from __future__ import annotations

from collections.abc import Iterable

_TEXTS = ("request_id", "at", "unit_id", "assigned", "served", "model_version", "release")
_ITEM = (
    *(f"{name}/S" for name in _TEXTS),
    *(f"{name}/N" for name in ("split", "split_version", "probability", "latency_ms")),
    *(f"prediction/{kind}" for kind in ("S", "N", "BOOL")),
    *("outcome", *(f"outcome/{kind}" for kind in ("S", "N", "BOOL"))),
    *("outcome_at", "outcome_at/S", "value", "value/N", "spilled", "probabilities"),
    *("shadow", "shadow/M/variant/S", "shadow/M/prediction"),
    *(f"shadow/M/prediction/{kind}" for kind in ("S", "N", "BOOL")),
    "shadow/M/probabilities",
)
"""What is looked up, each at some 0.1 µs a line; a whole attribute where it may be missing."""
_PLACE = {path: number for number, path in enumerate(_ITEM, 1)}


def columns_of_class(number: int) -> tuple[str, str]:
    """Names of the columns that hold the probability of a class: served, and of the shadow."""
    return f"p{number}", f"s{number}"


def query(classes: Iterable[str]) -> str:
    """Writes the query that reads a table ``lines`` of ``n`` and ``line``.

    Args:
        classes: Known class labels; a line that has another one is not sure.

    Returns:
        SQL whose result has ``n``, ``sure``, the columns of :func:`.export_blocks.table_of` with ``unit_id``
        in place of ``unit``, and two columns for each class; null is what is unknown. It fails when a line
        is no JSON.
    """
    labels = list(classes)
    # JSON pointers, because they can be escaped; a label that cannot is not found, and the line not sure.
    pointers = [label.replace("~", "~0").replace("/", "~1") for label in labels]
    served = [f"probabilities/M/{pointer}/N" for pointer in pointers]
    shadows = [f"shadow/M/probabilities/M/{pointer}/N" for pointer in pointers]
    paths = ", ".join(_quoted(f"/Item/{path}") for path in (*_ITEM, *served, *shadows))
    first = len(_ITEM) + 1
    own = [f"try_cast(x[{first + i}] AS DOUBLE)" for i in range(len(labels))]
    other = [f"try_cast(x[{first + len(labels) + i}] AS DOUBLE)" for i in range(len(labels))]
    names = [columns_of_class(i) for i in range(len(labels))]
    probabilities = "".join(
        f", {p} AS {name}, CASE WHEN has_shadow THEN {s} END AS {shadow}"
        for p, s, (name, shadow) in zip(own, other, names, strict=True)
    )
    texts = ("request_id/S", "unit_id/S", "model_version/S", "release/S")
    return f"""
WITH parsed AS (SELECT n, json_extract_string(line, [{paths}]) AS x FROM lines),
typed AS (
  SELECT n, x,
    {_time(_x("at/S"))} AS at_us,
    {_time(_x("outcome_at/S"))} AS told_us,
    {_number("split/N")} AS split,
    try_cast({_x("split_version/N")} AS BIGINT) AS epoch,
    {_number("probability/N")} AS probability,
    {_number("latency_ms/N")} AS latency,
    {_number("value/N")} AS value,
    NOT {_none("outcome")} AS has_outcome,
    NOT {_none("shadow")} AND NOT {_none("shadow/M/prediction")} AS has_shadow
  FROM parsed)
SELECT
  n,
  coalesce(
    {" AND ".join(f"{_x(name)} IS NOT NULL" for name in texts)}
    AND at_us IS NOT NULL
    AND {_x("assigned/S")} IN ('A', 'B') AND {_x("served/S")} IN ('A', 'B')
    AND isfinite(split) AND isfinite(latency) AND probability > 0 AND probability <= 1
    AND epoch::VARCHAR = {_x("split_version/N")}
    AND {_sure_label("prediction")}
    AND (NOT has_outcome OR {_sure_label("outcome")})
    AND ({_none("outcome_at")} OR told_us IS NOT NULL)
    AND ({_none("value")} OR isfinite(value))
    AND {_sure_probabilities("probabilities", own)}
    AND ({_none("shadow")} OR (
      {_x("shadow/M/variant/S")} = CASE {_x("served/S")} WHEN 'A' THEN 'B' ELSE 'A' END
      AND (NOT has_shadow OR {_sure_label("shadow/M/prediction")})
      AND {_sure_probabilities("shadow/M/probabilities", other)})),
    false) AS sure,
  (({_x("assigned/S")} = 'B')::INT + 2 * ({_x("assigned/S")} <> {_x("served/S")})::INT
    + 4 * ({_x("spilled")} IS NOT NULL)::INT + 8 * has_outcome::INT
    + 16 * ({_x("unit_id/S")} = {_x("request_id/S")})::INT + 32 * has_shadow::INT)::UTINYINT AS flags,
  at_us / 1000000 AS asked, split, epoch, probability, latency::FLOAT AS latency,
  CASE WHEN NOT {_none("outcome_at")} THEN told_us / 1000000 END AS outcome_at,
  CASE WHEN NOT {_none("value")} THEN value END AS value,
  {_number("prediction/N")} AS predicted, {_text("prediction")} AS predicted_text,
  CASE WHEN has_outcome THEN {_number("outcome/N")} END AS outcome,
  CASE WHEN has_outcome THEN {_text("outcome")} END AS outcome_text,
  CASE WHEN has_shadow THEN {_number("shadow/M/prediction/N")} END AS shadow,
  CASE WHEN has_shadow THEN {_text("shadow/M/prediction")} END AS shadow_text,
  {_x("release/S")} AS release, {_x("unit_id/S")} AS unit_id, {_x("model_version/S")} AS model
  {probabilities}
FROM typed
"""


def _x(path: str) -> str:
    return f"x[{_PLACE[path]}]"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _number(path: str) -> str:
    return f"try_cast({_x(path)} AS DOUBLE)"


def _none(path: str) -> str:
    """Missing, or said to be nothing."""
    return f"coalesce({_x(path)} = '{{\"NULL\":true}}', true)"


def _text(path: str) -> str:
    """A label that is no number; truth values as the reader names them."""
    truth = f"CASE {_x(f'{path}/BOOL')} WHEN 'true' THEN 'True' WHEN 'false' THEN 'False' END"
    return f"coalesce({_x(f'{path}/S')}, {truth})"


def _time(text: str) -> str:
    """Microseconds; only of times as the router writes them, ``2013-07-01T00:00:00.000Z``."""
    return (
        f"CASE WHEN length({text}) = 24 AND {text}[24] = 'Z' THEN epoch_us(try_cast({text} AS TIMESTAMP)) END"
    )


def _sure_label(path: str) -> str:
    number = f"isfinite({_number(f'{path}/N')})"
    kinds = " + ".join(f"({_x(f'{path}/{kind}')} IS NOT NULL)::INT" for kind in ("S", "N", "BOOL"))
    return f"({kinds} = 1 AND ({_x(f'{path}/N')} IS NULL OR {number}))"


def _sure_probabilities(path: str, numbers: list[str]) -> str:
    """None, or a map in which every class is known and has a number."""
    known = " + ".join(f"({number} IS NOT NULL)::INT" for number in numbers) or "0"
    return f"({_none(path)} OR len(json_keys({_x(path)}, '/M')) = {known})"
