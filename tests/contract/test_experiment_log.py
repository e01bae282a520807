"""What an evaluation reads of the log: by the template's own indexes."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from contender.adapters.dynamo_late_records import DynamoLateRecords
from contender.adapters.dynamo_log import DynamoPredictionLog
from contender.adapters.dynamo_log_reader import DynamoLogReader
from contender.domain.records import Feedback, PredictionRecord, ShadowAnswer, log_shard, log_shards
from contender.errors import BadInput, StoreUnavailable
from contender.experiment_ports import ExperimentLog
from contender.ports import LateRecords, PredictionLog
from infra.local.deploy import create_declared_table
from tests.contract.conftest import MakeClient
from tests.support.evaluation import MemoryExperimentLog
from tests.support.memory_log import MemoryPredictionLog

DIGEST = "abcdef0123456789"
SHARD = f"{DIGEST[:12]}#1"


def time_of(number: int) -> str:
    return f"2023-11-14T22:13:{number:02}.000Z"


def record(number: int, **changes: Any) -> PredictionRecord:
    plain = PredictionRecord(
        request_id=f"r{number:02}",
        at=time_of(number),
        unit_id="user",
        assigned="B",
        served="B",
        model_version="2",
        release=DIGEST,
        split=0.3,
        split_version=4,
        probability=0.3,
        features={"size": 1.5},
        prediction=1,
        probabilities={"0": 0.1, "1": 0.9},
        latency_ms=0.25,
        expires_at=1_700_086_400,
        log_shard=SHARD,
        shadow=ShadowAnswer("A", "1", 0, {"0": 0.6, "1": 0.4}),
    )
    return replace(plain, **changes)


Both = tuple[PredictionLog, ExperimentLog]


@pytest.fixture
def both(backend: str, client: MakeClient, unique: str) -> Both:
    if backend == "fake":
        memory = MemoryPredictionLog()
        return memory, MemoryExperimentLog(memory)
    dynamodb = client("dynamodb")
    table = create_declared_table(dynamodb, "PredictionLog", unique)
    return DynamoPredictionLog(dynamodb, table), DynamoLogReader(dynamodb, table)


def test_what_lies_between_two_times_is_read_in_order_and_the_first_is_left_out(both: Both) -> None:
    log, reader = both
    for number in (3, 1, 2, 4):
        log.put(record(number))
    part = reader.requests(SHARD, time_of(1), time_of(3), 100)
    assert [time for time, _ in part.rows] == [time_of(2), time_of(3)]
    assert (part.upto, part.whole, part.malformed) == (time_of(3), True, 0)
    assert reader.requests(f"{DIGEST[:12]}#2", "", time_of(9), 100).rows == []
    assert len(reader.requests(SHARD, "", time_of(9), 100).rows) == 4


def test_all_that_an_evaluation_needs_is_in_both_indexes(both: Both) -> None:
    log, reader = both
    log.put(record(1))
    log.set_outcome("r01", Feedback(1, 2.5), time_of(5))
    ((_, asked),) = reader.requests(SHARD, "", time_of(9), 9).rows
    ((when, told),) = reader.outcomes(SHARD, "", time_of(9), 9).rows
    assert when == time_of(5)
    assert (told.outcome, told.value) == (1.0, 2.5)
    assert told.shadow == asked.shadow
    assert told.shadow is not None
    assert told.shadow.probabilities == {"0": 0.6, "1": 0.4}
    left_out = {"outcome": None, "outcome_at": 0.0, "value": 0.0}
    assert told._replace(**left_out) == asked._replace(**left_out)
    assert (asked.assigned_b, asked.epoch, asked.probabilities) == (True, 4, {"0": 0.1, "1": 0.9})


def test_only_records_with_feedback_are_read_by_it_and_by_its_time(both: Both) -> None:
    log, reader = both
    for number in (1, 2, 3):
        log.put(record(number))
    log.set_outcome("r03", Feedback(0), time_of(6))
    log.set_outcome("r01", Feedback(value=1.0), time_of(7))
    log.set_outcome("r01", Feedback(1), time_of(8))  # the time of the first feedback stays
    assert [time for time, _ in reader.outcomes(SHARD, "", time_of(9), 9).rows] == [time_of(6), time_of(7)]
    assert reader.outcomes(SHARD, time_of(7), time_of(9), 9).rows == []


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_parts_put_together_are_the_whole(both: Both, limit: int) -> None:
    log, reader = both
    for number in range(1, 8):
        log.put(record(number))
    after, names = "", []
    for _ in range(20):
        part = reader.requests(SHARD, after, time_of(9), max(limit, 2))
        names += [time for time, _ in part.rows]
        after = part.upto
        if part.whole:
            break
    assert names == [time_of(number) for number in range(1, 8)]


def test_records_of_one_time_are_never_torn_apart(both: Both) -> None:
    log, reader = both
    for number, at in ((1, 1), (2, 2), (3, 2), (4, 3)):
        log.put(record(number, at=time_of(at)))
    part = reader.requests(SHARD, "", time_of(9), 2)
    assert ([time for time, _ in part.rows], part.upto, part.whole) == ([time_of(1)], time_of(1), False)
    part = reader.requests(SHARD, part.upto, time_of(9), 3)
    assert part.whole or part.upto == time_of(2)


def test_every_record_is_in_one_of_the_shards_that_are_read() -> None:
    found = {log_shard(DIGEST, f"r{number}") for number in range(500)}
    assert found == set(log_shards(DIGEST))


@pytest.mark.parametrize("backend", ["moto"], indirect=True)
def test_a_record_that_cannot_be_read_is_counted(both: Both, client: MakeClient, unique: str) -> None:
    log, reader = both
    log.put(record(1))
    log.put(record(2, assigned="C"))
    part = reader.requests(SHARD, "", time_of(9), 9)
    assert (len(part.rows), part.malformed) == (1, 1)


def test_without_a_service_it_is_named(nowhere: MakeClient) -> None:
    with pytest.raises(StoreUnavailable, match=r"^dynamodb: "):
        DynamoLogReader(nowhere("dynamodb"), "table").requests(SHARD, "", time_of(9), 9)


def plain(late: PredictionRecord) -> dict[str, Any]:
    """A record as the router spills it."""
    return dict(json.loads(json.dumps(asdict(late))))


def late_records(log: PredictionLog, reader: ExperimentLog) -> LateRecords:
    if isinstance(log, MemoryPredictionLog):
        return log
    assert isinstance(reader, DynamoLogReader)
    return DynamoLateRecords(reader._client, reader._table)


def test_a_late_record_is_met_by_who_has_read_past_its_time(both: Both) -> None:
    log, reader = both
    late = late_records(log, reader)
    log.put(record(1))
    assert late.add(plain(record(2)), time_of(30)) is True
    assert [time for time, _ in reader.requests(SHARD, "", time_of(29), 9).rows] == [time_of(1)]
    ((when, row),) = reader.requests(SHARD, time_of(29), time_of(40), 9).rows
    assert when == time_of(30)
    ((_, prompt),) = reader.requests(SHARD, "", time_of(29), 9).rows
    assert row._replace(at=0.0) == prompt._replace(at=0.0)
    assert row.at == prompt.at + 1
    log.set_outcome("r02", Feedback(1), time_of(50))
    ((when, told),) = reader.outcomes(SHARD, "", time_of(59), 9).rows
    assert (when, told.at, told.outcome) == (time_of(50), row.at, 1.0)


def test_a_late_record_never_takes_the_place_of_one_that_is_there(both: Both) -> None:
    log, reader = both
    log.put(record(1))
    log.set_outcome("r01", Feedback(0), time_of(5))
    assert late_records(log, reader).add(plain(record(1)), time_of(30)) is False
    assert reader.requests(SHARD, time_of(29), time_of(40), 9).rows == []
    assert len(reader.outcomes(SHARD, "", time_of(40), 9).rows) == 1


@pytest.mark.parametrize("missing", ["at", "release", "log_shard", "prediction"])
def test_what_is_no_record_is_not_logged_late(both: Both, missing: str) -> None:
    log, reader = both
    document = plain(record(1))
    del document[missing]
    with pytest.raises(BadInput, match="spilled record"):
        late_records(log, reader).add(document, time_of(30))


def test_a_regression_without_shadow_comes_back_too(both: Both) -> None:
    log, reader = both
    document = plain(record(1, prediction=2.5, probabilities=None, shadow=None))
    assert late_records(log, reader).add(document, time_of(30)) is True
    ((_, row),) = reader.requests(SHARD, "", time_of(40), 9).rows
    assert (row.prediction, row.probabilities, row.shadow) == (2.5, None, None)


def test_a_log_that_is_not_there_takes_nothing_late(client: MakeClient, backend: str) -> None:
    if backend == "fake":
        pytest.skip("there is always a fake")
    with pytest.raises(StoreUnavailable, match="dynamodb"):
        DynamoLateRecords(client("dynamodb"), "no-such-table").add(plain(record(1)), time_of(30))
