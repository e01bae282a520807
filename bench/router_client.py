"""An HTTP client with one connection that it keeps; the same for both sides.

    python -m bench.router_client SIDE PORT FOLDER CALLS

SIDE: ``contender`` (``POST /predict``) or ``mlflow`` (``POST /invocations``, ``dataframe_split``). Prints one
JSON line.
"""

from __future__ import annotations

import json
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from bench.latency import time_calls

HEADERS = {"Content-Type": "application/json"}


def main(side: str, port: int, folder: Path, calls: int) -> None:
    """Asks about each row and prints what it took."""
    rows = json.loads((folder / "rows.json").read_text())
    path, bodies = _mlflow(rows) if side == "mlflow" else _contender(rows)
    connection = HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(body: bytes) -> bytes:
        connection.request("POST", path, body, HEADERS)
        response = connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise SystemExit(f"{side} answered {response.status}: {answer.decode(errors='replace')[:500]}")
        return answer

    told = time_calls(ask, bodies, calls)
    told["answers"] = [json.loads(answer) for answer in told["answers"]]
    print(json.dumps(told), flush=True)


def predict_body(row: dict[str, Any], unit: int) -> str:
    """Writes the body of our ``POST /predict``."""
    return json.dumps({"features": row, "unit_id": f"unit-{unit}"})


def _mlflow(rows: list[dict[str, Any]]) -> tuple[str, list[bytes]]:
    columns = list(rows[0])
    documents = [
        {"dataframe_split": {"columns": columns, "data": [[row[name] for name in columns]]}} for row in rows
    ]
    return "/invocations", [json.dumps(document).encode() for document in documents]


def _contender(rows: list[dict[str, Any]]) -> tuple[str, list[bytes]]:
    return "/predict", [predict_body(row, unit).encode() for unit, row in enumerate(rows)]


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    try:
        main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))
    except KeyboardInterrupt:
        sys.exit(130)
