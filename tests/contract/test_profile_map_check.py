"""The map and the daily check, run on the same buckets: they agree on windows, types and columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from contender.adapters.kept_profiles import KeptProfiles
from contender.adapters.profile_map import ProfileMap
from contender.adapters.windows_duckdb import DuckDbWindows
from contender.domain.dataset import Dataset, Kind, Task
from contender.domain.drift import DriftReport, DriftSettings, judge_window
from contender.usecases.measured_against import measured_against, release_in_force
from tests.support.drift_world import DriftWorld
from tests.support.training import parquet
from tests.support.world import RELEASE

DRAW = np.random.default_rng(5)


class Loop:
    """A data bucket, the map's steps, and the check."""

    def __init__(self, path: Path, features: Mapping[str, Kind]) -> None:
        self.world = DriftWorld()
        self.dataset = Dataset(Task.CLASSIFICATION, "label", features)
        self.data, self.kept = self.world.data, KeptProfiles(self.world.artifacts)
        self.data.content.clear()
        self.data.put("dataset.json", json.dumps(self.dataset.to_dict()).encode())
        self.map = ProfileMap(self.data, self.kept, str(path), 2)
        self.windows = DuckDbWindows(self.data, self.kept, str(path))
        self.world.windows = self.windows  # type: ignore[assignment]

    def put(self, prefix: str, *columns: dict[str, Any]) -> None:
        """Uploads files."""
        for number, one in enumerate(columns):
            self.data.put(f"{prefix}{number}.parquet", parquet(pd.DataFrame(one)))

    def run_map(self) -> None:
        """Runs the steps as the function does."""
        release = release_in_force(self.world.parameters, RELEASE)
        prefix = measured_against(release, self.data, self.world.artifacts, self.world.observer)
        reference = self.map.reference(prefix)
        for info in self.data.list("current/w/"):
            self.map.profile(reference, info.key)
        self.map.merge(reference, "current/w/")

    def judge(self, windows: DuckDbWindows) -> DriftReport:
        """Judges the window."""
        objects = (self.data.list("reference/"), self.data.list("current/w/"))
        with windows.compare(*objects, self.dataset) as (before, after):
            return judge_window(before, after, self.dataset.features, DriftSettings())


def numbers(rows: int) -> dict[str, Any]:
    return {"x": DRAW.normal(size=rows)}


@pytest.mark.parametrize("learned_from", ["reference/", "current/x/"])
def test_the_check_copies_no_object_whatever_the_champion_learned_from(
    tmp_path: Path, learned_from: str
) -> None:
    loop = Loop(tmp_path, {"x": Kind.NUMERIC})
    for prefix in ("reference/", "current/x/", "current/w/"):
        loop.put(prefix, numbers(3_000), numbers(1_000))
    loop.world.crown(learned_from)
    loop.run_map()
    loop.data.reads.clear()

    result = loop.world.check()("w")

    assert (result.window, result.verdict) == ("w", "no_drift")
    assert loop.data.reads == ["dataset.json"]


def test_numbers_of_different_types_in_the_files_of_a_category_are_no_drift(tmp_path: Path) -> None:
    loop = Loop(tmp_path, {"k": Kind.CATEGORICAL})
    whole = DRAW.integers(0, 3, size=4_000)
    holed = np.where(np.arange(1_000) % 50 == 0, np.nan, whole[:1_000])  # pandas writes such as float64
    loop.put("reference/", {"k": whole})
    loop.put("current/w/", {"k": whole[:1_000]}, {"k": holed}, {"k": whole[:900].astype("float32")})
    loop.run_map()

    merged, at_once = loop.judge(loop.windows), loop.judge(DuckDbWindows(loop.data, None, str(tmp_path)))

    assert merged.to_dict() == at_once.to_dict()
    assert merged.verdict.value == "no_drift"
    assert merged.columns[0].evidence.current.missing == 20


@pytest.mark.parametrize(
    "lacking",
    [{}, {"y": [["a list"]] * 3_000, "k": [["a list"]] * 3_000}],
    ids=["absent", "unusable"],
)
def test_what_the_reference_lacks_cannot_be_judged_and_merges_nevertheless(
    tmp_path: Path, lacking: dict[str, Any]
) -> None:
    loop = Loop(tmp_path, {"x": Kind.NUMERIC, "y": Kind.NUMERIC, "k": Kind.CATEGORICAL})
    loop.put("reference/", {**numbers(3_000), **lacking})
    loop.put("current/w/", *({**numbers(900), "y": DRAW.normal(size=900), "k": "a"} for _ in range(3)))
    loop.run_map()

    report = loop.judge(loop.windows)

    verdicts = {column.name: column.verdict.value for column in report.columns}
    assert verdicts == {"x": "no_drift", "y": "insufficient_data", "k": "insufficient_data"}
    at_once = loop.judge(DuckDbWindows(loop.data, None, str(tmp_path)))
    assert {column.name: column.reason for column in report.columns if column.name != "x"} == {
        column.name: column.reason for column in at_once.columns if column.name != "x"
    }


def test_a_type_that_one_file_alone_has_is_told_alike(tmp_path: Path) -> None:
    loop = Loop(tmp_path, {"x": Kind.NUMERIC})
    loop.put("reference/", numbers(3_000))
    loop.put("current/w/", numbers(900), {"x": pd.to_datetime(["2024-01-01"] * 900)}, {"x": [None] * 900})
    loop.run_map()

    merged, at_once = loop.judge(loop.windows), loop.judge(DuckDbWindows(loop.data, None, str(tmp_path)))

    assert merged.columns[0].reason == at_once.columns[0].reason
    assert "timestamp" in merged.columns[0].reason
    assert merged.broken == ("x",)


def test_where_counts_leave_several_columns_open_each_object_is_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def coarse(values: Any) -> Any:
        return np.float32([-1, 0, 1])

    monkeypatch.setattr("contender.adapters.window_profiler.place_edges", coarse)
    names = [f"x{number}" for number in range(4)]
    loop = Loop(tmp_path, dict.fromkeys(names, Kind.NUMERIC))
    for prefix, files in (("reference/", 1), ("current/w/", 3)):
        loop.put(prefix, *({name: DRAW.normal(size=3_000) for name in names} for _ in range(files)))
    loop.run_map()
    loop.data.reads.clear()

    report = loop.judge(loop.windows)

    assert loop.data.reads == [info.key for at in ("reference/", "current/") for info in loop.data.list(at)]
    exact = loop.judge(DuckDbWindows(loop.data, None, str(tmp_path)))
    d = {column.name: column.evidence.findings[0].statistic for column in exact.columns}
    for column in report.columns:
        assert column.evidence.findings[0].bound == 0
        assert column.evidence.findings[0].statistic == pytest.approx(d[column.name], abs=1e-9)
    assert list(tmp_path.iterdir()) == []
