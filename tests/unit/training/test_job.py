"""A whole training on a real MLflow in a file, with few candidates and small data."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from contender.adapters.mlflow_registry import MlflowRegistry
from contender.adapters.onnx_model import load_onnx
from contender.domain.assignment import Variant
from contender.domain.lifecycle import ExperimentRecord
from contender.domain.records import RunState
from contender.domain.release import parse_release
from contender.errors import BadInput
from contender.settings import TrainerSettings
from tests.support.evaluation import MemoryExperiments
from tests.support.fakes import MemoryObjects, MemoryParameters
from tests.support.training import parquet, raw_frame, sklearn_data
from trainer import job as job_module
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

    def train(
        self, prefix: str, reason: str = "drift", report_key: str = "", queue_rule: str = "wait"
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
            )
        )

    def runs(self, window: str) -> pd.DataFrame:
        mlflow.set_tracking_uri(self.uri)
        return mlflow.search_runs(
            experiment_names=[NAME], filter_string=f"tags.window = '{window}'", output_format="pandas"
        )

    def file(self, run_id: str, name: str) -> str:
        return mlflow.artifacts.load_text(f"runs:/{run_id}/{name}")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    folder = tmp_path_factory.mktemp("mlflow")
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job_module, "candidates", lambda task, seed, jobs: QUICK)
        made.first = made.train("reference/", "no_champion")  # type: ignore[attr-defined]
        made.second = made.train("current/same/", report_key="reports/same/key.json")  # type: ignore[attr-defined]
        made.third = made.train("current/noise/")  # type: ignore[attr-defined]
        made.released = made.parameters.get([RELEASE])[RELEASE].value  # type: ignore[attr-defined]
        yield made


def test_given_windows_when_trained_then_champion_challenger_and_rejected_get_their_places(lab: Lab) -> None:
    registry = MlflowRegistry(lab.uri, NAME)
    first, second, third = lab.first, lab.second, lab.third  # type: ignore[attr-defined]

    assert [first.state, second.state, third.state] == [
        RunState.SUCCEEDED,
        RunState.SUCCEEDED,
        RunState.REJECTED,
    ]
    assert [first.model_version, second.model_version, third.model_version] == ["1", "2", "3"]
    assert "clearly worse" in third.detail
    assert registry.by_alias("champion").model_version == "1"  # type: ignore[union-attr]
    assert registry.by_alias("challenger").model_version == "2"  # type: ignore[union-attr]
    rejected = mlflow.MlflowClient(lab.uri).get_model_version(NAME, "3")
    assert rejected.tags["gate"] == "rejected"
    assert rejected.aliases == []


def test_given_a_training_when_published_then_the_released_files_serve_what_was_registered(lab: Lab) -> None:
    release = parse_release(lab.artifacts.content[lab.released])  # type: ignore[attr-defined]

    assert {variant: model.model_version for variant, model in release.variants.items()} == {
        Variant.A: "1",
        Variant.B: "2",
    }
    champion = release.variants[Variant.A]
    model = load_onnx(lab.artifacts.content[champion.model_key], champion)
    answers = model.predict_many(WINE.columns)
    assert (answers.labels == WINE.target).mean() > 0.9
    assert champion.classes == (0, 1, 2)


def test_given_a_version_when_loaded_from_mlflow_then_a_plain_frame_can_be_predicted(lab: Lab) -> None:
    mlflow.set_tracking_uri(lab.uri)
    frame = WINE.features.astype({name: float for name in WINE.features if name != "size class"})

    answers = mlflow.pyfunc.load_model(f"models:/{NAME}@champion").predict(frame.head(9))

    assert answers.columns.tolist() == ["prediction", "probability_0", "probability_1", "probability_2"]
    np.testing.assert_allclose(answers.iloc[:, 1:].sum(axis=1), 1, rtol=1e-5)
    assert (answers["prediction"] == WINE.target[:9]).mean() > 0.8


def test_given_a_run_when_looked_at_then_everything_is_there(lab: Lab) -> None:
    run = lab.runs("same").iloc[0]

    assert run["status"] == "FINISHED"
    assert run["params.rows"] == str(len(WINE))
    assert run["params.folds"] == "2"
    assert run["tags.run_key"] == "key of current/same/"
    assert run["tags.gate"] == "passed"
    assert 0 < run["metrics.holdout_log_loss"] < 1
    assert run["metrics.gate_champion"] > 0
    assert json.loads(lab.file(run["run_id"], "drift_report.json")) == {"verdict": "drift"}
    assert json.loads(lab.file(run["run_id"], "gate.json"))["champion_version"] == "1"
    board = pd.read_csv(io.StringIO(lab.file(run["run_id"], "leaderboard.csv")))
    assert sorted(board["candidate"]) == ["lr", "nb"]
    assert board["chosen"].sum() == 1
    table = mlflow.load_table("leaderboard.json", run_ids=[run["run_id"]])
    assert table["candidate"].tolist() == board["candidate"].tolist()
    plots = mlflow.MlflowClient(lab.uri).list_artifacts(run["run_id"], "plots")
    assert {Path(plot.path).name for plot in plots} == {"roc.png", "calibration.png", "importance.png"}


def test_given_a_run_when_searched_then_each_candidate_is_nested_with_its_figures(lab: Lab) -> None:
    parent = lab.runs("same").iloc[0]["run_id"]

    nested = mlflow.search_runs(
        experiment_names=[NAME], filter_string=f"tags.mlflow.parentRunId = '{parent}'"
    )

    assert sorted(nested["tags.mlflow.runName"]) == ["lr", "nb"]
    assert (nested["metrics.cv_log_loss"] > 0).all()
    assert (nested["metrics.cv_auc"] > 0.5).all()
    assert (nested["metrics.cv_fold_seconds"] > 0).all()


def test_given_a_run_when_the_pipeline_is_wanted_then_it_loads_back(lab: Lab) -> None:
    run = lab.runs("reference").iloc[0]
    logged = mlflow.search_logged_models(
        experiment_ids=[run["experiment_id"]],
        filter_string=f"source_run_id = '{run['run_id']}' AND name = 'sklearn_pipeline'",
        output_format="list",
    )

    pipeline = mlflow.sklearn.load_model(f"models:/{logged[0].model_id}")

    assert (pipeline.predict(WINE.features) == WINE.target).mean() > 0.9


def test_given_a_window_that_cannot_be_trained_on_when_it_fails_then_the_run_says_failed(lab: Lab) -> None:
    with pytest.raises(BadInput, match="is not a column"):
        lab.train("current/broken/")

    run = lab.runs("broken").iloc[0]
    assert run["status"] == "FAILED"
    assert "is not a column" in run["tags.failure"]
    assert mlflow.active_run() is None
    assert lab.parameters.get([RELEASE])[RELEASE].value == lab.released  # type: ignore[attr-defined]


def test_given_steps_when_logged_then_each_is_a_json_line_with_seconds(lab: Lab) -> None:
    lines = [json.loads(line) for line in lab.log.getvalue().splitlines()]

    names = [line["step"] for line in lines]
    assert names[:9] == ["load", "split", "search", "refit", "gate", "log", "register", "alias", "publish"]
    assert all(line["message"] and line["seconds"] >= 0 for line in lines)


def test_given_a_running_experiment_when_another_passes_the_gate_then_it_waits_or_replaces_by_rule(
    lab: Lab,
) -> None:
    registry = MlflowRegistry(lab.uri, NAME)
    waiting = lab.train("current/same/")

    assert waiting.state is RunState.SUCCEEDED
    assert "waits until the experiment of version 2 has ended" in waiting.detail
    assert registry.by_alias("challenger").model_version == "2"  # type: ignore[union-attr]
    assert registry.tagged("queue", "waiting") == [waiting.model_version]
    assert registry.tagged("queue", "challenging") == ["2"]
    assert lab.parameters.get([RELEASE])[RELEASE].value == lab.released  # type: ignore[attr-defined]

    replacing = lab.train("current/same/", queue_rule="replace")

    assert registry.by_alias("challenger").model_version == replacing.model_version  # type: ignore[union-attr]
    assert registry.tagged("queue", "replaced") == ["2"]


def test_given_an_experiment_that_was_stopped_when_another_passes_the_gate_then_it_takes_its_place(
    lab: Lab,
) -> None:
    digest = lab.parameters.get([RELEASE])[RELEASE].value.removeprefix("releases/").removesuffix(".json")
    at = "2024-01-01T00:00:00.000Z"
    lab.experiments.save(ExperimentRecord(f"{at}#x", digest, "1", "2", at, stopped_at=at))
    lab.parameters.put(SPLIT, "0.0")

    made = lab.train("current/same/")

    challenger = MlflowRegistry(lab.uri, NAME).by_alias("challenger")
    assert challenger is not None
    assert (challenger.model_version, challenger.train_prefix) == (made.model_version, "current/same/")
    assert lab.parameters.get([SPLIT])[SPLIT].value == "0.2"


def test_given_no_dataset_when_trained_then_it_is_named(lab: Lab) -> None:
    empty = replace(lab, data=MemoryObjects("empty"))

    with pytest.raises(BadInput, match=r"s3://empty/dataset\.json"):
        empty.train("reference/")


class Killed(BaseException):
    """Stands for the end of the process; nothing in the training may handle it."""


@pytest.mark.parametrize("step", ["_give_place", "publish"])
def test_given_a_kill_after_registration_when_trained_again_then_nothing_of_it_served_and_all_is_well(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    registry, client = MlflowRegistry(lab.uri, NAME), mlflow.MlflowClient(lab.uri)
    challenger, released = registry.by_alias("challenger"), lab.parameters.get([RELEASE])[RELEASE]

    def die(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(job_module, "candidates", lambda task, seed, jobs: QUICK)
    with monkeypatch.context() as deadly:
        deadly.setattr(job_module, step, die)
        with pytest.raises(Killed):
            lab.train("current/same/", queue_rule="replace")

    newest = max(client.search_model_versions(f"name = '{NAME}'"), key=lambda one: int(one.version))
    assert (newest.tags["run_key"], newest.tags["gate"]) == ("key of current/same/", "passed")
    assert lab.parameters.get([RELEASE])[RELEASE] == released
    if step == "_give_place":
        assert registry.by_alias("challenger") == challenger
    again = lab.train("current/same/", queue_rule="replace")
    assert again.state is RunState.SUCCEEDED
    assert int(again.model_version) == int(newest.version) + 1
    assert registry.by_alias("champion").model_version == "1"  # type: ignore[union-attr]
    assert registry.by_alias("challenger").model_version == again.model_version  # type: ignore[union-attr]
    release = parse_release(lab.artifacts.content[lab.parameters.get([RELEASE])[RELEASE].value])
    assert release.variants[Variant.B].model_version == again.model_version
