"""The drift check as a process of its own: windows from S3, verdict, and both reports back into S3.

    python -m bench.drift_ours ENDPOINT BUCKET '{"reference": [keys], "current": [keys], "keep": false}'

With ``keep`` the profile of the reference is kept in the bucket, and taken from there when it is.
"""

from __future__ import annotations

import json
import sys

import boto3

from bench.drift_columns import FEATURES
from bench.measured import measured
from contender.adapters.kept_profiles import KeptProfiles
from contender.adapters.s3_objects import S3Objects
from contender.adapters.windows_duckdb import DuckDbWindows
from contender.domain.dataset import parse_dataset
from contender.domain.drift import DriftSettings, judge_window
from contender.ports import ObjectInfo
from contender.reports.drift import render_drift_report


def main(endpoint: str, bucket: str, windows: dict[str, list[str]], *, keep: bool) -> None:
    """Checks the window and prints what it took."""
    client = boto3.client("s3", endpoint_url=endpoint)  # a worker makes it once
    with measured() as answers:
        store = S3Objects(client, bucket)
        dataset = parse_dataset({"task": "classification", "target": "label", "features": FEATURES})
        reader = DuckDbWindows(store, KeptProfiles(store) if keep else None)
        reference, current = (_objects(store, windows[side]) for side in ("reference", "current"))
        with reader.compare(reference, current, dataset) as (before, after):
            report = judge_window(before, after, dataset.features, DriftSettings())
        document = report.to_dict()
        store.put("reports/w/run.json", json.dumps(document).encode(), "application/json")
        store.put("reports/w/run.html", render_drift_report(document).encode(), "text/html; charset=utf-8")
        answers["verdict"] = report.verdict.value
        answers["columns"] = {
            column.name: {
                "drifted": column.verdict.value == "drift",
                "statistic": column.evidence.findings[0].statistic,
                "effect": column.evidence.findings[0].effect,
                "bound": column.evidence.findings[0].bound,
                "sizes": [column.evidence.reference.present, column.evidence.current.present],
                "p_value": column.evidence.findings[0].p_value,
            }
            for column in report.columns
        }


def _objects(store: S3Objects, keys: list[str]) -> list[ObjectInfo]:
    return [info for info in store.list("") if info.key in keys]


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    asked = json.loads(sys.argv[3])
    try:
        main(sys.argv[1], sys.argv[2], asked, keep=asked["keep"])
    except KeyboardInterrupt:
        sys.exit(130)
