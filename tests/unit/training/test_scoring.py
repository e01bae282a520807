from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, mean_absolute_error, roc_auc_score

from contender.adapters.onnx_model import OnnxModel, load_onnx, open_onnx
from contender.domain.assignment import Variant
from contender.domain.promotion import GateVerdict
from tests.support.training import MemoryRegistry, sklearn_data
from tests.support.world import model_ref
from trainer.candidates import Candidate
from trainer.data import TrainingData
from trainer.face import to_onnx
from trainer.holdout import split
from trainer.plots import make_plots, permutation_importance
from trainer.scoring import gate, holdout_metrics, losses

PARTS = split(sklearn_data("breast_cancer", columns=6), 0.3, 1)
WINE = split(sklearn_data("wine"), 0.3, 1)
DIABETES = split(sklearn_data("diabetes"), 0.3, 1)


@pytest.fixture(autouse=True)
def _quiet(recwarn: pytest.WarningsRecorder) -> None:
    """scikit-learn's advice on unscaled data is not what these tests are about."""


def trained(data: TrainingData) -> tuple[bytes, OnnxModel]:
    regression = data.target.dtype == np.float64
    estimator = Ridge() if regression else LogisticRegression(max_iter=100)
    pipeline = Candidate("m", "Model", estimator).pipeline(
        data.features, list(data.dataset.features.values())
    )
    pipeline.fit(data.features, data.target)
    content = to_onnx(pipeline, data.dataset)
    return content, open_onnx(content, None if regression else tuple(pipeline.classes_.tolist()))


def registry_with(content: bytes, classes: tuple[int | str, ...] | None) -> MemoryRegistry:
    registry = MemoryRegistry()
    registry.add(model_ref(content, Variant.A, classes=classes), content)
    return registry


def shuffled(data: TrainingData) -> TrainingData:
    return replace(data, target=np.random.default_rng(1).permutation(data.target))


def test_given_two_classes_when_scored_then_figures_are_scikit_learns() -> None:
    _, model = trained(PARTS.train)
    answers = model.predict_many(PARTS.holdout.columns)
    assert answers.probabilities is not None
    truth, positive = PARTS.holdout.target, answers.probabilities[:, 1].astype(np.float64)

    metrics = holdout_metrics(PARTS.holdout, model, answers)

    assert metrics["auc"] == pytest.approx(roc_auc_score(truth, positive))
    assert metrics["log_loss"] == pytest.approx(log_loss(truth, positive), rel=1e-5)
    assert metrics["brier"] == pytest.approx(brier_score_loss(truth, positive), rel=1e-5)
    assert metrics["accuracy"] == accuracy_score(truth, answers.labels)


def test_given_three_classes_when_scored_then_auc_is_one_against_the_rest() -> None:
    _, model = trained(WINE.train)
    answers = model.predict_many(WINE.holdout.columns)
    assert answers.probabilities is not None

    metrics = holdout_metrics(WINE.holdout, model, answers)

    rows = answers.probabilities.astype(np.float64)
    expected = roc_auc_score(
        WINE.holdout.target, rows / rows.sum(axis=1, keepdims=True), multi_class="ovr", average="weighted"
    )
    assert metrics["auc"] == pytest.approx(expected, abs=1e-6)


def test_given_a_class_that_training_never_saw_when_scored_then_figures_stay_finite() -> None:
    known = PARTS.train.take(np.flatnonzero(np.arange(len(PARTS.train)) >= 0))
    _, model = trained(known)
    strange = replace(
        PARTS.holdout, target=np.where(np.arange(len(PARTS.holdout)) < 5, 7, PARTS.holdout.target)
    )
    answers = model.predict_many(strange.columns)

    metrics = holdout_metrics(strange, model, answers)

    assert all(np.isfinite(value) for value in metrics.values())
    assert metrics["log_loss"] > holdout_metrics(PARTS.holdout, model, answers)["log_loss"]


