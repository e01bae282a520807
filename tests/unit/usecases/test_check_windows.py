from __future__ import annotations

import pytest

from contender.errors import BadInput
from contender.usecases.launch_training import Action
from tests.support.drift_world import DRIFTED, DriftWorld, columns, drifted_world


@pytest.fixture
def world() -> DriftWorld:
    return drifted_world()


class TestWhichWindow:
    def test_a_window_is_checked_by_name(self, world: DriftWorld) -> None:
        world.clock.now += 60
        world.put("current/july/data.parquet", columns())
        assert world.check()("june").window == "june"

    def test_the_window_that_changed_last_is_checked_by_default(self, world: DriftWorld) -> None:
        world.clock.now += 60
        world.put("current/april/part-1.parquet", DRIFTED)
        world.put("current/april/deep/part-2.parquet", DRIFTED)
        assert world.check()().window == "april"
        files = ["current/april/deep/part-2.parquet", "current/april/part-1.parquet"]
        assert world.windows.opened[-1] == files

    def test_of_windows_that_changed_together_the_last_by_name_is_checked(self, world: DriftWorld) -> None:
        world.put("current/zulu/data.parquet", DRIFTED)
        assert world.check()().window == "zulu"

    @pytest.mark.parametrize("window", ["july", "jun", "june/data.parquet", "..", ""])
    def test_an_unknown_window_is_refused(self, world: DriftWorld, window: str) -> None:
        with pytest.raises(BadInput, match="holds no data"):
            world.check()(window)

    def test_without_windows_there_is_nothing_to_check(self, world: DriftWorld) -> None:
        del world.data.content["current/june/data.parquet"]
        result = world.check()()
        assert (result.verdict, result.action, result.run_key) == ("no_window", Action.NOTHING, "")
        assert "s3://data/current/" in result.reason
        assert world.runs.records == {}


class TestBadData:
    @pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"\x93\x00"])
    def test_a_declaration_that_is_no_json_is_named(self, world: DriftWorld, content: bytes) -> None:
        world.data.put("dataset.json", content)
        with pytest.raises(BadInput, match=r"s3://data/dataset.json: is not JSON"):
            world.check()()

    def test_a_declaration_that_is_wrong_names_its_fields(self, world: DriftWorld) -> None:
        world.data.put("dataset.json", b'{"task": "guessing"}')
        with pytest.raises(BadInput) as error:
            world.check()()
        assert [problem.field for problem in error.value.problems] == ["task", "target", "features"]

    def test_a_missing_declaration_is_named(self, world: DriftWorld) -> None:
        del world.data.content["dataset.json"]
        with pytest.raises(BadInput, match=r"s3://data/dataset.json: does not exist; upload"):
            world.check()()

    @pytest.mark.parametrize("left", [[], ["reference/"], ["reference/empty.csv"]])
    def test_an_empty_reference_is_named(self, world: DriftWorld, left: list[str]) -> None:
        del world.data.content["reference/data.parquet"]
        for key in left:
            world.data.put(key, b"")
        with pytest.raises(BadInput, match=r"s3://data/reference/: holds no data"):
            world.check()()
