"""A whole training on a real MLflow in a file, with few candidates and small data."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest

from contender.adapters.mlflow_registry import MlflowRegistry
from contender.adapters.onnx_model import load_onnx
from contender.domain.assignment import Variant
from contender.domain.records import RunState
from contender.domain.release import parse_release
from contender.errors import BadInput
from tests.support.fakes import MemoryObjects
from tests.support.training_lab import NAME, RELEASE, WINE, Lab


def test_given_windows_when_trained_then_champion_challenger_and_rejected_get_their_places(lab: Lab) -> None:
    registry = MlflowRegistry(lab.uri, NAME)
    first, second, third = lab.outcomes

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
    release = parse_release(lab.artifacts.content[lab.released])

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
    assert lab.parameters.get([RELEASE])[RELEASE].value == lab.released


def test_given_steps_when_logged_then_each_is_a_json_line_with_seconds(lab: Lab) -> None:
    lines = [json.loads(line) for line in lab.log.getvalue().splitlines()]

    names = [line["step"] for line in lines]
    assert names[:9] == ["load", "split", "search", "refit", "gate", "log", "register", "alias", "publish"]
    assert all(line["message"] and line["seconds"] >= 0 for line in lines)


def test_given_no_dataset_when_trained_then_it_is_named(lab: Lab) -> None:
    empty = replace(lab, data=MemoryObjects("empty"))

    with pytest.raises(BadInput, match=r"s3://empty/dataset\.json"):
        empty.train("reference/")
