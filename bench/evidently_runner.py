"""Judges pairs of Parquet files by Evidently's defaults, in Evidently's own environment.

    .venv-bench/bin/python bench/evidently_runner.py FOLDER '{"column": "numeric" | "categorical", …}'

Reads FOLDER/<pair>-reference.parquet and FOLDER/<pair>-current.parquet; prints one JSON line a pair: whether
the data set drifted by the preset's own rule (half of the columns), and how many columns did.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset


def main(folder: Path, columns: dict[str, str]) -> None:
    definition = DataDefinition(
        numerical_columns=[name for name, kind in columns.items() if kind == "numeric"],
        categorical_columns=[name for name, kind in columns.items() if kind == "categorical"],
    )
    references = folder.glob("*-reference.parquet")
    for path in sorted(references, key=lambda path: int(path.name.split("-")[0])):
        number = int(path.name.split("-")[0])
        reference, current = (
            Dataset.from_pandas(pd.read_parquet(folder / f"{number}-{side}.parquet"), definition)
            for side in ("reference", "current")
        )
        preset = DataDriftPreset()
        metrics = Report([preset]).run(current, reference).dict()["metrics"]
        (total,) = (metric["value"] for metric in metrics if "DriftedColumnsCount" in metric["metric_name"])
        drift = total["share"] >= preset.drift_share
        print(
            json.dumps({"pair": number, "drift": drift, "drifted_columns": int(total["count"])}), flush=True
        )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    warnings.simplefilter("ignore")
    try:
        main(Path(sys.argv[1]), json.loads(sys.argv[2]))
    except KeyboardInterrupt:
        sys.exit(130)
