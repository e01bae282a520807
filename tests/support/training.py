"""Windows made of scikit-learn's own data sets, and a registry in memory."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from sklearn import datasets

from contender.domain.dataset import Dataset, Kind, Task
from contender.domain.release import ModelRef
from contender.errors import NotFound
from trainer.data import TrainingData, prepare


def sklearn_data(name: str, columns: int | None = None) -> TrainingData:
    """``breast_cancer`` (two classes), ``wine`` (three) or ``diabetes`` (a number), with a category added."""
    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    frame = bunch.data.iloc[:, :columns].copy()
    kinds = dict.fromkeys(frame.columns, Kind.NUMERIC)
    first = frame.iloc[:, 0]
    frame["size class"] = pd.cut(first, 3, labels=["small", "middle", "large"]).astype(object)
    frame.loc[::17, "size class"] = None
    frame.iloc[::13, 0] = np.nan
    kinds["size class"] = Kind.CATEGORICAL
    frame["outcome"] = bunch.target
    task = Task.REGRESSION if name == "diabetes" else Task.CLASSIFICATION
    return prepare(frame, Dataset(task=task, target="outcome", features=kinds, name=name))


def collinear_data(rows: int = 400) -> TrainingData:
    """Two classes on columns that nearly repeat each other: what float32 cannot tell apart, float64 can."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(rows, 6))
    values[:, 3:] = 1000 * values[:, :3] + 3e-4 * values[:, 3:]
    frame = pd.DataFrame(values, columns=list("abcdef"))
    kinds = dict.fromkeys(frame.columns, Kind.NUMERIC)
    return prepare(
        frame.assign(outcome=np.arange(rows) % 2),
        Dataset(task=Task.CLASSIFICATION, target="outcome", features=kinds, name="collinear"),
    )


def raw_frame(data: TrainingData) -> pd.DataFrame:
    """The window as a user would hold it."""
    return data.features.assign(**{data.dataset.target: data.target})


def parquet(frame: pd.DataFrame) -> bytes:
    """A Parquet file."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


@dataclass
class MemoryRegistry:
    """A :class:`contender.ports.Registry` in memory."""

    versions: dict[str, tuple[ModelRef, bytes]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, reference: ModelRef, content: bytes) -> None:
        """Registers a version under its alias."""
        self.versions[reference.model_version] = (reference, content)
        self.aliases[reference.alias] = reference.model_version

    def by_alias(self, alias: str) -> ModelRef | None:
        version = self.aliases.get(alias)
        return None if version is None else replace(self.versions[version][0], alias=alias)

    def model_bytes(self, reference: ModelRef) -> bytes:
        if reference.model_version not in self.versions:
            raise NotFound(f"version {reference.model_version} is not there")
        return self.versions[reference.model_version][1]

    def set_alias(self, alias: str, model_version: str) -> None:
        self.aliases[alias] = model_version

    def remove_alias(self, alias: str) -> None:
        self.aliases.pop(alias, None)

    def tag(self, model_version: str, tags: Mapping[str, str]) -> None:
        if model_version not in self.versions:
            raise NotFound(f"version {model_version} is not there")
        self.tags.setdefault(model_version, {}).update(tags)

    def tagged(self, name: str, value: str) -> Sequence[str]:
        found = [version for version, tags in self.tags.items() if tags.get(name) == value]
        return sorted(found, key=int, reverse=True)
