"""A peer of the router as a process of its own, in the peers' environment.

    .venv-bench-models/bin/python bench/router_peers.py PEER FOLDER CALLS

Peers: ``sklearn`` (the pipeline), ``pyfunc`` (``mlflow.pyfunc``), ``pycaret`` (``predict_model``), each asked
about one row at a time, given as a data frame that was made before. ``cold`` loads by ``mlflow.pyfunc``,
predicts once and says so. Prints one JSON line.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
from latency import time_calls
from measured import peak_mb


def main(peer: str, folder: Path, calls: int) -> None:
    """Predicts and prints what it took."""
    if peer == "cold":
        _cold(folder)
        return
    ask: Callable[[Any], Any] = {"sklearn": _sklearn, "pyfunc": _pyfunc, "pycaret": _pycaret}[peer](folder)
    frame = _frame(json.loads((folder / "rows.json").read_text()))
    # PyCaret takes its time, so it is asked about fewer rows.
    count = min(calls, len(frame))
    told = time_calls(ask, [frame.iloc[place : place + 1] for place in range(count)], calls)
    told["answers"] = [answer.tolist() for answer in told["answers"]]
    print(json.dumps(told), flush=True)


def _cold(folder: Path) -> None:
    import mlflow.pyfunc

    row = json.loads((folder / "rows.json").read_text())[:1]
    answer = mlflow.pyfunc.load_model(str(folder / "mlflow")).predict(_frame(row))
    print(json.dumps({"answers": answer.tolist(), "peak_mb": peak_mb()}), flush=True)


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    texts = {name for row in rows for name, value in row.items() if isinstance(value, str)}
    return pd.DataFrame(rows).astype({name: "float32" for name in rows[0] if name not in texts})


def _sklearn(folder: Path) -> Callable[[Any], Any]:
    import mlflow.sklearn

    return mlflow.sklearn.load_model(str(folder / "mlflow")).predict_proba  # type: ignore[no-any-return]


def _pyfunc(folder: Path) -> Callable[[Any], Any]:
    import mlflow.pyfunc

    return mlflow.pyfunc.load_model(str(folder / "mlflow")).predict  # type: ignore[no-any-return]


def _pycaret(folder: Path) -> Callable[[Any], Any]:
    """The same steps fitted by PyCaret on the same rows: it predicts only with what it fitted itself."""
    import mlflow.sklearn
    from pycaret.classification import ClassificationExperiment
    from sklearn.base import clone

    (_, preparation), (_, model) = mlflow.sklearn.load_model(str(folder / "mlflow")).steps
    train = pd.read_parquet(folder / "train.parquet")
    experiment = ClassificationExperiment()
    experiment.setup(
        data=train,
        target=str(train.columns[-1]),
        test_data=train.head(50),  # with one, all of ``data`` is trained on
        index=False,
        preprocess=False,
        custom_pipeline=[("prepare", clone(preparation))],
        data_split_shuffle=False,
        data_split_stratify=False,
        session_id=0,
        n_jobs=1,
        html=False,
        verbose=False,
        system_log=False,
    )
    fitted = experiment.create_model(clone(model), cross_validation=False, verbose=False)
    return lambda row: experiment.predict_model(fitted, data=row, verbose=False)[
        "prediction_label"
    ].to_numpy()


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    warnings.simplefilter("ignore")
    try:
        main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    except KeyboardInterrupt:
        sys.exit(130)
