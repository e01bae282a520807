from __future__ import annotations

from dataclasses import replace

import pytest

from contender.adapters.dynamo_runs import DynamoRunRecords
from contender.domain.records import RunRecord, RunState
from contender.errors import Conflict, NotFound, StoreUnavailable
from contender.ports import RunRecords
from tests.contract.conftest import MakeClient, create_table
from tests.support.fakes import MemoryRunRecords

RECORD = RunRecord("key", "june", RunState.CHECKED, "drift", "size moved", "2023-11-14T22:13:20.000Z")
FULL = replace(
    RECORD,
    run_key="full",
    state=RunState.SUCCEEDED,
    launched_at="a",
    finished_at="b",
    attempt=3,
    task_arn="arn",
    report_uri="s3://a/b",
    model_version="7",
    detail="ü: kept",
)


@pytest.fixture
def runs(backend: str, client: MakeClient, unique: str) -> RunRecords:
    if backend == "fake":
        return MemoryRunRecords()
    dynamodb = client("dynamodb")
    return DynamoRunRecords(dynamodb, create_table(dynamodb, unique, "run_key"))


@pytest.mark.parametrize("record", [RECORD, FULL])
def test_what_is_created_is_read_back(runs: RunRecords, record: RunRecord) -> None:
    assert runs.get(record.run_key) is None
    assert runs.create(record)
    stored = runs.get(record.run_key)
    assert stored == record
    assert isinstance(stored.state, RunState)


def test_a_key_is_taken_once(runs: RunRecords) -> None:
    assert runs.create(RECORD)
    assert not runs.create(replace(RECORD, window="other"))
    assert runs.get("key") == RECORD


def test_a_record_moves_from_where_it_stands(runs: RunRecords) -> None:
    runs.create(RECORD)
    moved = runs.move("key", RECORD, state="launched", attempt=1, launched_at="now", detail=None)
    assert moved == replace(RECORD, state=RunState.LAUNCHED, attempt=1, launched_at="now")
    assert runs.get("key") == moved


def test_a_field_can_be_emptied(runs: RunRecords) -> None:
    runs.create(FULL)
    assert runs.move("full", FULL, task_arn=None, detail=None).task_arn is None
    assert runs.get("full") == replace(FULL, task_arn=None, detail=None)


def test_only_the_first_of_two_moves_from_one_place_is_made(runs: RunRecords) -> None:
    runs.create(RECORD)
    first = runs.move("key", RECORD, state="launched", attempt=1)
    with pytest.raises(Conflict):
        runs.move("key", RECORD, state="launched", attempt=1, detail="second")
    assert runs.get("key") == first


def test_the_attempt_is_part_of_where_it_stands(runs: RunRecords) -> None:
    runs.create(replace(RECORD, state=RunState.FAILED, attempt=2))
    with pytest.raises(Conflict):
        runs.move("key", replace(RECORD, state=RunState.FAILED, attempt=1), state="launched")


def test_a_record_moves_from_any_of_the_expected_states(runs: RunRecords) -> None:
    runs.create(replace(RECORD, state=RunState.REJECTED))
    assert runs.move("key", [RunState.LAUNCHED, RunState.REJECTED], task_arn="arn").task_arn == "arn"
    with pytest.raises(Conflict):
        runs.move("key", [RunState.LAUNCHED], task_arn="other")


@pytest.mark.parametrize("expected", [RECORD, [RunState.LAUNCHED]])
def test_what_is_not_there_does_not_move_and_is_not_created(
    runs: RunRecords, expected: RunRecord | list[RunState]
) -> None:
    with pytest.raises(NotFound):
        runs.move("key", expected, state="launched")
    assert runs.get("key") is None


@pytest.mark.parametrize("backend", ["moto"], indirect=True)
class TestDynamo:
    @pytest.mark.parametrize(
        "item", [{}, {"state": {"S": "dreaming"}}, {"state": {"S": "checked"}, "attempt": {"S": "x"}}]
    )
    def test_a_record_that_somebody_spoilt_is_told(
        self, runs: RunRecords, client: MakeClient, unique: str, item: dict[str, dict[str, str]]
    ) -> None:
        client("dynamodb").put_item(TableName=unique, Item={"run_key": {"S": "key"}, **item})
        with pytest.raises(StoreUnavailable, match="not readable"):
            runs.get("key")

    def test_a_field_of_a_later_version_is_ignored(
        self, runs: RunRecords, client: MakeClient, unique: str
    ) -> None:
        runs.create(RECORD)
        client("dynamodb").update_item(
            TableName=unique,
            Key={"run_key": {"S": "key"}},
            UpdateExpression="SET later = :v",
            ExpressionAttributeValues={":v": {"S": "x"}},
        )
        assert runs.get("key") == RECORD

    def test_a_missing_table_is_told(self, client: MakeClient) -> None:
        runs = DynamoRunRecords(client("dynamodb"), "no-such-table")
        for call in (
            lambda: runs.get("key"),
            lambda: runs.create(RECORD),
            lambda: runs.move("key", RECORD, detail="x"),
        ):
            with pytest.raises(StoreUnavailable, match="ResourceNotFoundException"):
                call()


def test_without_a_service_every_call_says_which(nowhere: MakeClient) -> None:
    runs = DynamoRunRecords(nowhere("dynamodb"), "table")
    for call in (
        lambda: runs.get("key"),
        lambda: runs.create(RECORD),
        lambda: runs.move("key", RECORD, detail="x"),
    ):
        with pytest.raises(StoreUnavailable, match=r"^dynamodb: "):
            call()


def test_the_latest_checks_come_first(runs: RunRecords) -> None:
    for day in (2, 10, 1):
        at = f"2024-01-{day:02}T00:00:00.000Z"
        runs.create(RunRecord(f"key{day}", "w", RunState.CHECKED, "drift", "why", at))
    assert [record.run_key for record in runs.recent(2)] == ["key10", "key2"]
    assert len(runs.recent(99)) == 3
