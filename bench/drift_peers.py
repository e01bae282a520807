"""A peer of the drift check as a process of its own, in the peers' environment.

    .venv-bench/bin/python bench/drift_peers.py PEER ENDPOINT BUCKET '{"reference": [keys], "current": [..]}'

Peers: ``scipy`` (a loop of ks_2samp over the numeric columns), ``evidently`` (DataDriftPreset as it comes),
``evidently-ks`` (the same with KS and chi-squared). All read the two Parquet files with pandas.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
from measured import measured
from pyarrow.fs import S3FileSystem


def main(peer: str, endpoint: str, bucket: str, windows: dict[str, list[str]]) -> None:
    """Judges the window and prints what it took."""
    judge = {"scipy": _scipy, "evidently": _evidently, "evidently-ks": _evidently_ks}[peer]
    method = judge()  # imports what it needs, which is not measured
    url = urlsplit(endpoint)
    files = S3FileSystem(
        access_key="test",
        secret_key="test",
        region="us-east-1",
        scheme=url.scheme,
        endpoint_override=url.netloc,
    )
    with measured() as answers:
        reference, current = (
            pd.concat([pd.read_parquet(f"{bucket}/{key}", filesystem=files) for key in windows[side]])
            for side in ("reference", "current")
        )
        answers["columns"] = method(reference, current)


def _scipy() -> Any:
    from scipy.stats import ks_2samp

    def judge(reference: pd.DataFrame, current: pd.DataFrame) -> dict[str, dict[str, float]]:
        found = {}
        for name in reference.columns[reference.dtypes == "float64"]:
            test = ks_2samp(reference[name].dropna(), current[name].dropna(), method="asymp")
            found[name] = {"statistic": float(test.statistic), "p_value": float(test.pvalue)}
        return found

    return judge


def _evidently(**methods: str) -> Any:
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    def judge(reference: pd.DataFrame, current: pd.DataFrame) -> dict[str, dict[str, Any]]:
        numeric = reference.dtypes == "float64"
        definition = DataDefinition(
            numerical_columns=list(reference.columns[numeric]),
            categorical_columns=list(reference.columns[~numeric]),
        )
        sides = [Dataset.from_pandas(frame, definition) for frame in (current, reference)]
        report = Report([DataDriftPreset(**methods)]).run(*sides)
        report.json()
        found = {}
        for metric in report.dict()["metrics"]:
            config = metric["config"]
            if "column" in config:
                value, limit = float(metric["value"]), config["threshold"]
                is_p = "p_value" in config["method"] or config["method"] in ("ks", "chisquare")
                drifted = value < limit if is_p else value >= limit
                found[config["column"]] = {"drifted": drifted, "value": value, "method": config["method"]}
        return found

    return judge


def _evidently_ks() -> Any:
    return _evidently(num_method="ks", cat_method="chisquare")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    warnings.simplefilter("ignore")
    try:
        main(sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))
    except KeyboardInterrupt:
        sys.exit(130)
