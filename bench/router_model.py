"""Makes the model that both sides serve, and the rows that both are asked about.

    python -m bench.router_model FOLDER

LightGBM behind median imputation and one-hot columns, as a user would write it, fitted on the flights of
January and February. Written in both forms: ``mlflow/`` for the peers (one thread, dense float32 columns:
what is fastest for a single row), and ``model.onnx``, converted and compared by the training code. Both
variants of the release are this one file, so that assignments are real and every answer can be compared.
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from contender.adapters.onnx_model import open_onnx
from contender.domain.assignment import Variant
from contender.domain.dataset import Dataset, Kind
from contender.domain.release import ALIASES, ModelRef, Release
from contender.errors import ModelUnusable
from scripts.datasets.flights import prepare_flights
from trainer.data import TrainingData, prepare
from trainer.face import to_onnx
from trainer.parity import check_parity

ROWS = 500
"""Flights of July that are asked about, again and again."""


def make(folder: Path) -> None:
    """Fits, converts, compares and writes.

    ``mlflow/`` and ``train.parquet`` are for the peers, ``model.onnx`` and ``release.json`` for ours,
    ``rows.json`` for both.

    Raises:
        ModelUnusable: When the converted model answers otherwise than the pipeline.
    """
    with tempfile.TemporaryDirectory() as files:
        flights = prepare_flights(Path(files))
        train = prepare(pd.read_parquet(flights.reference), flights.dataset)
        july = prepare(pd.read_parquet(flights.july), flights.dataset)
    pipeline = _pipeline(flights.dataset).fit(train.features, train.target)
    content = to_onnx(pipeline, flights.dataset)
    classes = tuple(pipeline.classes_.tolist())
    parity = check_parity(pipeline, open_onnx(content, classes), july.features)
    if not parity.holds:
        raise ModelUnusable(f"the converted model answers otherwise: {parity}")
    chosen = np.random.default_rng(0).choice(len(july), size=ROWS, replace=False)
    _write_for_peers(folder / "mlflow", pipeline, july.take(chosen))
    train.features.assign(**{flights.dataset.target: train.target}).to_parquet(folder / "train.parquet")
    (folder / "model.onnx").write_bytes(content)
    (folder / "release.json").write_bytes(_release(flights.dataset, content, classes).to_json())
    (folder / "rows.json").write_text(json.dumps(_rows(july.take(chosen))))
    print(f"{parity}; {len(content) / 1e6:.2f} MB of ONNX")


def _pipeline(dataset: Dataset) -> Pipeline:
    places: dict[Kind, list[int]] = {kind: [] for kind in Kind}
    for place, kind in enumerate(dataset.features.values()):
        places[kind].append(place)
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    columns = [
        ("numeric", SimpleImputer(strategy="median"), places[Kind.NUMERIC]),
        ("categorical", encoder, places[Kind.CATEGORICAL]),
    ]
    model = LGBMClassifier(random_state=0, n_jobs=1, verbose=-1)
    return Pipeline([("prepare", ColumnTransformer(columns)), ("model", model)])


def _write_for_peers(folder: Path, pipeline: Pipeline, rows: TrainingData) -> None:
    import mlflow.sklearn
    from mlflow.models import infer_signature

    mlflow.sklearn.save_model(
        pipeline,
        str(folder),
        signature=infer_signature(rows.features, pipeline.predict(rows.features)),
        serialization_format="cloudpickle",  # the default refuses to load LightGBM
        pip_requirements=["scikit-learn", "lightgbm", "pandas"],  # nothing is installed from it
    )


def _release(dataset: Dataset, content: bytes, classes: tuple[Any, ...]) -> Release:
    digest = sha256(content).hexdigest()
    variants = {
        variant: ModelRef(
            alias=ALIASES[variant],
            model_name="flights",
            model_version=str(version),
            run_id="",
            model_key=f"models/{digest}.onnx",
            sha256=digest,
            bytes=len(content),
            classes=classes,
        )
        for version, variant in enumerate(Variant, start=1)
    }
    return Release(dataset, variants)


def _rows(data: TrainingData) -> list[dict[str, float | str | None]]:
    """Rows as a client sends them: every number as float32 has it, null when missing."""
    return [
        {name: None if isinstance(value, float) and np.isnan(value) else value for name, value in row.items()}
        for row in data.features.to_dict("records")
    ]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    warnings.simplefilter("ignore")  # of libraries about each other
    try:
        make(Path(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit(130)
