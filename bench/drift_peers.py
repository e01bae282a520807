"""A peer of the drift check as a process of its own, in the peers' environment.

    .venv-bench/bin/python bench/drift_peers.py PEER ENDPOINT BUCKET '{"reference": [key], "current": [key]}'

Peers: ``scipy`` (a loop of ks_2samp over the numeric columns, the only ones that it reads), ``evidently``
(DataDriftPreset as it comes), ``evidently-ks`` (the same with KS and chi-squared). All read the two Parquet
files with pandas. ``categories`` is none that is measured: SciPy's chi-squared and the total variation of the
categorical columns, for comparing answers.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
from drift_columns import FEATURES
from measured import measured
from pyarrow.fs import S3FileSystem


def main(peer: str, endpoint: str, bucket: str, windows: dict[str, list[str]]) -> None:
    """Judges the window and prints what it took."""
    judge, kind = {
        "scipy": (_scipy, "numeric"),
        "categories": (_categories, "categorical"),
        "evidently": (_evidently, None),
        "evidently-ks": (_evidently_ks, None),
    }[peer]
    columns = None if kind is None else [name for name, its in FEATURES.items() if its == kind]
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
            pd.read_parquet(f"{bucket}/{windows[side][0]}", filesystem=files, columns=columns)
            for side in ("reference", "current")
        )
        answers["columns"] = method(reference, current)


def _scipy() -> Any:
    from scipy.stats import ks_2samp

    def judge(reference: pd.DataFrame, current: pd.DataFrame) -> dict[str, dict[str, float]]:
        found = {}
        for name in reference.columns:
            test = ks_2samp(reference[name].dropna(), current[name].dropna(), method="asymp")
            found[name] = {"statistic": float(test.statistic), "p_value": float(test.pvalue)}
        return found

    return judge


def _categories() -> Any:
    from scipy.stats import chi2_contingency

    def judge(reference: pd.DataFrame, current: pd.DataFrame) -> dict[str, dict[str, float]]:
        found = {}
        for name in reference.columns:
            sides = [frame[name].value_counts() for frame in (reference, current)]
            table = pd.concat(sides, axis=1).fillna(0).to_numpy()
            test = chi2_contingency(table, correction=False)
            shares = table / table.sum(axis=0)
            found[name] = {
                "statistic": float(test.statistic),
                "p_value": float(test.pvalue),
                "effect": float(abs(shares[:, 0] - shares[:, 1]).sum() / 2),
                "least_expected": float(test.expected_freq.min()),
            }
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
