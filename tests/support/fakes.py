"""Implementations of the ports in memory, each as strict as the contract; ``down`` makes one refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from hashlib import md5
from pathlib import Path

import numpy as np

from contender.domain.dataset import Dataset, FeatureValue
from contender.domain.drift import ColumnSample, SampledRows
from contender.domain.records import (
    RunRecord,
    RunState,
    TaskEnd,
    TrainingJob,
)
from contender.domain.release import ModelRef
from contender.errors import BadInput, Conflict, ModelUnusable, NotFound, StoreUnavailable
from contender.ports import Model, ObjectInfo, Parameter, Prediction


@dataclass
class FakeClock:
    """A clock that moves only when told."""

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        """Tells the time."""
        return self.now


@dataclass
class _Service:
    service: str
    down: bool = False

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable(self.service, "is down in this test")


class MemoryObjects(_Service):
    """An :class:`contender.ports.ObjectStore` in a dict."""

    def __init__(self, bucket: str = "bucket", clock: Callable[[], float] | None = None) -> None:
        super().__init__("s3")
        self.content: dict[str, bytes] = {}
        self.types: dict[str, str] = {}
        self.reads: list[str] = []
        self._modified: dict[str, float] = {}
        self._bucket = bucket
        self._clock = clock or FakeClock()

    def uri(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"

    def get(self, key: str) -> bytes:
        self._check()
        self.reads.append(key)
        if key not in self.content:
            raise NotFound(f"get {self.uri(key)}: NoSuchKey")
        return self.content[key]

    def put(self, key: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        self._check()
        self.content[key], self.types[key] = content, content_type
        self._modified[key] = self._clock()

    def exists(self, key: str) -> bool:
        self._check()
        return key in self.content

    def list(self, prefix: str) -> Sequence[ObjectInfo]:
        self._check()
        return [
            ObjectInfo(
                key, md5(content, usedforsecurity=False).hexdigest(), len(content), self._modified[key]
            )
            for key, content in sorted(self.content.items())
            if key.startswith(prefix)
        ]

    def download(self, key: str, path: str) -> None:
        Path(path).write_bytes(self.get(key))


class MemoryParameters(_Service):
    """A :class:`contender.ports.Parameters` in a dict; ``lagging`` answers once in place of the truth."""

    def __init__(
        self, values: Mapping[str, str] | None = None, clock: Callable[[], float] | None = None
    ) -> None:
        super().__init__("ssm")
        self.stored: dict[str, Parameter] = {}
        self._history: dict[str, list[Parameter]] = {}
        self.reads = 0
        self.lagging: Mapping[str, Parameter] | None = None
        self._clock = clock or FakeClock()
        for name, value in (values or {}).items():
            self.put(name, value)

    def get(self, names: Sequence[str]) -> Mapping[str, Parameter]:
        self.reads += 1
        self._check()
        if self.lagging is not None:
            answer, self.lagging = self.lagging, None
            return answer
        return {name: self.stored[name] for name in names if name in self.stored}

    def put(self, name: str, value: str) -> int:
        self._check()
        version = self.stored[name].version + 1 if name in self.stored else 1
        self.stored[name] = Parameter(value, version, self._clock())
        self._history.setdefault(name, []).insert(0, self.stored[name])
        return version

    def history(self, name: str) -> Sequence[Parameter]:
        self._check()
        if name not in self.stored:
            raise NotFound(f"history of {name}: ParameterNotFound")
        return list(self._history[name])

    def delete(self, name: str) -> None:
        """Forgets a parameter and its version."""
        del self.stored[name]
        del self._history[name]


class MemoryRunRecords(_Service):
    """A :class:`contender.ports.RunRecords` in a dict."""

    def __init__(self) -> None:
        super().__init__("dynamodb")
        self.records: dict[str, RunRecord] = {}

    def get(self, run_key: str) -> RunRecord | None:
        self._check()
        return self.records.get(run_key)

    def create(self, record: RunRecord) -> bool:
        self._check()
        return self.records.setdefault(record.run_key, record) is record

    def recent(self, limit: int) -> Sequence[RunRecord]:
        self._check()
        return sorted(self.records.values(), key=lambda record: record.checked_at, reverse=True)[:limit]

    def move(self, run_key: str, expected: RunRecord | Sequence[RunState], **changes: object) -> RunRecord:
        self._check()
        unknown = set(changes) - {entry.name for entry in fields(RunRecord)}
        assert not unknown, f"a run record has no {unknown}"
        stored = self.records.get(run_key)
        if stored is None:
            raise NotFound(f"there is no run {run_key}")
        if isinstance(expected, RunRecord):
            stands = (stored.state, stored.attempt) == (expected.state, expected.attempt)
        else:
            stands = stored.state in expected
        if not stands:
            raise Conflict(f"run {run_key} does not stand as expected")
        moved = replace(stored, **changes)  # type: ignore[arg-type]
        moved = replace(moved, state=RunState(moved.state))
        self.records[run_key] = moved
        return moved


class FakeLauncher(_Service):
    """A :class:`contender.ports.Launcher` that starts one task per token."""

    def __init__(self) -> None:
        super().__init__("ecs")
        self.tasks: dict[str, tuple[TrainingJob, str]] = {}
        self.calls: list[str] = []
        self.ends: dict[str, TaskEnd] = {}

    def launch(self, job: TrainingJob, token: str) -> str:
        assert 0 < len(token) <= 64, "ECS takes tokens of up to 64 characters"
        self.calls.append(token)
        self._check()
        _, arn = self.tasks.setdefault(token, (job, f"arn:task/{len(self.tasks) + 1}"))
        return arn

    def ended(self, task_arn: str) -> TaskEnd | None:
        self._check()
        if task_arn not in {arn for _, arn in self.tasks.values()}:
            raise NotFound(f"ECS does not know the task {task_arn}")
        return self.ends.get(task_arn)

    def stop(self, task_arn: str, reason: str) -> None:
        self._check()
        self.ends[task_arn] = TaskEnd(reason, 143)


@dataclass
class RecordingObserver:
    """A :class:`contender.ports.Observer` that remembers."""

    notes: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)

    def note(self, event: str, **fields: object) -> None:
        self.notes.append((event, fields))

    def problem(self, event: str, detail: str) -> None:
        self.problems.append((event, detail))

    @property
    def problem_events(self) -> list[str]:
        """The events of the problems."""
        return [event for event, _ in self.problems]


@dataclass
class MemoryWindows:
    """Windows by the key of their first object; unknown ones cannot be read."""

    samples: dict[str, Mapping[str, ColumnSample]] = field(default_factory=dict)
    opened: list[list[str]] = field(default_factory=list)
    rows: dict[str, SampledRows] = field(default_factory=dict)

    @contextmanager
    def compare(
        self, reference: Sequence[ObjectInfo], current: Sequence[ObjectInfo], dataset: Dataset
    ) -> Iterator[tuple[Mapping[str, ColumnSample], Mapping[str, ColumnSample]]]:
        for objects in (reference, current):
            self.opened.append([info.key for info in objects])
            if objects[0].key not in self.samples:
                raise BadInput.of(objects[0].key, "cannot be read", "replace the file")
        yield self.samples[reference[0].key], self.samples[current[0].key]

    def sample(self, objects: Sequence[ObjectInfo], dataset: Dataset, rows: int, seed: int) -> SampledRows:
        return self.rows[objects[0].key].at_most(rows, np.random.default_rng(seed))


@dataclass
class FakeModel:
    """A :class:`contender.ports.Model` that always answers the same."""

    answer: Prediction
    broken: bool = False
    rows: list[Mapping[str, FeatureValue]] = field(default_factory=list)

    def predict_one(self, row: Mapping[str, FeatureValue]) -> Prediction:
        if self.broken:
            raise ModelUnusable("the graph failed")
        self.rows.append(row)
        return self.answer


@dataclass
class FakeLoader:
    """A :class:`contender.ports.ModelLoader`; the file's content names the model to give."""

    models: Mapping[bytes, Model]
    broken: set[bytes] = field(default_factory=set)
    loaded: list[bytes] = field(default_factory=list)

    def __call__(self, content: bytes, reference: ModelRef) -> Model:
        self.loaded.append(content)
        if content in self.broken:
            raise ModelUnusable("the model file cannot be loaded")
        return self.models[content]


def launched(state: RunState = RunState.LAUNCHED) -> MemoryRunRecords:
    """Run records with one of them, under ``key``."""
    runs = MemoryRunRecords()
    runs.create(RunRecord("key", "w", state, "drift", "drifted", "2024-01-01T00:00:00.000Z", attempt=1))
    return runs
