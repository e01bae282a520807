"""PyCaret as its users run it: ``setup`` and ``compare_models()`` with their defaults, then predictions.

    python bench/training_peer.py train.parquet holdout.parquet TARGET SEED

Runs in the peers' environment. Prints one JSON line: ``seconds`` of reading, ``setup`` and ``compare_models``
(imports and all that follows left out), who won by PyCaret's own metric and by AUC, and the holdout AUC of
both, as the comparison fitted them and fitted again on all rows.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from typing import Any

os.environ.setdefault("PYCARET_CUSTOM_LOGGING_PATH", os.devnull)

import pandas as pd
from pycaret.classification import ClassificationExperiment
from sklearn.metrics import roc_auc_score


def main(train: str, holdout: str, target: str, seed: int) -> None:
    """Compares and prints."""
    warnings.simplefilter("ignore")
    started = time.perf_counter()
    rows = pd.read_parquet(train)
    experiment = ClassificationExperiment()
    experiment.setup(rows, target=target, session_id=seed, html=False, verbose=False)
    best = experiment.compare_models(verbose=False)
    seconds = time.perf_counter() - started
    table = experiment.pull()
    held = pd.read_parquet(holdout)

    def auc(model: Any) -> float:
        # PyCaret ranks by accuracy, so a model without probabilities may win: then its labels are scored.
        scored = experiment.predict_model(model, data=held, raw_score=True, verbose=False)
        column = "prediction_score_1" if "prediction_score_1" in scored else "prediction_label"
        return float(roc_auc_score(held[target], scored[column]))

    # A comparison keeps its winner only: a user who wants that of another metric creates it.
    by_auc = experiment.create_model(table["AUC"].idxmax(), verbose=False)
    answers = {
        "seconds": seconds,
        "rows": [len(rows), len(held)],
        "algorithms": len(table),
        "winner": str(table.iloc[0]["Model"]),
        "winner_by_auc": str(table.loc[table["AUC"].idxmax(), "Model"]),
        "auc": {
            "its winner": auc(best),
            "its winner, fitted on all rows": auc(experiment.finalize_model(best)),
            "its best by AUC": auc(by_auc),
            "its best by AUC, fitted on all rows": auc(experiment.finalize_model(by_auc)),
        },
    }
    print(json.dumps(answers), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
