"""Trainings on a real MLflow in a file, with few candidates and small data."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from contender.adapters.mlflow_registry import MlflowRegistry
from contender.settings import TrainerSettings
from tests.support.evaluation import MemoryExperiments
from tests.support.fakes import MemoryObjects, MemoryParameters
from tests.support.training import parquet, raw_frame, sklearn_data
from trainer.candidates import Candidate
from trainer.job import Job, Outcome, run_job
from trainer.steps import Steps
from trainer.tracking import Tracking

WINE = sklearn_data("wine").take(np.random.default_rng(1).permutation(178))
NAME, RELEASE, SPLIT = "contender", "/contender/test/release", "/contender/test/ab_split_b"
QUICK = [
    Candidate("nb", "Naive Bayes", GaussianNB()),
    Candidate("lr", "Logistic regression", LogisticRegression(max_iter=300)),
]


@dataclass
class Lab:
    """Buckets and parameters in memory, MLflow in a file."""

    uri: str
    data: MemoryObjects = field(default_factory=lambda: MemoryObjects("data"))
    artifacts: MemoryObjects = field(default_factory=lambda: MemoryObjects("artifacts"))
    parameters: MemoryParameters = field(default_factory=lambda: MemoryParameters({RELEASE: "none"}))
    log: io.StringIO = field(default_factory=io.StringIO)
    experiments: MemoryExperiments = field(default_factory=MemoryExperiments)
    outcomes: list[Outcome] = field(default_factory=list)
    released: str = ""

    def train(
        self,
        prefix: str,
        reason: str = "drift",
        report_key: str = "",
        queue_rule: str = "wait",
        hold_stops: Callable[[], None] = lambda: None,
    ) -> Outcome:
        settings = TrainerSettings(
            data_bucket="data",
            artifact_bucket="artifacts",
            runs_table="runs",
            release_parameter=RELEASE,
            tracking_uri=self.uri,
            model_name=NAME,
            run_key=f"key of {prefix}",
            reason=reason,
            train_prefix=prefix,
            report_key=report_key,
            search_budget_s=60,
            search_rows=120,
            folds=2,
            holdout_share=0.3,
            model_limit_mb=50,
            seed=1,
            time_limit_s=600.0,
            experiments_table="experiments",
            split_parameter=SPLIT,
            initial_split=0.2,
            queue_rule=queue_rule,
        )
        registry = MlflowRegistry(self.uri, NAME)
        tracking = Tracking(self.uri, NAME)
        steps = Steps(lambda: 0.0, self.log)
        return run_job(
            Job(
                settings,
                self.data,
                self.artifacts,
                self.parameters,
                self.experiments,
                registry,
                tracking,
                steps,
                hold_stops=hold_stops,
            )
        )

    def runs(self, window: str) -> pd.DataFrame:
        mlflow.set_tracking_uri(self.uri)
        return mlflow.search_runs(
            experiment_names=[NAME], filter_string=f"tags.window = '{window}'", output_format="pandas"
        )

    def file(self, run_id: str, name: str) -> str:
        return mlflow.artifacts.load_text(f"runs:/{run_id}/{name}")


def trained_lab(folder: Path) -> Lab:
    """A lab with a champion, a challenger and a version that the gate has turned away; trains for seconds."""
    made = Lab(f"sqlite:///{folder / 'mlflow.db'}")
    mlflow.set_tracking_uri(made.uri)
    mlflow.create_experiment(NAME, artifact_location=(folder / "artifacts").as_uri())
    frame = raw_frame(WINE).assign(at=pd.date_range("2024-01-01", periods=len(WINE), freq="h", tz="UTC"))
    older = int(len(frame) * 0.7)
    noise = frame.copy()  # the past teaches nonsense, the newest rows are true
    noise.loc[: older - 1, "outcome"] = np.random.default_rng(1).permutation(frame["outcome"][:older])
    made.data.put("dataset.json", json.dumps({**WINE.dataset.to_dict(), "timestamp": "at"}).encode())
    made.data.put("reference/wine.parquet", parquet(frame))
    made.data.put("current/same/wine.csv", frame.to_csv(index=False).encode())
    made.data.put("current/noise/wine.parquet", parquet(noise))
    made.data.put("current/broken/wine.csv", b"alcohol\n1\n")
    made.artifacts.put("reports/same/key.json", b'{"verdict": "drift"}')
    made.outcomes = [
        made.train("reference/", "no_champion"),
        made.train("current/same/", report_key="reports/same/key.json"),
        made.train("current/noise/"),
    ]
    made.released = made.parameters.get([RELEASE])[RELEASE].value
    return made
