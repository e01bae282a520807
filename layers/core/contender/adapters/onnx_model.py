"""A model file, run by ONNX Runtime. Nothing that serves ever unpickles.

The graph's face: one rank-1 input per feature under the feature's own name (float32 or text), an
output ``prediction`` and, for classification, one ``probability_<class>`` per class, all rank 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from contender.domain.dataset import FeatureValue, Kind
from contender.domain.release import Label, ModelRef
from contender.errors import ModelUnusable
from contender.ports import Prediction

PREDICTION = "prediction"
PROBABILITY_PREFIX = "probability_"

_NUMERIC, _TEXT, _INTEGER = "tensor(float)", "tensor(string)", "tensor(int64)"
_KINDS = {_NUMERIC: Kind.NUMERIC, _TEXT: Kind.CATEGORICAL}


def probability_name(label: Label) -> str:
    """Name of the output that holds the probability of a class."""
    return f"{PROBABILITY_PREFIX}{label}"


class Predictions(NamedTuple):
    """A model's answers for n rows.

    Attributes:
        labels: Shape (n,): int64 or text labels, or float32 numbers for regression.
        probabilities: float32 of shape (n, k), columns in the order of the model's classes; ``None`` for
            regression.
    """

    labels: NDArray[Any]
    probabilities: NDArray[np.float32] | None


class OnnxModel:
    """Implements :class:`contender.ports.Model`; safe to use from several threads.

    Args:
        session: A session whose graph has the agreed face.
        classes: Labels in the order of the probability outputs; ``None`` for regression.

    Raises:
        ModelUnusable: When the graph's inputs or outputs are not as agreed.
    """

    def __init__(self, session: onnxruntime.InferenceSession, classes: tuple[Label, ...] | None) -> None:
        self._session = session
        self._classes = classes
        self._features = _check_inputs(session)
        self._outputs = _check_outputs(session, classes)
        self._plan = tuple((name, kind is Kind.NUMERIC) for name, kind in self._features.items())
        self._class_names = None if classes is None else tuple(str(label) for label in classes)

    @property
    def features(self) -> Mapping[str, Kind]:
        """The features that the model reads, in the graph's order."""
        return self._features

    @property
    def classes(self) -> tuple[Label, ...] | None:
        """Labels in the order of the probabilities; ``None`` for regression."""
        return self._classes

    def predict_one(self, row: Mapping[str, FeatureValue]) -> Prediction:
        """Scores one checked row.

        Args:
            row: A value for every feature of the model (others are not read): a float, NaN when missing,
                or a text, empty when missing.

        Returns:
            The label as ``int`` or ``str`` with the probability of each class, or a ``float``.

        Raises:
            ModelUnusable: When the row lacks a feature that this model needs, or the graph fails.
        """
        feed: dict[str, NDArray[Any]] = {}
        try:
            for name, numeric in self._plan:
                feed[name] = np.array((row[name],), dtype=np.float32 if numeric else object)
            answers = self._session.run(self._outputs, feed)
        except KeyError as error:
            raise ModelUnusable(f"the model needs feature {error}, which the row lacks") from error
        except Exception as error:  # ONNX Runtime has no common exception type
            raise ModelUnusable(f"the model failed on a row: {error}") from error
        value = answers[0].item(0)
        if self._class_names is None:
            return Prediction(value, None)
        return Prediction(
            value,
            {name: answer.item(0) for name, answer in zip(self._class_names, answers[1:], strict=True)},
        )

    def predict_many(self, columns: Mapping[str, NDArray[Any]]) -> Predictions:
        """Scores many rows.

        Args:
            columns: For every feature of the model an array of shape (n,): numbers (NaN when missing) or
                texts (empty when missing). Further columns are not read.

        Returns:
            Labels and probabilities; empty arrays for n = 0.

        Raises:
            ModelUnusable: When a feature is missing or of the wrong kind, lengths differ, or the graph fails.
        """
        feed: dict[str, NDArray[Any]] = {}
        for name, numeric in self._plan:
            if name not in columns:
                raise ModelUnusable(f"the model needs feature {name!r}, which the data lacks")
            try:
                feed[name] = np.asarray(columns[name], dtype=np.float32 if numeric else object)
            except (TypeError, ValueError) as error:
                raise ModelUnusable(f"feature {name!r} holds no numbers, which the model needs") from error
        if len({len(column) for column in feed.values()}) > 1:
            raise ModelUnusable("the columns have different lengths")
        try:
            answers = self._session.run(self._outputs, feed)
        except Exception as error:  # ONNX Runtime has no common exception type
            raise ModelUnusable(f"the model failed: {error}") from error
        if self._classes is None:
            return Predictions(answers[0], None)
        return Predictions(answers[0], np.column_stack(answers[1:]))


def load_onnx(content: bytes, reference: ModelRef) -> OnnxModel:
    """Loads a model file; implements :class:`contender.ports.ModelLoader`.

    One thread and sequential execution: a single row is too little work to share, and a Lambda of usual
    size has no second core.

    Args:
        content: The ONNX file.
        reference: What the file must be: its digest and its classes.

    Returns:
        The model.

    Raises:
        ModelUnusable: When the content is not the file that was pinned, cannot be loaded, or its graph does
            not have the agreed face.
    """
    digest = sha256(content).hexdigest()
    if digest != reference.sha256:
        raise ModelUnusable(
            f"{reference.model_key} has digest {digest[:12]}…, {reference.sha256[:12]}… was released"
        )
    return open_onnx(content, reference.classes)


def open_onnx(content: bytes, classes: tuple[Label, ...] | None) -> OnnxModel:
    """Loads a model that is not registered yet. Raises ``ModelUnusable`` like :func:`load_onnx`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 4  # errors are raised; written to stderr as well they would be told twice
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime has no common exception type
        raise ModelUnusable(f"the model file cannot be loaded: {error}") from error
    return OnnxModel(session, classes)


def _check_inputs(session: onnxruntime.InferenceSession) -> Mapping[str, Kind]:
    features: dict[str, Kind] = {}
    for node in session.get_inputs():
        if len(node.shape) != 1 or node.type not in _KINDS:
            raise ModelUnusable(
                f"input {node.name!r} is {node.type} of shape {node.shape}; needed is float or string, rank 1"
            )
        features[node.name] = _KINDS[node.type]
    return MappingProxyType(features)


def _check_outputs(session: onnxruntime.InferenceSession, classes: tuple[Label, ...] | None) -> list[str]:
    found = {node.name: node for node in session.get_outputs()}
    wanted = {PREDICTION: _NUMERIC if classes is None else _label_type(classes)}
    if classes is not None:
        wanted |= {probability_name(label): _NUMERIC for label in classes}
    for name, type_ in wanted.items():
        node = found.get(name)
        if node is None:
            raise ModelUnusable(f"output {name!r} is missing; the graph has {sorted(found)}")
        if len(node.shape) != 1 or node.type != type_:
            raise ModelUnusable(
                f"output {name!r} is {node.type} of shape {node.shape}; needed is {type_}, rank 1"
            )
    return list(wanted)


def _label_type(classes: tuple[Label, ...]) -> str:
    return _TEXT if any(isinstance(label, str) for label in classes) else _INTEGER
