"""What the use cases need from the outside; ``contender.adapters`` implements it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from contender.domain.dataset import FeatureValue
from contender.domain.records import (
    Feedback,
    Outcome,
    PredictionRecord,
    PromotionJob,
    RunRecord,
    RunState,
    TaskEnd,
    TrainingJob,
)
from contender.domain.release import ModelRef


class ObjectInfo(NamedTuple):
    """An object in a bucket.

    Attributes:
        key: Its key.
        etag: Its entity tag, without quotes.
        size: Bytes.
        modified: Last change, in epoch seconds.
    """

    key: str
    etag: str
    size: int
    modified: float


class Parameter(NamedTuple):
    """A configuration parameter.

    Attributes:
        value: Its text.
        version: Grows with every change; starts at 1 again when the parameter is deleted and created anew.
        modified: Last change, in epoch seconds of the store's clock.
    """

    value: str
    version: int
    modified: float


class Prediction(NamedTuple):
    """A model's answer for one row.

    Attributes:
        value: Label, or number for regression.
        probabilities: Class (as text) → probability; ``None`` for regression.
    """

    value: Outcome
    probabilities: Mapping[str, float] | None


class ObjectStore(Protocol):
    """One bucket. Every method raises ``StoreUnavailable`` when the store does not answer."""

    def get(self, key: str) -> bytes:
        """Reads an object. Raises ``NotFound``."""

    def put(self, key: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        """Writes an object, replacing what was there."""

    def exists(self, key: str) -> bool:
        """Tells whether an object is there."""

    def list(self, prefix: str) -> Sequence[ObjectInfo]:
        """Lists the objects below a prefix, by key; empty when there are none."""

    def download(self, key: str, path: str) -> None:
        """Copies an object into a local file. Raises ``NotFound``."""

    def uri(self, key: str) -> str:
        """Names an object for people and other programs."""


class Parameters(Protocol):
    """Live configuration. Every method raises ``StoreUnavailable`` when it does not answer."""

    def get(self, names: Sequence[str]) -> Mapping[str, Parameter]:
        """Reads several parameters in one call; unknown names are absent from the result."""

    def put(self, name: str, value: str) -> int:
        """Writes a parameter and gives its new version."""

    def history(self, name: str) -> Sequence[Parameter]:
        """Gives the values that a parameter had, the present one first. Raises ``NotFound``."""


def read_parameter(parameters: Parameters, name: str) -> Parameter | None:
    """Reads one parameter; ``None`` when there is none of the name. Raises ``StoreUnavailable``."""
    return parameters.get([name]).get(name)


class PredictionLog(Protocol):
    """The log of predictions."""

    def put(self, record: PredictionRecord) -> None:
        """Stores a record. Raises ``StoreUnavailable``."""

    def set_outcome(self, request_id: str, told: Feedback, at: str) -> None:
        """Adds what feedback tells about a prediction; the same again changes nothing.

        Raises ``NotFound`` for an unknown id, ``Conflict`` when another outcome or value is there,
        ``StoreUnavailable``.
        """


class SpilledRecords(Protocol):
    """Predictions that the log refused, where the router left them."""

    def between(self, since: float, until: float) -> Iterator[Mapping[str, Any]]:
        """Reads those of a period, in epoch seconds, as plain JSON, in no special order, perhaps one twice.

        Raises ``StoreUnavailable``.
        """


class LateRecords(Protocol):
    """The log of predictions, for records that were refused when their requests were answered."""

    def add(self, record: Mapping[str, Any], at: str) -> bool:
        """Stores a record unless its id is there, and tells whether it did; never changes one.

        Evaluations that read up to a time before ``at`` (ISO 8601, UTC) will meet it. Raises ``BadInput`` for
        one that cannot be read, ``StoreUnavailable``.
        """


class Bookmarks(Protocol):
    """Up to when something was read. Every method raises ``StoreUnavailable``."""

    def bookmark(self, name: str) -> float | None:
        """Gives it, in epoch seconds; ``None`` before the first."""

    def set_bookmark(self, name: str, at: float) -> None:
        """Moves it."""


class RunRecords(Protocol):
    """The record of each check. Every method raises ``StoreUnavailable``."""

    def get(self, run_key: str) -> RunRecord | None:
        """Reads a record."""

    def create(self, record: RunRecord) -> bool:
        """Stores a record unless its key is taken; tells whether it did."""

    def move(self, run_key: str, expected: RunRecord | Sequence[RunState], **changes: object) -> RunRecord:
        """Changes fields of a record if it still stands as expected, and gives the new one.

        ``expected`` is the record as it was read (its state and attempt must still be the same), or
        the states it may be in. Raises ``Conflict`` when it moved meanwhile, ``NotFound``.
        """

    def recent(self, limit: int) -> Sequence[RunRecord]:
        """Reads the records of the latest checks, newest first."""


class Launcher(Protocol):
    """Starts tasks and knows what became of them. Every method raises ``StoreUnavailable``."""

    def launch(self, job: TrainingJob | PromotionJob, token: str) -> str:
        """Starts a task and gives its ARN. The same token never starts two."""

    def ended(self, task_arn: str) -> TaskEnd | None:
        """Tells how a task ended; ``None`` while it runs. Raises ``NotFound`` for one it does not know."""

    def stop(self, task_arn: str, reason: str) -> None:
        """Ends a task: it is told first and killed half a minute later."""


class Model(Protocol):
    """A loaded model."""

    def predict_one(self, row: Mapping[str, FeatureValue]) -> Prediction:
        """Scores one checked row. Raises ``ModelUnusable``."""


class ModelLoader(Protocol):
    """Turns a model file into a model."""

    def __call__(self, content: bytes, reference: ModelRef) -> Model:
        """Loads it. Raises ``ModelUnusable``."""


class Registry(Protocol):
    """The model registry, whose aliases are the truth about who is champion."""

    def by_alias(self, alias: str) -> ModelRef | None:
        """Gives the version behind an alias, or ``None``; ``model_key`` is where its file belongs."""

    def model_bytes(self, reference: ModelRef) -> bytes:
        """Reads the ONNX file of a version. Raises ``NotFound``."""

    def set_alias(self, alias: str, model_version: str) -> None:
        """Points an alias at a version."""

    def remove_alias(self, alias: str) -> None:
        """Removes an alias; nothing happens when it is not set."""

    def tag(self, model_version: str, tags: Mapping[str, str]) -> None:
        """Writes tags on a version, over what they said before. Raises ``NotFound``."""

    def tagged(self, name: str, value: str) -> Sequence[str]:
        """Gives the versions that bear a tag with a value, newest first."""


class Observer(Protocol):
    """Where a program says what happens inside it."""

    def note(self, event: str, **fields: object) -> None:
        """Writes down that something happened."""

    def problem(self, event: str, detail: str) -> None:
        """Writes down, and counts as a metric, that something is wrong though the program goes on."""
