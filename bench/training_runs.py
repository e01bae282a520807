"""Both sides of the training benchmark, on the same rows."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import mlflow
import pandas as pd
from mlflow.entities import Run
from sklearn.metrics import roc_auc_score

from bench.runs import answer_of, kept_environment, our_environment
from contender.adapters.mlflow_registry import MlflowRegistry
from contender.adapters.onnx_model import OnnxModel, load_onnx
from contender.adapters.s3_objects import S3Objects
from contender.errors import ContenderError
from contender.usecases.queue import CHAMPION
from infra.local.info import StackInfo, aws_environment
from infra.local.stack import LocalStack
from infra.local.tools import ROOT
from scripts.datasets.flights import SEED
from scripts.loop import Loop

PEERS_PYTHON = ROOT / ".venv-bench-models/bin/python"
PEER = ROOT / "bench/training_peer.py"
OURS, WINNER, BEST_BY_AUC = "ours", "its winner", "its best by AUC"
"""Whose AUC; the last two begin the names in the answers of the peer."""
SAME_AUC = 1e-9
"""How far the AUC of the registered model on the peer's holdout may be from the one that the task logged.
Both come from the same float32 probabilities, and an AUC depends on their order alone: nothing is rounded."""


class Parts(NamedTuple):
    """The rows that both sides get, as files.

    Attributes:
        train: Parquet of those that are trained on.
        holdout: Parquet of those that nothing is fitted on.
        rows: Rows of both.
    """

    train: Path
    holdout: Path
    rows: tuple[int, int]


class Trained(NamedTuple):
    """One training.

    Attributes:
        seconds: What it took, see :func:`train_ours` and :func:`train_peer`.
        auc: Whose → AUC on the holdout.
        rows: Rows of training and of holdout.
        algorithms: How many were compared.
        winner: The algorithm.
    """

    seconds: float
    auc: Mapping[str, float]
    rows: tuple[int, int]
    algorithms: int
    winner: str

    def best(self, whose: str) -> float:
        """Gives the largest AUC of those whose names begin like this; at least one does."""
        return max(auc for name, auc in self.auc.items() if name.startswith(whose))


def train_ours(
    data: Path,
    window: Path,
    state: Path,
    parts: Parts,
    target: str,
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
        target: Name of the target.
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
        found, model, algorithms = _run_of(stack, s3)
    if record.launched_at is None or record.finished_at is None:
        raise ContenderError(f"run record {record.run_key} has no times")
    took = datetime.fromisoformat(record.finished_at) - datetime.fromisoformat(record.launched_at)
    rows = (int(found.data.params["rows_train"]), int(found.data.params["rows_holdout"]))
    if rows != parts.rows:
        raise ContenderError(f"ours trained on and held out {rows} rows, the peer {parts.rows}")
    auc = found.data.metrics["holdout_auc"]
    require_auc(model, pd.read_parquet(parts.holdout), target, auc)
    return Trained(took.total_seconds(), {OURS: auc}, rows, algorithms, found.data.tags["algorithm"])


def require_auc(model: OnnxModel, holdout: pd.DataFrame, target: str, logged: float) -> None:
    """Checks that the task held out the rows that the peer is scored on.

    Args:
        model: The model that the task registered; of two classes.
        holdout: What the peer is scored on.
        target: Name of the target; its values are the classes.
        logged: AUC that the task logged of its own holdout.

    Raises:
        ContenderError: When the model has another AUC here, by more than ``SAME_AUC``.
    """
    answers = model.predict_many({str(name): holdout[name].to_numpy() for name in holdout})
    assert model.classes is not None
    assert answers.probabilities is not None
    auc = float(roc_auc_score(holdout[target] == model.classes[1], answers.probabilities[:, 1]))
    if not abs(auc - logged) <= SAME_AUC:
        raise ContenderError(
            f"our model has an AUC of {auc} on the peer's holdout, the task logged {logged}: other rows"
        )


def train_peer(parts: Parts, target: str) -> Trained:
    """Runs a plain ``compare_models()`` in the peers' environment.

    Timed from reading the rows to the comparison's end; imports, and what would be needed to serve the
    model, are left out.

    Raises:
        ContenderError: When it does not start, fails, or had other rows.
    """
    command = [str(PEERS_PYTHON), str(PEER), str(parts.train), str(parts.holdout), target, str(SEED)]
    told = answer_of("the peer", command, kept_environment(), "make bench-training")
    train_rows, holdout_rows = told["rows"]
    if (train_rows, holdout_rows) != parts.rows:
        raise ContenderError(
            f"the peer trained on and was scored on {told['rows']} rows, ours on {parts.rows}"
        )
    return Trained(told["seconds"], told["auc"], parts.rows, told["algorithms"], told["winner"])


def write_parts(data: Path, window: Path, folder: Path) -> Parts:
    """Divides a window as the task does, see :mod:`bench.training_data`, into files in a folder.

    Raises:
        ContenderError: When that fails.
    """
    env = our_environment("TMPDIR")
    env["PYTHONPATH"] += f"{os.pathsep}{ROOT / 'training'}"
    command = [sys.executable, "-m", "bench.training_data", str(data), str(window), str(folder)]
    train_rows, holdout_rows = answer_of("dividing the window", command, env, "make setup")["rows"]
    return Parts(folder / "train.parquet", folder / "holdout.parquet", (train_rows, holdout_rows))


def _run_of(stack: StackInfo, s3: Any) -> tuple[Run, OnnxModel, int]:
    """Gives the champion's run, its model as it was released, and how many candidates it compared."""
    champion = MlflowRegistry(stack.mlflow_url, "contender").by_alias(CHAMPION)
    if champion is None:
        raise ContenderError("the training ended without a champion")
    client = mlflow.MlflowClient(stack.mlflow_url)
    run = client.get_run(champion.run_id)
    parent = f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
    compared = len(client.search_runs([run.info.experiment_id], parent))
    # Not by MLflow's client, which keeps the endpoint of the first stack that this process started.
    released = S3Objects(s3, stack.artifact_bucket).get(champion.model_key)
    return run, load_onnx(released, champion), compared