def test_given_numbers_when_scored_then_errors_are_scikit_learns() -> None:
    _, model = trained(DIABETES.train)
    answers = model.predict_many(DIABETES.holdout.columns)

    metrics = holdout_metrics(DIABETES.holdout, model, answers)

    assert metrics["mae"] == pytest.approx(mean_absolute_error(DIABETES.holdout.target, answers.labels))
    assert metrics["rmse"] >= metrics["mae"]
    assert 0 < metrics["r2"] < 1


@pytest.mark.parametrize("parts", [PARTS, DIABETES], ids=["classification", "regression"])
def test_given_a_champion_when_a_model_of_noise_challenges_then_the_gate_rejects_it(parts: object) -> None:
    content, good = trained(parts.train)  # type: ignore[attr-defined]
    _, bad = trained(shuffled(parts.train))  # type: ignore[attr-defined]
    holdout: TrainingData = parts.holdout  # type: ignore[attr-defined]
    registry = registry_with(content, good.classes)

    rejected, champion = gate(holdout, losses(holdout, bad), registry, load_onnx, 1)
    passed, _ = gate(holdout, losses(holdout, good), registry, load_onnx, 1)

    assert rejected.verdict is GateVerdict.REJECTED
    assert passed.verdict is GateVerdict.PASSED
    assert champion is not None
    assert champion.sha256 == sha256(content).hexdigest()


def test_given_no_champion_when_gated_then_the_model_is_first() -> None:
    _, model = trained(PARTS.train)

    result, champion = gate(PARTS.holdout, losses(PARTS.holdout, model), MemoryRegistry(), load_onnx, 1)

    assert result.verdict is GateVerdict.FIRST
    assert champion is None


def test_given_a_champion_that_needs_a_column_that_is_gone_when_gated_then_the_model_may_challenge() -> None:
    wider = split(sklearn_data("breast_cancer", columns=8), 0.3, 1)
    content, _ = trained(wider.train)
    _, model = trained(PARTS.train)

    result, _ = gate(
        PARTS.holdout, losses(PARTS.holdout, model), registry_with(content, (0, 1)), load_onnx, 1
    )

    assert result.verdict is GateVerdict.PASSED
    assert "needs feature" in result.reason


def test_given_a_champion_of_the_other_task_when_gated_then_the_model_may_challenge() -> None:
    content, _ = trained(
        replace(
            PARTS.train,
            target=PARTS.train.target.astype(np.float64),
            dataset=replace(PARTS.train.dataset, task=DIABETES.train.dataset.task),
        )
    )
    _, model = trained(PARTS.train)

    result, _ = gate(PARTS.holdout, losses(PARTS.holdout, model), registry_with(content, None), load_onnx, 1)

    assert result.may_serve
    assert "regression" in result.reason


def test_given_a_model_when_features_are_shuffled_then_the_one_it_uses_stands_out() -> None:
    data = PARTS.train
    noise = np.random.default_rng(1).normal(size=len(data)).astype(np.float32)
    told = replace(
        data, features=data.features.assign(**{"mean area": noise}), target=(noise > 0).astype(np.int64)
    )
    _, model = trained(told)

    importances = permutation_importance(told, model, seed=1)

    assert next(iter(importances)) == "mean area"
    assert list(importances.values()) == sorted(importances.values(), reverse=True)
    assert set(importances) == set(data.features)


@pytest.mark.parametrize(
    ("parts", "files"),
    [
        (PARTS, {"roc.png", "calibration.png", "importance.png"}),
        (WINE, {"roc.png", "calibration.png", "importance.png"}),
        (DIABETES, {"residuals.png", "predicted_vs_actual.png", "importance.png"}),
    ],
    ids=["two classes", "three classes", "numbers"],
)
def test_given_a_task_when_drawn_then_its_plots_are_pngs(parts: object, files: set[str]) -> None:
    _, model = trained(parts.train)  # type: ignore[attr-defined]
    holdout: TrainingData = parts.holdout  # type: ignore[attr-defined]

    plots = make_plots(holdout, model, model.predict_many(holdout.columns), {"a": 0.3, "b" * 60: -0.1})

    assert set(plots) == files
    assert all(image.startswith(b"\x89PNG") and len(image) > 5_000 for image in plots.values())
