"""What an evaluation reads of the log: by the template's own indexes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from contender.adapters.dynamo_log import DynamoPredictionLog
from contender.adapters.dynamo_log_reader import DynamoLogReader
from contender.domain.records import Feedback, PredictionRecord, ShadowAnswer, log_shard, log_shards
from contender.errors import StoreUnavailable
from contender.experiment_ports import ExperimentLog
from contender.ports import PredictionLog
from tests.contract.conftest import MakeClient, create_log_table
from tests.support.evaluation import MemoryExperimentLog
from tests.support.fakes import MemoryPredictionLog

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
    table = create_log_table(dynamodb, unique)
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
