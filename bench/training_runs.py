"""Both sides of the training benchmark, on the same rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import boto3
import mlflow
from mlflow.entities import Run

from bench.runs import answer_of, kept_environment
from contender.adapters.mlflow_registry import MlflowRegistry
from contender.errors import ContenderError
from contender.usecases.queue import CHAMPION
from infra.local.info import StackInfo, aws_environment
from infra.local.stack import LocalStack
from infra.local.tools import ROOT
from scripts.datasets.flights import SEED
from scripts.loop import Loop
from trainer.data import TrainingData

PEERS_PYTHON = ROOT / ".venv-bench-models/bin/python"
PEER = ROOT / "bench/training_peer.py"
OURS, WINNER, BEST_BY_AUC = "ours", "its winner", "its best by AUC"
"""Whose AUC; the last two begin the names in the answers of the peer."""


class Trained(NamedTuple):
    """One training.

    Attributes:
        seconds: What it took, see :func:`train_ours` and :func:`train_peer`.
        auc: Whose → AUC on the holdout.
        rows: Rows of training and of holdout.
        late: Rows of the second class in each.
        algorithms: How many were compared.
        winner: The algorithm.
    """

    seconds: float
    auc: Mapping[str, float]
    rows: tuple[int, int]
    late: tuple[int, int]
    algorithms: int
    winner: str

    def best(self, whose: str) -> float:
        """Gives the largest AUC of those whose names begin like this; at least one does."""
        return max(auc for name, auc in self.auc.items() if name.startswith(whose))


def train_ours(
    data: Path,
    window: Path,
    state: Path,
    parts: tuple[TrainingData, TrainingData],
    progress: Callable[[str], None],
) -> Trained:
    """Trains by the deployed loop: a check without a champion launches the task.

    Timed from the launch to the end of the run record: start of the process, imports, search, refit, ONNX,
    parity, gate, plots, everything in MLflow, alias and release included.

    Args:
        data: Folder that ``window`` lies in, with ``dataset.json``.
        window: The file; it is uploaded as the reference.
        state: Folder of the stack.
        parts: What the task must have trained on and held out.
        progress: Told what is going on.

    Raises:
        ContenderError: When it used other rows.
        LoopFailed: When the training failed.
        LocalStackError: When the stack does not start.
    """
    progress("starting a stack")
    with LocalStack.start(state) as stack:
        os.environ.update(aws_environment(stack.endpoint_url))
        session = boto3.Session()
        s3 = session.client("s3")
        s3.upload_file(str(data / "dataset.json"), stack.data_bucket, "dataset.json")
        s3.upload_file(str(window), stack.data_bucket, "reference/flights.parquet")
        loop = Loop(
            session, stack.data_bucket, stack.runs_table, stack.detect_drift_function, stack.drift_schedule
        )
        answer = loop.check(loop.schedule_event())
        record = loop.wait_for_training(answer["run_key"], progress)
        found, algorithms = _run_of(stack)
    if record.launched_at is None or record.finished_at is None:
        raise ContenderError(f"run record {record.run_key} has no times")
    took = datetime.fromisoformat(record.finished_at) - datetime.fromisoformat(record.launched_at)
    rows = (int(found.data.params["rows_train"]), int(found.data.params["rows_holdout"]))
    train, holdout = parts
    if rows != (len(train), len(holdout)):
        raise ContenderError(f"ours trained on {rows} rows, not on {(len(train), len(holdout))}")
    late = (int(train.target.sum()), int(holdout.target.sum()))
    auc = {OURS: found.data.metrics["holdout_auc"]}
    return Trained(took.total_seconds(), auc, rows, late, algorithms, found.data.tags["algorithm"])


def train_peer(train: Path, holdout: Path, target: str) -> Trained:
    """Runs a plain ``compare_models()`` in the peers' environment.

    Timed from reading the rows to the comparison's end; imports, and what would be needed to serve the
    model, are left out.

    Raises:
        ContenderError: When it does not start, or fails.
    """
    command = [str(PEERS_PYTHON), str(PEER), str(train), str(holdout), target, str(SEED)]
    told = answer_of("the peer", command, kept_environment(), "make bench-training")
    rows, late = tuple(told["rows"]), tuple(told["late"])
    return Trained(told["seconds"], told["auc"], rows, late, told["algorithms"], told["winner"])


def write_parts(parts: tuple[TrainingData, TrainingData], target: str, folder: Path) -> tuple[Path, Path]:
    """Writes the rows that the task trains on and those that it holds out, for the peer."""
    paths = folder / "train.parquet", folder / "holdout.parquet"
    for part, path in zip(parts, paths, strict=True):
        part.features.assign(**{target: part.target}).to_parquet(path, index=False)
    return paths


def _run_of(stack: StackInfo) -> tuple[Run, int]:
    """Gives the champion's run and how many candidates it compared."""
    champion = MlflowRegistry(stack.mlflow_url, "contender").by_alias(CHAMPION)
    if champion is None:
        raise ContenderError("the training ended without a champion")
    client = mlflow.MlflowClient(stack.mlflow_url)
    run = client.get_run(champion.run_id)
    parent = f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
    return run, len(client.search_runs([run.info.experiment_id], parent))
