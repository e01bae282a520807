"""From a fitted scikit-learn pipeline to an ONNX graph with a face made for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from lightgbm import LGBMClassifier, LGBMRegressor
from onnx import TensorProto, compose, helper
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from skl2onnx import convert_sklearn, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)
from sklearn.pipeline import Pipeline

from contender.adapters.onnx_model import PREDICTION, probability_name
from contender.domain.dataset import Dataset, Kind, Task
from contender.domain.release import Label
from contender.errors import BadInput

OPSETS = {"": 18, "ai.onnx.ml": 3}
"""Versions of the operators: every converter here writes them, every ONNX Runtime since 1.14 reads them."""

INNER = "model/"
"""Prefix of every name inside the graph, so that features may be called what they like."""


def to_onnx(pipeline: Pipeline, dataset: Dataset) -> bytes:
    """Converts a fitted pipeline.

    Args:
        pipeline: Fitted on the declared features in declared order.
        dataset: The declaration.

    Returns:
        The ONNX file: one rank-1 input per feature under its own name, rank-1 outputs ``prediction`` and,
        for classification, ``probability_<class>``.

    Raises:
        BadInput: When a feature bears the name of an output.
        Exception: Whatever a converter raises when it cannot; they share no type.
    """
    _register_lightgbm()
    inputs = [
        (f"f{position}", (FloatTensorType if kind is Kind.NUMERIC else StringTensorType)([None, 1]))
        for position, kind in enumerate(dataset.features.values())
    ]
    estimator = _last(pipeline)
    classified = dataset.task is Task.CLASSIFICATION
    options: dict[str, Any] = {"zipmap": False} if classified else {}
    graph = convert_sklearn(
        pipeline,
        initial_types=inputs,
        target_opset=OPSETS,
        options={id(estimator): options} if options else None,
    )
    classes = tuple(pipeline.classes_.tolist()) if classified else None
    return give_face(graph, dataset.features, classes).SerializeToString()


def give_face(
    model: onnx.ModelProto, features: Mapping[str, Kind], classes: tuple[Label, ...] | None
) -> onnx.ModelProto:
    """Puts a face on a converted graph: rank-1 inputs by name in front, rank-1 outputs behind.

    Args:
        model: Inputs of shape [n, 1], one per feature in order; outputs label and, for classification,
            probabilities of shape [n, k].
        features: Name → kind.
        classes: Labels in the order of the probabilities; ``None`` for regression.

    Returns:
        A new, checked model.

    Raises:
        BadInput: When a feature bears the name of an output, or names inside the graph.
    """
    outputs = [PREDICTION, *(probability_name(label) for label in classes or ())]
    for name in features:
        if name in outputs or name.startswith(INNER):
            raise BadInput.of(
                f"features.{name}", "is a name that the model needs itself", "rename the column"
            )
    inner = compose.add_prefix(model, INNER)
    graph = inner.graph
    nodes = []
    values = []
    for source, (name, kind) in zip(graph.input, features.items(), strict=True):
        # Reshape, not Unsqueeze: converters write the lowest operator set they need, and Reshape is in all.
        nodes.append(helper.make_node("Reshape", [name, f"{INNER}column"], [source.name]))
        type_ = TensorProto.FLOAT if kind is Kind.NUMERIC else TensorProto.STRING
        values.append(helper.make_tensor_value_info(name, type_, ["n"]))
    nodes.extend(graph.node)
    constants = [
        *graph.initializer,
        helper.make_tensor(f"{INNER}column", TensorProto.INT64, [2], [-1, 1]),
        helper.make_tensor(f"{INNER}flat", TensorProto.INT64, [1], [-1]),
    ]
    label_type = graph.output[0].type.tensor_type.elem_type
    nodes.append(helper.make_node("Reshape", [graph.output[0].name, f"{INNER}flat"], [PREDICTION]))
    answers = [helper.make_tensor_value_info(PREDICTION, label_type, ["n"])]
    for column, label in enumerate(classes or ()):
        index, output = f"{INNER}column_{column}", probability_name(label)
        constants.append(helper.make_tensor(index, TensorProto.INT64, [], [column]))
        nodes.append(helper.make_node("Gather", [graph.output[1].name, index], [output], axis=1))
        answers.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n"]))
    faced = helper.make_model(
        helper.make_graph(nodes, "contender", values, answers, constants),
        opset_imports=inner.opset_import,
        ir_version=inner.ir_version,
        producer_name="contender",
    )
    onnx.checker.check_model(faced)
    return faced


def _last(pipeline: Pipeline) -> Any:
    """The estimator at the end, however deep: converters' options belong to it."""
    estimator = pipeline
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return estimator


class _Float32Booster:
    """LightGBM's trees with thresholds rounded down to float32, as the converter wants to see them.

    Inputs are float32, so ``x <= threshold`` has the same answer for the threshold and for the largest
    float32 that is not above it. The converter rounds to the nearest, and a value in between goes astray.
    """

    is_mock = True  # the converter's own switch for boosters that only dump

    def __init__(self, booster: Any) -> None:
        self._booster = booster

    def dump_model(self) -> dict[str, Any]:
        dump: dict[str, Any] = self._booster.dump_model()
        for tree in dump["tree_info"]:
            _round_down(tree["tree_structure"])
        return dump

    def __getattr__(self, name: str) -> Any:
        return getattr(self._booster, name)


class _Float32Model:
    def __init__(self, model: Any) -> None:
        self._model = model
        self.booster_ = _Float32Booster(model.booster_)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


def _round_down(node: dict[str, Any]) -> None:
    pending = [node]
    while pending:
        node = pending.pop()
        if "threshold" not in node:  # a leaf
            continue
        exact = float(node["threshold"])
        nearest = np.float32(exact)
        if float(nearest) > exact:
            nearest = np.nextafter(nearest, np.float32(-np.inf))
        node["threshold"] = float(nearest)
        pending += [node["left_child"], node["right_child"]]


def _convert_lightgbm(scope: Any, operator: Any, container: Any) -> None:
    original = operator.raw_operator
    operator.raw_operator = _Float32Model(original)
    try:
        convert_lightgbm(scope, operator, container)
    finally:
        operator.raw_operator = original


def _register_lightgbm() -> None:
    update_registered_converter(
        LGBMClassifier,
        "LightGbmLGBMClassifier",
        calculate_linear_classifier_output_shapes,
        _convert_lightgbm,
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
    )
    update_registered_converter(
        LGBMRegressor,
        "LightGbmLGBMRegressor",
        calculate_linear_regressor_output_shapes,
        _convert_lightgbm,
        options={"split": None},
    )
