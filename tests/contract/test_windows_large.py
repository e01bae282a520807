"""Windows that are counted instead of kept, with limits low enough for small files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contender.adapters.duckdb_files import WindowFiles
from contender.adapters.kept_profiles import KeptProfiles
from contender.adapters.window_profiler import profile_window
from contender.adapters.windows_duckdb import Columns, DuckDbWindows
from contender.domain.dataset import Dataset, Kind, Task
from contender.domain.drift import (
    DriftReport,
    DriftSettings,
    ProfiledSample,
    Verdict,
    judge_window,
    merge_profiles,
)
from contender.domain.drift.buckets import place_edges
from contender.domain.drift.categories import FURTHER
from contender.errors import BadInput
from contender.ports import ObjectInfo
from tests.support.fakes import MemoryObjects

DATASET = Dataset(
    Task.CLASSIFICATION, "label", {"size": Kind.NUMERIC, "rare": Kind.NUMERIC, "colour": Kind.CATEGORICAL}
)
ROWS = 3_000
PYTHONPATH = str(Path(__file__).parents[2] / "layers/core")


@pytest.fixture(autouse=True)
def _low_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contender.adapters.windows_duckdb.PROFILE_ROWS", 1_000)
    monkeypatch.setattr("contender.adapters.duckdb_files.CHUNK_ROWS", 700)
    monkeypatch.setattr("contender.adapters.window_profiler.CHUNK_ROWS", 700)


def frame(seed: int, rows: int = ROWS, moved: float = 0.0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    rare = np.where(generator.random(rows) < 0.3, np.nan, np.round(generator.normal(size=rows), 1))
    colour = generator.choice(["red", "green", "blue"], size=rows)
    return pd.DataFrame({"size": generator.normal(moved, size=rows), "rare": rare, "colour": colour})


class World:
    """A data and an artifact bucket, and a reader that keeps profiles."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data, self.artifacts = MemoryObjects("data"), MemoryObjects("artifacts")
        self.windows = DuckDbWindows(self.data, KeptProfiles(self.artifacts), str(path))

    def put(self, key: str, data: pd.DataFrame) -> None:
        """Uploads a frame as Parquet or CSV."""
        file = self.path / "frame"
        if key.endswith(".csv"):
            data.to_csv(file, index=False)
        else:
            data.to_parquet(file, index=False)
        self.data.put(key, file.read_bytes())
        file.unlink()

    def list(self, prefix: str) -> Sequence[ObjectInfo]:
        """Lists the objects of a window."""
        return self.data.list(prefix)

    @contextmanager
    def compared(self) -> Iterator[tuple[Columns, Columns]]:
        """Opens both windows."""
        with self.windows.compare(self.list("reference/"), self.list("current/"), DATASET) as pair:
            yield pair

    def judge(self) -> DriftReport:
        """Judges the window."""
        with self.compared() as (before, after):
            return judge_window(before, after, DATASET.features, DriftSettings())

    def judge_in_full(self) -> DriftReport:
        """Judges it by all values."""
        with (
            self.windows.open(self.list("reference/"), DATASET) as before,
            self.windows.open(self.list("current/"), DATASET) as after,
        ):
            return judge_window(before, after, DATASET.features, DriftSettings())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize("moved", [0.0, 0.2, 1.0])
def test_a_large_window_gets_the_report_that_all_of_its_values_give(world: World, moved: float) -> None:
    world.put("reference/a.parquet", frame(1))
    world.put("reference/b.csv", frame(2))
    world.put("current/w/a.parquet", frame(3, moved=moved))

    counted, exact = world.judge(), world.judge_in_full()

    assert (counted.verdict, counted.drifted) == (exact.verdict, exact.drifted)
    assert (counted.reference_rows, counted.current_rows) == (2 * ROWS, ROWS)
    for mine, its in zip(counted.columns, exact.columns, strict=True):
        assert (mine.name, mine.evidence.reference, mine.evidence.current) == (
            its.name,
            its.evidence.reference,
            its.evidence.current,
        )
        for a, b in zip(mine.evidence.findings, its.evidence.findings, strict=True):
            assert a.statistic - 1e-9 <= b.statistic <= a.statistic + a.bound + 1e-9


def test_small_windows_are_read_in_full(world: World) -> None:
    world.put("reference/a.parquet", frame(1, 900))
    world.put("current/w/a.parquet", frame(2, 900))

    with world.compared() as (before, after):
        assert not isinstance(before["size"], ProfiledSample)
        assert not isinstance(after["size"], ProfiledSample)
    assert world.artifacts.content == {}


def test_a_small_reference_is_counted_for_a_large_window(world: World) -> None:
    world.put("reference/a.parquet", frame(1, 900))
    world.put("current/w/a.parquet", frame(2))

    with world.compared() as (before, after):
        assert isinstance(before["size"], ProfiledSample)
        assert isinstance(after["size"], ProfiledSample)


def test_the_profile_of_a_large_reference_is_kept_and_the_reference_not_read_again(world: World) -> None:
    world.put("reference/a.parquet", frame(1))
    world.put("current/w/a.parquet", frame(2, 50))
    first = world.judge()
    (key,) = world.artifacts.content
    world.data.reads.clear()

    second = world.judge()

    assert key.startswith("profiles/")
    assert world.data.reads == ["current/w/a.parquet"]
    assert second.to_dict() == first.to_dict()


