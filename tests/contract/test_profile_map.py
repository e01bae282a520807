"""A window profiled object by object is judged as if it had been read at once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contender.adapters.kept_profiles import KeptProfiles
from contender.adapters.profile_map import ProfileMap
from contender.adapters.windows_duckdb import DuckDbWindows
from contender.domain.dataset import Dataset, Kind, Task
from contender.domain.drift import DriftReport, DriftSettings, judge_window
from contender.errors import BadInput
from tests.support.fakes import MemoryObjects

DATASET = Dataset(Task.CLASSIFICATION, "label", {"size": Kind.NUMERIC, "colour": Kind.CATEGORICAL})


class World:
    """A reference, a window of five objects, and the steps that profile it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data, self.artifacts = MemoryObjects("data"), MemoryObjects("artifacts")
        self.kept = KeptProfiles(self.artifacts)
        self.map = ProfileMap(self.data, self.kept, str(path), 2)
        self.data.put("dataset.json", json.dumps(DATASET.to_dict()).encode())
        self.put("reference/a.parquet", 0, 2_000)
        for number in range(1, 6):
            self.put(f"current/w/{number}.parquet", number, 300 + number)

    def put(self, key: str, seed: int, rows: int) -> None:
        """Uploads a file."""
        generator = np.random.default_rng(seed)
        frame = pd.DataFrame(
            {
                "size": generator.normal(0.4 * (seed > 0), size=rows),
                "colour": generator.choice(["red", "green"], size=rows),
            }
        )
        frame.to_parquet(self.path / "frame", index=False)
        self.data.put(key, (self.path / "frame").read_bytes())
        (self.path / "frame").unlink()

    def run(self) -> str:
        """Runs all steps, objects in an order of their own."""
        reference = self.map.reference("reference/")
        for info in reversed(self.data.list("current/w/")):
            self.map.profile(reference, info.key)
        return self.map.merge(reference, "current/w/")

    def judge(self, settings: DriftSettings, profiles: KeptProfiles | None) -> DriftReport:
        """Judges the window."""
        windows = DuckDbWindows(self.data, profiles, str(self.path))
        objects = (self.data.list("reference/"), self.data.list("current/w/"))
        with windows.compare(*objects, DATASET) as (before, after):
            return judge_window(before, after, DATASET.features, settings)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def plain(report: DriftReport) -> str:
    """The report but for the last digits of moments, which depend on the order of merging."""
    return json.dumps(json.loads(json.dumps(report.to_dict()), parse_float=lambda text: f"{float(text):.9g}"))


def test_the_check_finds_the_merged_profile_and_copies_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run()
    world.data.reads.clear()
    merged = world.judge(DriftSettings(), world.kept)

    monkeypatch.setattr("contender.adapters.windows_duckdb.PROFILE_ROWS", 1)
    assert world.data.reads == []
    assert plain(merged) == plain(world.judge(DriftSettings(), None))
    assert merged.drifted == ("size",)
    assert merged.current_rows == sum(300 + number for number in range(1, 6))


def test_where_the_profile_leaves_the_verdict_open_objects_are_read_one_by_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "contender.adapters.window_profiler.place_edges", lambda values: np.float32([-1, 0, 1])
    )
    world.run()
    finding = world.judge(DriftSettings(), world.kept).columns[0].evidence.findings[0]
    exact = world.judge(DriftSettings(), None).columns[0].evidence.findings[0]
    assert finding.bound > 0.1
    world.data.reads.clear()

    judged = world.judge(DriftSettings(ks_effect=finding.statistic + finding.bound / 2), world.kept)

    assert world.data.reads == [
        info.key for info in (*world.data.list("reference/"), *world.data.list("current/"))
    ]
    assert judged.columns[0].evidence.findings[0].statistic == pytest.approx(exact.statistic, abs=1e-9)
    assert list(world.path.iterdir()) == []


def test_steps_can_be_repeated(world: World) -> None:
    key = world.run()
    content = dict(world.artifacts.content)

    assert world.run() == key
    assert world.artifacts.content == content
    assert len(content) == 7  # the reference, five objects, the window


def test_an_object_that_changed_meanwhile_is_named(world: World) -> None:
    world.run()
    world.put("current/w/3.parquet", 9, 100)

    with pytest.raises(BadInput, match=r"3\.parquet came or changed meanwhile"):
        world.map.merge(world.map.reference("reference/"), "current/w/")


def test_what_is_not_there_is_named(world: World) -> None:
    reference = world.map.reference("reference/")

    for step in (
        lambda: world.map.reference("nothing/"),
        lambda: world.map.profile(reference, "current/w/9.parquet"),
        lambda: world.map.merge(reference, "current/v/"),
    ):
        with pytest.raises(BadInput, match="holds no data"):
            step()
    with pytest.raises(BadInput, match="run the step `reference` first"):
        world.map.profile("profiles/none.json", "current/w/1.parquet")


def test_objects_without_entity_tags_are_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [info._replace(etag="") for info in world.data.list("reference/")]
    monkeypatch.setattr(world.data, "list", lambda prefix: listed)

    with pytest.raises(BadInput, match="have no entity tags"):
        world.map.reference("reference/")
