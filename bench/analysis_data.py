"""Makes exports of an invented experiment, as large as one likes, in DynamoDB's layout.

    python -m bench.analysis_data FOLDER FILE …

writes the data files of these numbers, ``FILE_RECORDS`` records each; several processes may share them. A
record has what the router logs: 15 features, both models' probabilities, in 19 of 20 cases an outcome. As in
a real export records lie in no order, and the split changed twice meanwhile.
"""

from __future__ import annotations

import gzip
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE_RECORDS = 50_000
START = datetime(2013, 7, 1, tzinfo=UTC)
MOST_FILES = 64
DAYS = 31
SPLITS = (0.1, 0.5, 0.3)
"""Share of B in each third of the time."""
SKILL = {"A": 0.80, "B": 0.90}
"""How much of the truth each model sees; B's more is enough for SHIP from some thousand outcomes."""
RELEASE = "d1" * 32
ROOT = "AWSDynamoDB/01372636800000-abcdef01"


def export_folder(data: Path, folder: Path, records: int) -> None:
    """Lays an export out that has the first records of those in ``data``.

    Args:
        data: Folder with the data files.
        folder: Of the export; the files are linked, not copied.
        records: A multiple of ``FILE_RECORDS``.
    """
    root = folder / ROOT
    (root / "data").mkdir(parents=True)
    lines = []
    for number in range(records // FILE_RECORDS):
        name = file_name(number)
        (root / "data" / name).hardlink_to(data / name)
        lines.append(json.dumps({"itemCount": FILE_RECORDS, "dataFileS3Key": f"{ROOT}/data/{name}"}))
    (root / "manifest-files.json").write_text("\n".join(lines) + "\n")
    summary = {
        "exportTime": "2013-08-01T00:00:00.000Z",
        "itemCount": records,
        "outputFormat": "DYNAMODB_JSON",
    }
    (root / "manifest-summary.json").write_text(json.dumps(summary))


def file_name(number: int) -> str:
    """Name of a data file."""
    return f"data-{number:05d}.json.gz"


def write_file(folder: Path, number: int) -> None:
    """Writes a data file; the same for the same number."""
    rng = np.random.default_rng(number)
    n = FILE_RECORDS
    share = rng.random(n)
    split = np.array(SPLITS)[(share * len(SPLITS)).astype(int)]
    is_b = rng.random(n) < split
    happened = rng.random(n) < 0.3
    answers = {name: _probabilities(rng, happened, skill) for name, skill in SKILL.items()}
    ids = rng.integers(0, 2**63, (n, 2))
    numbers = np.round(rng.normal(20, 30, (n, 11)), 2)
    latency, told = rng.lognormal(0, 0.4, n), rng.random(n) < 0.95
    heard = _distinct(share * DAYS * 86_400_000 + 1000 * rng.gamma(2, 3600, n), number)
    # Level 6 is what gzip does unless told otherwise.
    with gzip.GzipFile(folder / file_name(number), "wb", compresslevel=6, mtime=0) as packed:
        for i in range(n):
            at = START + timedelta(days=DAYS * float(share[i]))
            own, other = ("B", "A") if is_b[i] else ("A", "B")
            request = f"{ids[i, 0]:016x}{ids[i, 1]:016x}"
            features = ",".join(f'"number_{k}":{{"N":"{value}"}}' for k, value in enumerate(numbers[i]))
            outcome = ""
            if told[i]:
                heard_at = _iso(START + timedelta(milliseconds=int(heard[i])))
                outcome = f',"outcome":{{"N":"{int(happened[i])}"}},"outcome_at":{{"S":"{heard_at}"}}'
            p = float(split[i]) if is_b[i] else 1 - float(split[i])
            packed.write(
                (
                    f'{{"Item":{{"request_id":{{"S":"{request}"}},"at":{{"S":"{_iso(at)}"}},'
                    f'"unit_id":{{"S":"{request}"}},"assigned":{{"S":"{own}"}},"served":{{"S":"{own}"}},'
                    f'"model_version":{{"S":"{_VERSIONS[own]}"}},"release":{{"S":"{RELEASE}"}},'
                    f'"split":{{"N":"{split[i]}"}},"split_version":{{"N":"{SPLITS.index(split[i]) + 1}"}},'
                    f'"probability":{{"N":"{p!r}"}},"features":{{"M":{{{features},"carrier":{{"S":"UA"}},'
                    '"origin":{"S":"EWR"},"destination":{"S":"IAH"},"wind":{"NULL":true}}},'
                    f"{_answer(answers[own][i])},"
                    f'"latency_ms":{{"N":"{latency[i]:.3f}"}},"expires_at":{{"N":"1383177600"}},'
                    f'"log_shard":{{"S":"{RELEASE}#{ids[i, 0] % 8}"}},'
                    f'"shadow":{{"M":{{"variant":{{"S":"{other}"}},'
                    f'"model_version":{{"S":"{_VERSIONS[other]}"}},{_answer(answers[other][i])}}}}},'
                    f'"shadow_ms":{{"N":"{latency[i] / 2:.3f}"}}{outcome}}}}}\n'
                ).encode()
            )


_VERSIONS = {"A": "1", "B": "2"}


def _probabilities(
    rng: np.random.Generator, happened: NDArray[np.bool_], skill: float
) -> NDArray[np.float64]:
    """Calibrated, up to float32 as models answer: how likely it is given a noisy look at what happened."""
    seen = rng.normal(size=happened.size) + 1.5 * skill * happened
    odds = 0.3 / 0.7 * np.exp(1.5 * skill * seen - (1.5 * skill) ** 2 / 2)
    p: NDArray[np.float64] = (odds / (1 + odds)).astype(np.float32).astype(np.float64)
    return p


def _distinct(milliseconds: NDArray[np.float64], number: int) -> NDArray[np.int64]:
    """Moves times a little, so that no two of all files are equal: who sorts by them gets one order."""
    order = np.argsort(milliseconds)
    slots = milliseconds[order].astype(np.int64) // MOST_FILES
    places = np.arange(slots.size)
    found = np.empty_like(slots)
    found[order] = (np.maximum.accumulate(slots - places) + places) * MOST_FILES + number
    return found


def _answer(p: float) -> str:
    rest = float(np.float32(1 - p))
    return (
        f'"prediction":{{"N":"{int(p > 0.5)}"}},'
        f'"probabilities":{{"M":{{"0":{{"N":"{rest!r}"}},"1":{{"N":"{float(p)!r}"}}}}}}'
    )


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        for name in sys.argv[2:]:
            write_file(Path(sys.argv[1]), int(name))
    except KeyboardInterrupt:
        sys.exit(130)
