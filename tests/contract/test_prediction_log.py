from __future__ import annotations

import math
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contender.adapters.dynamo_log import DynamoPredictionLog, attribute, to_item
from contender.domain.records import Feedback, Outcome, PredictionRecord, ShadowAnswer
from contender.errors import Conflict, NotFound, StoreUnavailable
from contender.ports import PredictionLog
from tests.contract.conftest import MakeClient, create_table
from tests.support.memory_log import MemoryPredictionLog

RECORD = PredictionRecord(
    request_id="r1",
    at="2023-11-14T22:13:20.000Z",
    unit_id="user",
    assigned="B",
    served="A",
    model_version="1",
    release="abc",
    split=0.3,
    split_version=4,
    probability=0.3,
    features={"size": 1.5, "colour": "red", "age": None},
    prediction=1,
    probabilities={"0": 0.1, "1": 0.9},
    latency_ms=0.25,
    expires_at=1_700_086_400,
    log_shard="abc#1",
    shadow=ShadowAnswer("B", "2", 0, {"0": 0.8, "1": 0.2}),
    shadow_ms=0.05,
)
AT = "2023-11-15T00:00:00.000Z"


@pytest.fixture
def log(backend: str, client: MakeClient, unique: str) -> PredictionLog:
    if backend == "fake":
        return MemoryPredictionLog()
    dynamodb = client("dynamodb")
    return DynamoPredictionLog(dynamodb, create_table(dynamodb, unique, "request_id"))


class TestOutcome:
    @pytest.mark.parametrize("outcome", [0, 1, "late", "", -3, 1.5, 1e-200, 3e38, 0.1 + 0.2])
    def test_the_same_outcome_again_changes_nothing(self, log: PredictionLog, outcome: Outcome) -> None:
        log.put(RECORD)
        log.set_outcome("r1", Feedback(outcome), AT)
        log.set_outcome("r1", Feedback(outcome), "2024-01-01T00:00:00.000Z")

    @pytest.mark.parametrize(("first", "second"), [(1, 0), ("a", "b"), (1.5, 1.25), (1, "1"), ("", "a")])
    def test_another_outcome_is_a_conflict(self, log: PredictionLog, first: Outcome, second: Outcome) -> None:
        log.put(RECORD)
        log.set_outcome("r1", Feedback(first), AT)
        with pytest.raises(Conflict):
            log.set_outcome("r1", Feedback(second), AT)
        log.set_outcome("r1", Feedback(first), AT)

    def test_equal_numbers_are_the_same_outcome(self, log: PredictionLog) -> None:
        log.put(RECORD)
        log.set_outcome("r1", Feedback(1), AT)
        log.set_outcome("r1", Feedback(1.0), AT)

    def test_an_unknown_prediction_is_not_found(self, log: PredictionLog) -> None:
        with pytest.raises(NotFound):
            log.set_outcome("r1", Feedback(1), AT)
        log.put(RECORD)
        log.set_outcome("r1", Feedback(1), AT)  # the attempt before left nothing behind

    def test_outcomes_of_different_predictions_do_not_meet(self, log: PredictionLog) -> None:
        log.put(RECORD)
        log.put(replace(RECORD, request_id="r2"))
        log.set_outcome("r1", Feedback(1), AT)
        log.set_outcome("r2", Feedback(0), AT)


class TestValue:
    def test_outcome_and_value_come_together_or_in_any_order(self, log: PredictionLog) -> None:
        for request_id, first, second in (
            ("r1", Feedback(1, 2.5), Feedback(1, 2.5)),
            ("r2", Feedback(1), Feedback(value=2.5)),
            ("r3", Feedback(value=2.5), Feedback(1)),
            ("r4", Feedback(1), Feedback(1, 2.5)),
        ):
            log.put(replace(RECORD, request_id=request_id))
            log.set_outcome(request_id, first, AT)
            log.set_outcome(request_id, second, AT)
            log.set_outcome(request_id, Feedback(1, 2.5), AT)
            for other in (Feedback(0), Feedback(value=2.0), Feedback(0, 2.5), Feedback(1, 2.0)):
                with pytest.raises(Conflict):
                    log.set_outcome(request_id, other, AT)

    def test_a_conflict_in_one_leaves_the_other_as_it_was(self, log: PredictionLog) -> None:
        log.put(RECORD)
        log.set_outcome("r1", Feedback(1), AT)
        with pytest.raises(Conflict):
            log.set_outcome("r1", Feedback(0, 2.5), AT)
        log.set_outcome("r1", Feedback(1, 3.0), AT)


