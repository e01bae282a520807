from __future__ import annotations

import math
from hashlib import sha256
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from contender.adapters.onnx_model import OnnxModel, load_onnx, open_onnx
from contender.domain.assignment import Variant
from contender.domain.dataset import Kind
from contender.errors import ModelUnusable
from tests.support.world import model_ref

FLOAT, STRING, INT64 = TensorProto.FLOAT, TensorProto.STRING, TensorProto.INT64


def graph(
    nodes: list[onnx.NodeProto], inputs: list[Any], outputs: list[Any], constants: list[Any] | None = None
) -> bytes:
    made = helper.make_graph(nodes, "test", inputs, outputs, constants or [])
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def value(name: str, type_: int, *shape: Any) -> Any:
    return helper.make_tensor_value_info(name, type_, list(shape))


def classifier(label_type: int = INT64, probability_shape: tuple[Any, ...] = ("n",)) -> bytes:
    """P(second class) is ``my size`` where that is a number, and 0.5 where it is missing or blue."""
    first, second = ("no", "yes") if label_type == STRING else (0, 1)
    constants = [
        helper.make_tensor("half", FLOAT, [], [0.5]),
        helper.make_tensor("one", FLOAT, [], [1.0]),
        helper.make_tensor("blue code", INT64, [], [1]),
        helper.make_tensor("first", label_type, [], [str(first).encode() if label_type == STRING else first]),
        helper.make_tensor(
            "second", label_type, [], [str(second).encode() if label_type == STRING else second]
        ),
    ]
    nodes = [
        helper.make_node("IsNaN", ["my size"], ["missing"]),
        helper.make_node(
            "LabelEncoder",
            ["colour"],
            ["colour code"],
            domain="ai.onnx.ml",
            keys_strings=["blue"],
            values_int64s=[1],
            default_int64=0,
        ),
        helper.make_node("Equal", ["colour code", "blue code"], ["is blue"]),
        helper.make_node("Or", ["missing", "is blue"], ["unsure"]),
        helper.make_node("Where", ["unsure", "half", "my size"], [f"probability_{second}"]),
        helper.make_node("Sub", ["one", f"probability_{second}"], [f"probability_{first}"]),
        helper.make_node("Greater", [f"probability_{second}", "half"], ["is second"]),
        helper.make_node("Where", ["is second", "second", "first"], ["prediction"]),
    ]
    made = helper.make_graph(
        nodes,
        "test",
        [value("my size", FLOAT, "n"), value("colour", STRING, "n")],
        [
            value("prediction", label_type, "n"),
            value(f"probability_{first}", FLOAT, *probability_shape),
            value(f"probability_{second}", FLOAT, *probability_shape),
        ],
        constants,
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("ai.onnx.ml", 2)]
    return bytes(helper.make_model(made, opset_imports=opsets, ir_version=8).SerializeToString())


def regression() -> bytes:
    return graph(
        [helper.make_node("Add", ["x", "x"], ["prediction"])],
        [value("x", FLOAT, "n")],
        [value("prediction", FLOAT, "n")],
    )


def loaded(content: bytes, classes: tuple[Any, ...] | None = (0, 1)) -> OnnxModel:
    return load_onnx(content, model_ref(content, Variant.A, classes=classes))


def test_given_a_classifier_when_asked_for_one_row_then_plain_types_come_back() -> None:
    model = loaded(classifier())

    answer = model.predict_one({"my size": 0.75, "colour": "red", "unknown to it": 1.0})

    assert answer.value == 1
    assert type(answer.value) is int
    assert answer.probabilities == {"0": 0.25, "1": 0.75}
    assert dict(model.features) == {"my size": Kind.NUMERIC, "colour": Kind.CATEGORICAL}


def test_given_missing_values_when_asked_then_the_graph_sees_nan_and_the_empty_text() -> None:
    model = loaded(classifier())

    assert model.predict_one({"my size": math.nan, "colour": ""}).probabilities == {"0": 0.5, "1": 0.5}
    assert model.predict_one({"my size": 1.0, "colour": "blue"}).probabilities == {"0": 0.5, "1": 0.5}


