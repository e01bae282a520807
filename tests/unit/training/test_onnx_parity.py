from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from contender.adapters.onnx_model import open_onnx
from contender.domain.dataset import Kind, Task
from contender.errors import BadInput
from tests.support.training import collinear_data, sklearn_data
from trainer.candidates import Candidate, candidates
from trainer.data import TrainingData
from trainer.face import _round_down, to_onnx
from trainer.parity import Parity, check_parity

WINDOWS = {name: sklearn_data(name) for name in ("breast_cancer", "wine", "diabetes")}
LOGISTIC = Candidate("lr", "Logistic regression", LogisticRegression(max_iter=50))


def converted(candidate: Candidate, data: TrainingData) -> tuple[bytes, Parity]:
    pipeline = candidate.pipeline(data.features, list(data.dataset.features.values()))
    pipeline.fit(data.features, data.target)
    content = to_onnx(pipeline, data.dataset)
    classes = tuple(pipeline.classes_.tolist()) if data.dataset.task is Task.CLASSIFICATION else None
    return content, check_parity(pipeline, open_onnx(content, classes), data.features)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", list(WINDOWS))
def test_given_every_candidate_when_converted_then_at_least_ten_answer_alike(name: str) -> None:
    data = WINDOWS[name]
    contestants = candidates(data.dataset.task, seed=1, jobs=1)

    held = {candidate.key: converted(candidate, data)[1] for candidate in contestants}

    assert sum(parity.holds for parity in held.values()) >= 10, held


@pytest.mark.filterwarnings("ignore")
def test_given_a_model_that_converts_wrongly_when_compared_then_it_fails_with_its_share() -> None:
    quadratic = Candidate("qda", "Quadratic discriminants", QuadraticDiscriminantAnalysis())

    _, parity = converted(quadratic, collinear_data())

    assert not parity.holds
    assert parity.agreeing < 0.99
    assert f"{parity.agreeing:.2%}" in str(parity)


@pytest.mark.filterwarnings("ignore")
def test_given_odd_names_and_text_labels_when_converted_then_the_face_bears_them() -> None:
    data = WINDOWS["wine"]
    names = {column: f"{column} (µg/l) 'x' \"y\" [{index}]" for index, column in enumerate(data.features)}
    names["alcohol"] = "f3"  # a name of the converter's own
    kinds = {names[column]: kind for column, kind in data.dataset.features.items()}
    renamed = replace(
        data,
        dataset=replace(data.dataset, features=MappingProxyType(kinds)),
        features=data.features.rename(columns=names),
        target=np.array(["bitter sweet", "sec", "ñ"], dtype=object)[data.target],
    )

    content, parity = converted(candidates(Task.CLASSIFICATION, 1, 1)[0], renamed)

    model = open_onnx(content, ("bitter sweet", "sec", "ñ"))
    assert parity.holds
    assert dict(model.features) == kinds
    assert [output.name for output in onnx.load_model_from_string(content).graph.output] == [
        "prediction",
        "probability_bitter sweet",
        "probability_sec",
        "probability_ñ",
    ]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["prediction", "probability_1", "model/f0"])
def test_given_a_feature_called_like_an_output_when_converted_then_it_must_be_renamed(name: str) -> None:
    data = WINDOWS["breast_cancer"]
    kinds = {
        name if column == "mean radius" else column: kind for column, kind in data.dataset.features.items()
    }
    renamed = replace(
        data,
        dataset=replace(data.dataset, features=kinds),
        features=data.features.rename(columns={"mean radius": name}),
    )

    with pytest.raises(BadInput, match="rename the column"):
        converted(LOGISTIC, renamed)


@pytest.mark.filterwarnings("ignore")
def test_given_columns_without_any_value_when_converted_then_both_forms_cope() -> None:
    data = WINDOWS["wine"]
    features = data.features.assign(ash=np.float32(np.nan), **{"size class": ""})

    _, parity = converted(LOGISTIC, replace(data, features=features))

    assert parity.holds


def test_given_many_rare_categories_when_prepared_then_only_frequent_ones_get_a_column() -> None:
    data = WINDOWS["wine"]
    ids = np.array([f"id{row}" for row in range(len(data))], dtype=object)
    ids[:40] = "usual"
    features = data.features.assign(**{"size class": ids})

    pipeline = LOGISTIC.pipeline(features, list(data.dataset.features.values()))

    encoder = pipeline.named_steps["prepare"].transformers[1][1]
    assert encoder.categories == [["usual"]]
    assert data.dataset.features["size class"] is Kind.CATEGORICAL


@given(
    st.floats(-1e30, 1e30),
    st.floats(-1e30, 1e30),
    st.integers(-2, 2),
)
def test_given_a_threshold_when_rounded_down_then_no_float32_changes_sides(
    threshold: float, value: float, steps: int
) -> None:
    near = np.float32(threshold)
    for _ in range(abs(steps)):
        near = np.nextafter(near, np.float32(np.sign(steps) * np.inf))
    leaf: dict[str, object] = {"leaf_value": 1.0}
    node: dict[str, object] = {"threshold": threshold, "left_child": leaf, "right_child": leaf}

    _round_down(node)

    assert np.float32(node["threshold"]) == node["threshold"]
    for number in (np.float32(value), near):
        assert (float(number) <= threshold) == (number <= np.float32(node["threshold"]))
