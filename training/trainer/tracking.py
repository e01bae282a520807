"""What goes to MLflow: a run with everything a person asks about a model, and the model itself."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from typing import Any

import mlflow
import numpy as np
import onnx
import pandas as pd
from mlflow.entities import Metric, Param, RunStatus, RunTag
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types.schema import ColSpec, DataType, Schema
from mlflow.utils.time import get_current_time_millis

from contender.adapters.onnx_model import PREDICTION, probability_name
from contender.domain.dataset import Dataset, Kind
from contender.errors import StoreUnavailable
from trainer.refit import Chosen
from trainer.search import Leaderboard, Ranked

LIBRARIES = (
    "onnxruntime",
    "onnx",
    "skl2onnx",
    "scikit-learn",
    "lightgbm",
    "numpy",
    "pandas",
    "pycaret",
    "mlflow",
)
"""What is written down with every model."""

EXAMPLE_ROWS = 5

_LOG = logging.getLogger(__name__)

GRACE_S = 5.0
"""How long a training that is told to stop waits for MLflow: of the 30 s that ECS gives it, so that the run
record is written in any case."""


def library_versions() -> dict[str, str]:
    """Gives the installed version of each of :data:`LIBRARIES`."""
    return {name: version(name) for name in LIBRARIES}


class Tracking:
    """One training on an MLflow server. All but models may be added to its run from any thread.

    Args:
        tracking_uri: The server.
        model_name: Experiment and registered model; both are created when they are not there.
    """

    def __init__(self, tracking_uri: str, model_name: str) -> None:
        self._model_name = model_name
        self._client = mlflow.MlflowClient(tracking_uri)
        self._tracking_uri = tracking_uri
        self._run = self._experiment = ""

    @contextmanager
    def run(self, name: str, params: Mapping[str, object], tags: Mapping[str, str]) -> Iterator[str]:
        """Opens the parent run, which ends ``FINISHED``, or ``FAILED`` when anything is raised.

        When the training is told to stop, MLflow has ``GRACE_S`` to take the end in: whoever stops it
        waits for the run record, not for MLflow. A server that does not take the end in changes nothing
        about the training: what was raised is raised, and a training that is done is done.

        Args:
            name: Name for people.
            params: What the training was told.
            tags: What runs are searched by.

        Yields:
            The run's id.

        Raises:
            StoreUnavailable: When the server does not answer.
        """
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        mlflow.set_tracking_uri(self._tracking_uri)
        try:
            mlflow.set_experiment(self._model_name)
            run = mlflow.start_run(run_name=name, tags=dict(tags))
        except MlflowException as error:
            raise StoreUnavailable("mlflow", f"start a run on {self._tracking_uri}: {error}") from error
        self._run, self._experiment = run.info.run_id, run.info.experiment_id
        failed = RunStatus.to_string(RunStatus.FAILED)
        try:
            self.params(params)
            yield self._run
        except Exception:
            with suppress(Exception):
                mlflow.end_run(failed)
            raise
        except BaseException:  # told to stop
            end = Thread(target=self._client.set_terminated, args=(self._run, failed), daemon=True)
            end.start()
            end.join(GRACE_S)
            if not end.is_alive():
                mlflow.end_run(failed)  # what else MLflow does at an end, now that it answers
            raise
        try:
            mlflow.end_run()
        except Exception as error:
            _LOG.warning("the MLflow run %s stays open, its end was not taken in: %s", self._run, error)

    def params(self, params: Mapping[str, object]) -> None:
        """Adds parameters to the run."""
        self._client.log_batch(self._run, params=[Param(name, str(value)) for name, value in params.items()])

    def metrics(self, metrics: Mapping[str, float | None]) -> None:
        """Adds metrics to the run; those without a finite value are left out."""
        now = get_current_time_millis()
        given = {name: value for name, value in metrics.items() if value is not None and np.isfinite(value)}
        self._client.log_batch(
            self._run, metrics=[Metric(name, value, now, 0) for name, value in given.items()]
        )

    def tags(self, tags: Mapping[str, str]) -> None:
        """Adds tags to the run."""
        self._client.log_batch(self._run, tags=[RunTag(name, value) for name, value in tags.items()])

    def document(self, document: object, file: str) -> None:
        """Adds a JSON file to the run."""
        self._client.log_dict(self._run, document, file)

    def text(self, text: str, file: str) -> None:
        """Adds a text file to the run."""
        self._client.log_text(self._run, text, file)

    def plots(self, plots: Mapping[str, bytes]) -> None:
        """Adds images to the run, below ``plots/``."""
        with tempfile.TemporaryDirectory() as folder:
            for file, image in plots.items():
                (Path(folder) / file).write_bytes(image)
            self._client.log_artifacts(self._run, folder, "plots")

    def leaderboard(self, table: pd.DataFrame) -> None:
        """Adds the leaderboard as CSV and as a table."""
        self.text(table.to_csv(index=False), "leaderboard.csv")
        self._client.log_table(self._run, table.astype(object).where(table.notna(), None), "leaderboard.json")

    def candidates(self, leaderboard: Leaderboard) -> None:
        """Adds a nested run for each candidate."""
        for entry in (*leaderboard.ranked, *leaderboard.unranked):
            self._candidate(entry)

    def _candidate(self, entry: Ranked) -> None:
        now = get_current_time_millis()
        # Three calls for each, whatever the number of metrics.
        run = self._client.create_run(
            self._experiment, now, {"mlflow.parentRunId": self._run}, run_name=entry.candidate.key
        )
        metrics = {f"cv_{_metric_name(name)}": value for name, value in entry.metrics.items()}
        if not entry.failure:
            metrics["cv_fold_seconds"] = entry.seconds
        self._client.log_batch(
            run.info.run_id,
            metrics=[Metric(name, value, now, 0) for name, value in metrics.items() if np.isfinite(value)],
            params=[
                Param("algorithm", entry.candidate.name),
                Param("estimator", " ".join(repr(entry.candidate.estimator).split())[:500]),
            ],
            tags=[RunTag("failure", entry.failure)] if entry.failure else [],
        )
        self._client.set_terminated(run.info.run_id, "FAILED" if entry.failure else "FINISHED")

    def models(self, chosen: Chosen, dataset: Dataset, example: pd.DataFrame) -> str:
        """Logs the ONNX graph, which serves, and the scikit-learn pipeline, for people.

        Args:
            chosen: The model.
            dataset: Declares the inputs of the signature.
            example: Rows from which the input example is taken.

        Returns:
            URI of the logged ONNX model.
        """
        signature = _signature(dataset, chosen)
        # float64 in the example, as frames have it that people make: the graph's wrapper narrows it.
        rows = example.head(EXAMPLE_ROWS).astype(
            {name: np.float64 for name, kind in dataset.features.items() if kind is Kind.NUMERIC}
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow's advice on how models could be logged otherwise
            logged = mlflow.onnx.log_model(
                onnx.load_model_from_string(chosen.content),
                name="model",
                signature=signature,
                input_example=rows,
                pip_requirements=_pins("onnx", "onnxruntime", "numpy", "pandas", "mlflow"),
                onnx_execution_providers=["CPUExecutionProvider"],
                save_as_external_data=False,  # one file, whose digest is the model's
            )
            mlflow.sklearn.log_model(
                chosen.pipeline,
                name="sklearn_pipeline",
                # skops, the default, refuses forests. Nothing that serves reads this.
                serialization_format="cloudpickle",
                pip_requirements=_pins("scikit-learn", "lightgbm", "numpy", "pandas", "mlflow"),
            )
        return str(logged.model_uri)

    def register(self, model_uri: str, run_id: str, tags: Mapping[str, str], description: str) -> str:
        """Makes a logged model a version of the registered model, without any alias.

        Args:
            model_uri: See :meth:`models`.
            run_id: The run that it belongs to.
            tags: Tags of the version.
            description: The same for people.

        Returns:
            The version.
        """
        try:
            self._client.create_registered_model(self._model_name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        made = self._client.create_model_version(
            self._model_name,
            source=model_uri,
            run_id=run_id,
            tags=dict(tags),
            description=description,
            model_id=model_uri.removeprefix("models:/"),
        )
        return str(made.version)


def _signature(dataset: Dataset, chosen: Chosen) -> ModelSignature:
    inputs = [
        # double, not float: MLflow refuses a frame of float64, pandas' own type, where float is declared.
        ColSpec(DataType.double if kind is Kind.NUMERIC else DataType.string, name)
        for name, kind in dataset.features.items()
    ]
    if chosen.classes is None:
        return ModelSignature(Schema(inputs), Schema([ColSpec(DataType.float, PREDICTION)]))
    label = DataType.string if isinstance(chosen.classes[0], str) else DataType.long
    outputs = [ColSpec(label, PREDICTION)]
    outputs += [ColSpec(DataType.float, probability_name(name)) for name in chosen.classes]
    return ModelSignature(Schema(inputs), Schema(outputs))


def _pins(*names: str) -> list[str]:
    """Pinned requirements; given outright, because MLflow would find them by loading the model elsewhere."""
    return [f"{name}=={version(name)}" for name in names]


def _metric_name(name: str) -> str:
    return "".join(mark if mark.isalnum() else "_" for mark in name.lower()).strip("_")


def describe(metrics: Mapping[str, Any]) -> str:
    """Writes figures for people: ``auc 0.747, log loss 0.55``."""
    return ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in metrics.items())