def test_given_text_labels_when_asked_then_a_text_comes_back() -> None:
    answer = loaded(classifier(STRING), ("no", "yes")).predict_one({"my size": 0.75, "colour": "red"})

    assert answer.value == "yes"
    assert type(answer.value) is str


def test_given_classes_in_another_order_when_asked_then_probabilities_follow_it() -> None:
    model = loaded(classifier(), (1, 0))

    many = model.predict_many({"my size": np.array([0.75]), "colour": np.array(["red"], dtype=object)})

    assert many.probabilities is not None
    assert many.probabilities.tolist() == [[0.75, 0.25]]


def test_given_a_regression_when_asked_then_a_float_comes_back_without_probabilities() -> None:
    answer = loaded(regression(), None).predict_one({"x": 1.5})

    assert answer == (3.0, None)
    assert type(answer.value) is float


@pytest.mark.parametrize("rows", [0, 1, 7])
def test_given_many_rows_when_asked_then_shapes_fit_and_one_row_agrees(rows: int) -> None:
    model = loaded(classifier())
    sizes = np.linspace(0, 1, rows, dtype=np.float32)
    colours = np.array(["red", "blue"] * rows, dtype=object)[:rows]

    many = model.predict_many({"my size": sizes, "colour": colours})

    assert many.probabilities is not None
    assert many.labels.shape == (rows,)
    assert many.probabilities.shape == (rows, 2)
    for row in range(rows):
        one = model.predict_one({"my size": float(sizes[row]), "colour": colours[row]})
        assert one.probabilities == {"0": many.probabilities[row, 0], "1": many.probabilities[row, 1]}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"my size": [1.0]}, "needs feature 'colour'"),
        ({"my size": ["a"], "colour": ["b"]}, "no numbers"),
        ({"my size": [1.0, 2.0], "colour": ["b"]}, "different lengths"),
    ],
)
def test_given_columns_that_do_not_fit_when_asked_then_it_says_which(columns: Any, message: str) -> None:
    arrays = {name: np.array(values, dtype=object) for name, values in columns.items()}

    with pytest.raises(ModelUnusable, match=message):
        loaded(classifier()).predict_many(arrays)


def test_given_a_row_without_a_feature_when_asked_then_it_says_which() -> None:
    with pytest.raises(ModelUnusable, match="colour"):
        loaded(classifier()).predict_one({"my size": 1.0})


@pytest.mark.parametrize(
    ("content", "classes", "message"),
    [
        (b"not a model", (0, 1), "cannot be loaded"),
        (b"", (0, 1), "cannot be loaded"),
        (classifier(), ("0", "1"), "'prediction' is tensor\\(int64\\)"),
        (classifier(), (0, 1, 2), "'probability_2' is missing"),
        (classifier(), None, "'prediction'"),
        (regression(), (0, 1), "'prediction'"),
    ],
)
def test_given_a_file_without_the_agreed_face_when_loaded_then_it_is_refused(
    content: bytes, classes: Any, message: str
) -> None:
    with pytest.raises(ModelUnusable, match=message):
        loaded(content, classes)


def test_given_inputs_of_rank_two_when_loaded_then_it_is_refused() -> None:
    content = graph(
        [helper.make_node("Identity", ["x"], ["prediction"])],
        [value("x", FLOAT, "n", 1)],
        [value("prediction", FLOAT, "n", 1)],
    )

    with pytest.raises(ModelUnusable, match="input 'x'"):
        open_onnx(content, None)


def test_given_other_bytes_than_released_when_loaded_then_both_digests_are_named() -> None:
    content = classifier()
    reference = model_ref(b"what was released", Variant.A)

    with pytest.raises(ModelUnusable, match=sha256(content).hexdigest()[:12]):
        load_onnx(content, reference)
