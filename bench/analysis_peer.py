"""The analysis as its users would write it: boto3's TypeDeserializer and pandas, in the peers' environment.

    .venv-bench-models/bin/python bench/analysis_peer.py FOLDER

reads the export in FOLDER line by line, makes a data frame of it, and judges the same metrics by the same
rules: by variant, within the epochs of the split, and by the confidence sequence that holds at every look. It
expects what :mod:`bench.analysis_data` makes: two classes, every unit a request of its own.
"""

from __future__ import annotations

import gzip
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from boto3.dynamodb.types import TypeDeserializer
from measured import measured
from scipy import stats
from scipy.special import lambertw
from sklearn.metrics import roc_auc_score

LEVEL, MARGIN, PLANNED, MEMORY = 0.95, 0.02, 10_000, 1_000
EPSILON = float(np.finfo(np.float32).eps)


def main(folder: Path) -> None:
    """Analyses the export and prints what it took."""
    with measured() as answers:
        frame = _frame(folder)
        answers |= _answers(frame)


def _frame(folder: Path) -> pd.DataFrame:
    manifest = next(folder.rglob("manifest-files.json"))
    deserialize = TypeDeserializer().deserialize
    rows = []
    for entry in manifest.read_text().splitlines():
        name = json.loads(entry)["dataFileS3Key"].rpartition("/")[2]
        with gzip.open(manifest.parent / "data" / name, "rt", encoding="utf-8") as lines:
            for line in lines:
                item = {key: deserialize(value) for key, value in json.loads(line)["Item"].items()}
                rows.append(
                    {
                        "at": item["at"],
                        "variant": item["assigned"],
                        "split": float(item["split"]),
                        "epoch": int(item["split_version"]),
                        "latency": float(item["latency_ms"]),
                        "prediction": int(item["prediction"]),
                        "p": [float(item["probabilities"][name]) for name in ("0", "1")],
                        "outcome": None if "outcome" not in item else int(item["outcome"]),
                        "outcome_at": item.get("outcome_at"),
                    }
                )
    frame = pd.DataFrame(rows)
    for name in ("at", "outcome_at"):
        frame[name] = pd.to_datetime(frame[name], format="ISO8601")
    return frame


def _answers(frame: pd.DataFrame) -> dict[str, Any]:
    is_b = frame["variant"] == "B"
    expected = frame["split"].sum()
    known = frame[frame["outcome"].notna()].sort_values("outcome_at", kind="stable")
    p, y = np.array(known["p"].tolist()), known["outcome"].to_numpy().astype(int)
    happened = p[np.arange(y.size), y]
    known = known.assign(
        log_loss=-np.log(np.clip(happened, EPSILON, 1 - EPSILON)),
        brier=(1 - happened) ** 2,
        accuracy=(known["prediction"] == y).astype(float),
        score=p[:, 1],
        y=y,
    )
    found: dict[str, Any] = {
        "requests": {name: int(count) for name, count in frame["variant"].value_counts().items()},
        "outcomes": {name: int(count) for name, count in known["variant"].value_counts().items()},
        "latency": {
            name: [
                float(x) for x in np.percentile(part["latency"].astype("float32").astype(float), [50, 95, 99])
            ]
            for name, part in frame.groupby("variant")
        },
        "sample_ratio_z": float(
            (is_b.sum() - expected) / np.sqrt((frame["split"] * (1 - frame["split"])).sum())
        ),
        "metrics": {},
        "differences": {},
    }
    sides = dict(list(known.groupby("variant")))
    for metric in ("log_loss", "brier", "accuracy"):
        found["metrics"][metric] = {name: float(part[metric].mean()) for name, part in sides.items()}
        found["differences"][metric] = _stratified(known, metric)
    found["metrics"]["auc"] = {
        name: float(roc_auc_score(part["y"], part["score"])) for name, part in sides.items()
    }
    found["sequence"] = _sequence(known)
    lower, upper = found["sequence"][1:]
    wanted = -MARGIN * found["metrics"]["log_loss"]["A"]
    found["verdict"] = "ship" if upper < 0 else "keep" if lower > wanted else "continue"
    return found


def _stratified(known: pd.DataFrame, metric: str) -> list[float]:
    """B - A within epochs, weighted by n_A n_B / n, with Welch's interval."""
    cells = known.groupby(["epoch", "variant"])[metric].agg(["count", "mean", "var"]).unstack("variant")
    n_a, n_b = cells["count", "A"], cells["count", "B"]
    weight = n_a * n_b / (n_a + n_b)
    weight /= weight.sum()
    value = (weight * (cells["mean", "B"] - cells["mean", "A"])).sum()
    parts = [weight**2 * cells["var", side] / n for side, n in (("A", n_a), ("B", n_b))]
    variance = sum(part.sum() for part in parts)
    df = variance**2 / sum((part**2 / (n - 1)).sum() for part, n in zip(parts, (n_a, n_b), strict=True))
    half = stats.t.ppf(0.5 + LEVEL / 2, df) * math.sqrt(variance)
    return [float(value), float(value - half), float(value + half)]


def _sequence(known: pd.DataFrame) -> list[float]:
    """The confidence sequence of Waudby-Smith et al. (2024) for log loss after the last outcome."""
    score, p = known["log_loss"], known["split"]
    # A mean of earlier scores that forgets: ewm is just that.
    forecast = score.ewm(alpha=1 / MEMORY, adjust=True).mean().shift()
    x = (((known["variant"] == "B") - p) * (score - forecast)).iloc[1:]
    w = (p * (1 - p)).iloc[1:]
    value = x.sum() / w.sum()
    error = math.sqrt(((x - w * value) ** 2).sum()) / w.sum()
    alpha = 1 - LEVEL
    q = (-lambertw(-(alpha**2) / math.e, k=-1).real - 1) * w.sum() / (PLANNED / 4)
    half = error * math.sqrt(2 * (1 + 1 / q) * math.log(math.sqrt(1 + q) / alpha))
    return [float(value), float(value - half), float(value + half)]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        main(Path(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit(130)
