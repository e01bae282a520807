"""A small world to serve in: a data set, two models, a release, and a router's parts on fakes."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from hashlib import sha256

from contender.domain.assignment import Variant
from contender.domain.dataset import Dataset, Kind, Task
from contender.domain.release import ALIASES, Label, ModelRef, Release, release_key
from contender.ports import Prediction
from contender.usecases.feedback import GiveFeedback
from contender.usecases.predict import Predict
from contender.usecases.serving import Serving
from contender.usecases.shadow import Shadow
from tests.support.fakes import (
    FakeClock,
    FakeLoader,
    FakeModel,
    MemoryObjects,
    MemoryParameters,
    RecordingObserver,
)
from tests.support.memory_log import MemoryPredictionLog

RELEASE, SPLIT = "/contender/test/release", "/contender/test/ab_split_b"
MODEL_A, MODEL_B, MODEL_C = b"model a", b"model b", b"model c"

DATASET = Dataset(
    task=Task.CLASSIFICATION,
    target="label",
    features={"size": Kind.NUMERIC, "colour": Kind.CATEGORICAL, "age": Kind.NUMERIC},
    name="shapes",
)
REGRESSION = Dataset(task=Task.REGRESSION, target="price", features=DATASET.features, name="prices")
ROW = {"size": 1.5, "colour": "red", "age": 3}


def model_ref(
    content: bytes, variant: Variant, version: str = "1", classes: tuple[Label, ...] | None = (0, 1)
) -> ModelRef:
    """Refers to a model file as its variant."""
    digest = sha256(content).hexdigest()
    return ModelRef(
        alias=ALIASES[variant],
        model_name="contender",
        model_version=version,
        run_id=f"run{version}",
        model_key=f"models/{digest}.onnx",
        sha256=digest,
        bytes=len(content),
        classes=classes,
        libraries={"onnxruntime": "1.0"},
    )


def release_of(
    a: bytes | None = MODEL_A,
    b: bytes | None = MODEL_B,
    dataset: Dataset = DATASET,
    classes: tuple[Label, ...] | None = (0, 1),
) -> Release:
    """A release of up to two model files."""
    files = {Variant.A: (a, "1"), Variant.B: (b, "2")}
    return Release(
        dataset,
        {
            variant: model_ref(content, variant, version, classes)
            for variant, (content, version) in files.items()
            if content is not None
        },
    )


@dataclass
class World:
    """Everything behind a router, in memory."""

    clock: FakeClock = field(default_factory=FakeClock)
    observer: RecordingObserver = field(default_factory=RecordingObserver)
    log: MemoryPredictionLog = field(default_factory=MemoryPredictionLog)
    spilled: list[str] = field(default_factory=list)
    refresh_s: float = 5.0
    shadow: bool = False

    def __post_init__(self) -> None:
        self.artifacts = MemoryObjects("artifacts", self.clock)
        self.parameters = MemoryParameters({RELEASE: "none", SPLIT: "0.5"}, self.clock)
        self.models = {
            MODEL_A: FakeModel(Prediction(0, {"0": 0.75, "1": 0.25})),
            MODEL_B: FakeModel(Prediction(1, {"0": 0.25, "1": 0.75})),
            MODEL_C: FakeModel(Prediction(1, {"0": 0.5, "1": 0.5})),
        }
        self.loader = FakeLoader(self.models)
        self.serving = Serving(
            self.parameters,
            self.artifacts,
            self.loader,
            self.observer,
            RELEASE,
            SPLIT,
            self.refresh_s,
            self.clock,
        )
        ids = itertools.count(1)
        self.predict = Predict(
            self.serving,
            self.log,
            self.observer,
            self.spilled.append,
            retention_s=86_400.0,
            clock=self.clock,
            new_id=lambda: f"request-{next(ids)}",
            shadow=Shadow(self.observer) if self.shadow else None,
        )
        self.feedback = GiveFeedback(self.serving, self.log, self.clock)

    def publish(self, release: Release) -> Release:
        """Puts a release and its model files in place and points the parameter at it."""
        for content in (MODEL_A, MODEL_B, MODEL_C):
            self.artifacts.put(f"models/{sha256(content).hexdigest()}.onnx", content)
        self.artifacts.put(release_key(release.digest), release.to_json())
        self.parameters.put(RELEASE, release_key(release.digest))
        return release

    def pass_time(self, seconds: float) -> None:
        """Moves the clock."""
        self.clock.now += seconds


def publish_manifest(world: World, document: object) -> None:
    """Releases any JSON document under its true digest."""
    content = json.dumps(document).encode()
    key = release_key(sha256(content).hexdigest())
    world.artifacts.put(key, content)
    world.parameters.put(RELEASE, key)