def test_a_changed_reference_gets_a_profile_of_its_own(world: World) -> None:
    world.put("current/w/a.parquet", frame(2))
    for seed in (1, 3):
        world.put("reference/a.parquet", frame(seed))
        world.judge()

    assert len(world.artifacts.content) == 2


def test_where_counts_leave_the_verdict_open_values_are_read_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    coarse = partial(place_edges, buckets=16)
    monkeypatch.setattr("contender.adapters.window_profiler.place_edges", coarse)
    world.put("reference/a.parquet", frame(1))
    world.put("current/w/a.parquet", frame(2, moved=0.5))
    exact, counted = (
        next(column for column in report.columns if column.name == "size").evidence.findings[0]
        for report in (world.judge_in_full(), world.judge())  # the second keeps the profile of the reference
    )
    world.data.reads.clear()
    effect = counted.statistic + counted.bound / 2

    with world.compared() as (before, after):
        report = judge_window(before, after, DATASET.features, DriftSettings(ks_effect=effect))

    assert counted.bound > 0
    assert ("size" in report.drifted) is (exact.statistic >= effect)
    assert "reference/a.parquet" in world.data.reads


def test_objects_profiled_one_by_one_merge_into_the_profile_of_the_window(
    world: World, tmp_path: Path
) -> None:
    parts = [frame(seed, 800 + seed) for seed in range(4)]
    parts[1]["rare"] = np.nan
    parts[2].loc[:400, "colour"] = [f"new {i}" for i in range(401)]
    world.put("reference/a.parquet", frame(9))
    for number, part in enumerate(parts):
        world.put(f"current/w/{number}.parquet", part)

    def profile(objects, reference):  # type: ignore[no-untyped-def]
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        files = WindowFiles(world.data, objects, folder, 2)
        try:
            return profile_window(files, DATASET, reference, 2)
        finally:
            files.close()

    reference = profile(world.list("reference/"), None)
    whole = profile(world.list("current/"), reference)
    single = [profile([info], reference) for info in world.list("current/")]
    known = {"colour": list(reference.columns["colour"].counts)}
    for order in (single, single[::-1]):
        merged = merge_profiles(order, known).to_dict()
        expected = whole.to_dict()
        for column in ("size", "rare"):  # moments are rounded differently
            for moment in ("mean", "squares"):
                assert merged["columns"][column].pop(moment) == pytest.approx(
                    expected["columns"][column].pop(moment)
                )
        assert merged == expected


def test_new_categories_beyond_the_limit_are_counted_together(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contender.adapters.column_queries.MAX_CATEGORIES", 5)
    current = frame(2)
    current.loc[:99, "colour"] = [f"new {i}" for i in range(100)]
    world.put("reference/a.parquet", frame(1))
    world.put("current/w/a.parquet", current)

    with world.compared() as (before, after):
        counts = after["colour"].counts
        assert set(counts) >= {"red", "green", "blue", FURTHER}
        assert len(counts) == 9
        assert counts[FURTHER] == 95
        assert judge_window(before, after, DATASET.features, DriftSettings()).verdict is Verdict.NO_DRIFT


@pytest.mark.parametrize("side", ["reference", "current/w"])
def test_a_large_window_that_cannot_be_read_is_named(world: World, side: str) -> None:
    world.put("reference/a.parquet", frame(1))
    world.put("current/w/a.parquet", frame(2))
    world.data.put(f"{side}/broken.parquet", b"PAR1")

    with pytest.raises(BadInput, match=f"{side}/broken.parquet: cannot be read"):
        world.judge()
    assert list(world.path.iterdir()) == []


def test_a_changed_type_is_a_verdict_in_a_large_window_too(world: World) -> None:
    world.put("reference/a.parquet", frame(1))
    world.put("current/w/a.parquet", frame(2).assign(size=[[1.0]] * ROWS))

    report = world.judge()

    assert report.broken == ("size",)
    assert report.verdict is Verdict.DRIFT


TWO_WINDOWS_AT_ONCE = """
import sys, threading
from contender.adapters.duckdb_files import WindowFiles
from contender.ports import ObjectInfo
class Store:
    def uri(self, key): return key
    def download(self, key, path):
        import shutil; shutil.copy(key, path)
source, *folders = sys.argv[1:]
started = threading.Barrier(len(folders))
def read(folder):
    started.wait()
    from pathlib import Path
    files = WindowFiles(Store(), [ObjectInfo(source, "", 1, 0.0)], Path(folder), 2)
    assert files.numbers("size").values.size == 50
    files.close()
threads = [threading.Thread(target=read, args=[folder], daemon=True) for folder in folders]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_the_first_windows_of_a_process_can_be_read_at_once(tmp_path: Path) -> None:
    frame(1, 50).to_parquet(tmp_path / "a.parquet", index=False)
    folders = [tmp_path / str(number) for number in range(4)]
    for folder in folders:
        folder.mkdir()
    command = [sys.executable, "-c", TWO_WINDOWS_AT_ONCE, str(tmp_path / "a.parquet"), *map(str, folders)]
    for _ in range(3):  # DuckDB left to itself hangs in some of the starts
        subprocess.run(command, env={**os.environ, "PYTHONPATH": PYTHONPATH}, check=True, timeout=60)
