"""The rows that both sides of the training benchmark get: those to train on and those that are held out.

    python -m bench.training_data DATA WINDOW FOLDER

reads ``dataset.json`` in DATA and the window, divides it as the task does, and writes ``train.parquet`` and
``holdout.parquet`` into FOLDER for the peer. Prints one JSON line: ``rows`` of both. A process of its own,
like the task itself, because it needs the training code on its path.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

from contender.domain.dataset import Dataset, parse_dataset
from scripts.datasets.flights import SEED
from trainer.data import prepare
from trainer.holdout import split

HOLDOUT_SHARE = 0.2
"""The task's default."""


def write_parts(window: pd.DataFrame, dataset: Dataset, folder: Path) -> tuple[int, int]:
    """Writes both parts of a window.

    Args:
        window: The rows, with target and timestamp.
        dataset: Declares them.
        folder: For ``train.parquet`` and ``holdout.parquet``, which have features and target.

    Returns:
        Rows of both.
    """
    made = split(prepare(window, dataset), HOLDOUT_SHARE, SEED)
    for part, name in ((made.train, "train"), (made.holdout, "holdout")):
        rows = part.features.assign(**{dataset.target: part.target})
        rows.to_parquet(folder / f"{name}.parquet", index=False)
    return len(made.train), len(made.holdout)


def main(data: Path, window: Path, folder: Path) -> None:
    """Writes and prints."""
    dataset = parse_dataset(json.loads((data / "dataset.json").read_text()))
    print(json.dumps({"rows": write_parts(pd.read_parquet(window), dataset, folder)}), flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
    except KeyboardInterrupt:
        sys.exit(130)