@pytest.mark.parametrize("backend", ["moto"], indirect=True)
class TestDynamo:
    def item(self, client: MakeClient, table: str, request_id: str = "r1") -> dict[str, Any]:
        answer = client("dynamodb").get_item(TableName=table, Key={"request_id": {"S": request_id}})
        return dict(answer["Item"])

    def test_a_record_is_stored_field_by_field(
        self, log: PredictionLog, client: MakeClient, unique: str
    ) -> None:
        log.put(RECORD)
        stored = self.item(client, unique)
        assert set(stored) == {*asdict(RECORD), "logged_at"}
        assert stored["logged_at"] == stored["at"]
        assert stored["split"] == {"N": "0.3"}
        assert stored["features"] == {
            "M": {"size": {"N": "1.5"}, "colour": {"S": "red"}, "age": {"NULL": True}}
        }
        log.set_outcome("r1", Feedback(1), AT)
        stored = self.item(client, unique)
        assert (stored["outcome"], stored["outcome_at"]) == ({"N": "1"}, {"S": AT})
        assert stored["shadow"]["M"]["probabilities"] == {"M": {"0": {"N": "0.8"}, "1": {"N": "0.2"}}}
        log.set_outcome("r1", Feedback(value=2.5), "2024-01-01T00:00:00.000Z")
        stored = self.item(client, unique)
        assert (stored["value"], stored["outcome_at"]) == ({"N": "2.5"}, {"S": AT})

    def test_a_regression_has_no_probabilities(
        self, log: PredictionLog, client: MakeClient, unique: str
    ) -> None:
        log.put(replace(RECORD, probabilities=None, prediction=12.5, shadow=None, shadow_ms=None))
        stored = self.item(client, unique)
        assert not {"probabilities", "shadow", "shadow_ms"} & set(stored)
        assert stored["prediction"] == {"N": "12.5"}

    @pytest.mark.parametrize(
        "number",
        [0.1, 1 / 3, 1e-45, 1.4e-45, 3.4028234663852886e38, -3e38, 0, -1, 2**63 - 1, 1e22, 0.1 + 0.2],
    )
    def test_every_number_that_a_model_can_meet_comes_back_the_same(
        self, log: PredictionLog, client: MakeClient, unique: str, number: float
    ) -> None:
        log.put(replace(RECORD, features={"size": number}))
        assert type(number)(self.item(client, unique)["features"]["M"]["size"]["N"]) == number

    @pytest.mark.parametrize("number", [1e-200, -1e-200, -0.0, 5e-324])
    def test_numbers_below_the_range_of_dynamodb_are_stored_as_zero(
        self, log: PredictionLog, client: MakeClient, unique: str, number: float
    ) -> None:
        log.put(replace(RECORD, features={"size": number}))
        assert self.item(client, unique)["features"]["M"]["size"] == {"N": "0"}

    @pytest.mark.parametrize("text", ["", "\0", "ü 🟢", "x" * 1_000])
    def test_every_text_comes_back_the_same(
        self, log: PredictionLog, client: MakeClient, unique: str, text: str
    ) -> None:
        log.put(replace(RECORD, features={"colour": text}, unit_id="u"))
        assert self.item(client, unique)["features"]["M"]["colour"] == {"S": text}

    def test_a_record_that_is_too_large_is_refused_by_the_service(self, log: PredictionLog) -> None:
        with pytest.raises(StoreUnavailable, match="dynamodb"):
            log.put(replace(RECORD, features={f"f{n}": "x" * 1_000 for n in range(500)}))

    def test_a_missing_table_is_a_log_that_is_not_there(self, client: MakeClient) -> None:
        log = DynamoPredictionLog(client("dynamodb"), "no-such-table")
        with pytest.raises(StoreUnavailable, match="ResourceNotFoundException"):
            log.put(RECORD)
        with pytest.raises(StoreUnavailable, match="ResourceNotFoundException"):
            log.set_outcome("r1", Feedback(1), AT)


def test_without_a_service_every_call_says_which(nowhere: MakeClient) -> None:
    log = DynamoPredictionLog(nowhere("dynamodb"), "table")
    for call in (lambda: log.put(RECORD), lambda: log.set_outcome("r1", Feedback(1), AT)):
        with pytest.raises(StoreUnavailable, match=r"^dynamodb: ") as error:
            call()
        assert error.value.service == "dynamodb"


@given(number=st.floats(allow_nan=False, allow_infinity=False, width=32) | st.integers(-(2**63), 2**63))
def test_numbers_are_written_within_what_dynamodb_stores(number: float) -> None:
    written = Decimal(attribute(number)["N"])
    assert len(written.as_tuple().digits) <= 38
    assert type(number)(written) == number


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_dynamodb_cannot_store_is_not_written_as_something_else(number: float) -> None:
    with pytest.raises(ValueError, match="holds no"):
        attribute(number)


def test_a_type_without_a_place_in_the_log_is_refused() -> None:
    with pytest.raises(TypeError, match="complex"):
        attribute(1j)


def test_truth_values_are_no_numbers() -> None:
    assert attribute(True) == {"BOOL": True}


def test_the_item_holds_every_field_of_the_record() -> None:
    assert set(to_item(RECORD)) == {*asdict(RECORD), "logged_at"}
