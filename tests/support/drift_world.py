"""A data bucket with windows, and the drift check on fakes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from contender.domain.assignment import Variant
from contender.domain.drift import (
    CategoricalSample,
    ClassifierSettings,
    ColumnSample,
    DriftSettings,
    LaunchRule,
    NumericSample,
)
from contender.domain.release import release_key
from contender.usecases.check_drift import CheckDrift
from tests.support.fakes import (
    FakeClock,
    FakeLauncher,
    MemoryObjects,
    MemoryParameters,
    MemoryRunRecords,
    MemoryWindows,
    RecordingObserver,
)
from tests.support.world import DATASET, RELEASE, release_of

TRAINING_LIMIT_S = 14_400.0


def columns(shift: float = 0.0, rows: int = 2_000) -> Mapping[str, ColumnSample]:
    """A window of which every numeric column is moved by so many standard deviations."""
    normal = np.random.default_rng(7).normal(size=rows)
    half = rows // 2
    return {
        "size": NumericSample((normal + shift).astype(np.float32)),
        "colour": CategoricalSample({"red": half, "blue": rows - half}),
        "age": NumericSample((10 * normal + shift).astype(np.float32)),
    }


@dataclass
class DriftWorld:
    """Everything behind the drift check, in memory: a reference, and no champion yet."""

    settings: DriftSettings = field(default_factory=DriftSettings)
    clock: FakeClock = field(default_factory=FakeClock)
    observer: RecordingObserver = field(default_factory=RecordingObserver)
    launcher: FakeLauncher = field(default_factory=FakeLauncher)
    runs: MemoryRunRecords = field(default_factory=MemoryRunRecords)
    windows: MemoryWindows = field(default_factory=MemoryWindows)

    def __post_init__(self) -> None:
        self.data = MemoryObjects("data", self.clock)
        self.artifacts = MemoryObjects("artifacts", self.clock)
        self.parameters = MemoryParameters({RELEASE: "none"}, self.clock)
        self.data.put("dataset.json", json.dumps(DATASET.to_dict()).encode())
        self.put("reference/data.parquet", columns())

    def put(self, key: str, window: Mapping[str, ColumnSample], content: bytes = b"rows") -> None:
        """Uploads a file whose window reads as given."""
        self.data.put(key, content)
        self.windows.samples[key] = window

    def crown(self, train_prefix: str = "reference/") -> None:
        """Publishes a release whose champion was trained on a window."""
        made = release_of(b=None)
        champion = replace(made.variants[Variant.A], train_prefix=train_prefix)
        release = replace(made, variants={Variant.A: champion})
        self.artifacts.put(release_key(release.digest), release.to_json())
        self.parameters.put(RELEASE, release_key(release.digest))

    def check(
        self, launch_rule: LaunchRule | None = None, classifier: ClassifierSettings | None = None
    ) -> CheckDrift:
        """Wires the use case."""
        return CheckDrift(
            self.data,
            self.artifacts,
            self.windows,
            self.runs,
            self.parameters,
            self.launcher,
            self.observer,
            RELEASE,
            self.settings,
            TRAINING_LIMIT_S,
            self.clock,
            launch_rule,
            classifier,
        )


DRIFTED = columns(shift=1.0)


def drifted_world() -> DriftWorld:
    """A world with a champion and one window that drifted."""
    world = DriftWorld()
    world.crown()
    world.put("current/june/data.parquet", DRIFTED)
    return world
