from __future__ import annotations

import json
import math
from dataclasses import asdict
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contender.domain.assignment import Variant, assign
from contender.domain.records import SPILLED, PredictionRecord, log_shard
from contender.domain.release import release_key
from contender.errors import BadInput, NoModel
from contender.ports import Prediction
from contender.usecases.predict import Answer, iso_utc
from tests.support.world import MODEL_A, MODEL_B, REGRESSION, RELEASE, ROW, SPLIT, World, release_of

SALT = release_of().salt
OF_A = next(f"u{n}" for n in range(100) if assign(SALT, f"u{n}", 0.5).variant is Variant.A)
OF_B = next(f"u{n}" for n in range(100) if assign(SALT, f"u{n}", 0.5).variant is Variant.B)


@pytest.fixture
def world() -> World:
    world = World()
    world.publish(release_of())
    return world


def predict(world: World, unit: str | None = None) -> Answer:
    return world.predict({"features": ROW, **({} if unit is None else {"unit_id": unit})})


class TestAnswer:
    def test_what_is_answered_is_what_is_logged(self, world: World) -> None:
        answer = predict(world, OF_B)
        assert world.log.records == {"request-1": answer.record}
        assert answer.stored
        assert answer.model_used == "challenger"
        assert answer.record == PredictionRecord(
            request_id="request-1",
            at="2023-11-14T22:13:20.000Z",
            unit_id=OF_B,
            assigned="B",
            served="B",
            model_version="2",
            release=release_of().digest,
            split=0.5,
            split_version=1,
            probability=0.5,
            features={"size": 1.5, "colour": "red", "age": 3.0},
            prediction=1,
            probabilities={"0": 0.25, "1": 0.75},
            latency_ms=answer.record.latency_ms,
            expires_at=1_700_086_400,
            log_shard=log_shard(release_of().digest, "request-1"),
        )
        assert answer.record.latency_ms >= 0

    def test_by_position_the_same_is_answered(self, world: World) -> None:
        by_name = predict(world, OF_A).record
        by_position = world.predict({"data": [1.5, "red", 3], "unit_id": OF_A}).record
        assert (by_name.features, by_name.prediction) == (by_position.features, by_position.prediction)

    def test_missing_values_reach_the_model_as_nan_and_the_log_as_null(self, world: World) -> None:
        record = world.predict({"data": [None, None, 3], "unit_id": OF_A}).record
        row = world.models[MODEL_A].rows[-1]
        assert math.isnan(float(row["size"]))
        assert row["colour"] == ""
        assert record.features == {"size": None, "colour": None, "age": 3.0}

    def test_the_share_served_by_b_follows_the_split(self, world: World) -> None:
        world.serving.set_split(0.2)
        served = [predict(world, f"user-{n}").record.served for n in range(2_000)]
        assert 340 <= served.count("B") <= 460  # 400 ± 3.4 standard errors, drawn once and for all

    def test_a_regression_has_no_probabilities(self) -> None:
        world = World()
        world.publish(release_of(dataset=REGRESSION, classes=None))
        world.models[MODEL_A].answer = world.models[MODEL_B].answer = Prediction(12.5, None)
        record = predict(world).record
        assert (record.prediction, record.probabilities) == (12.5, None)


class TestAssignment:
    def test_a_unit_stays_where_it_is_while_the_split_stands(self, world: World) -> None:
        assert {predict(world, OF_B).record.assigned for _ in range(5)} == {"B"}

    @given(unit=st.text(min_size=1, max_size=20))
    def test_as_the_split_rises_a_unit_moves_at_most_once_and_to_b(self, unit: str) -> None:
        world = World()
        world.publish(release_of())
        path = []
        for step in range(11):
            world.serving.set_split(step / 10)
            record = predict(world, unit).record
            path.append(record.assigned)
            assert record.split_version == step + 2
            assert record.probability == (step / 10 if record.assigned == "B" else 1 - step / 10)
        assert path == sorted(path)
        assert (path[0], path[-1]) == ("A", "B")

    @pytest.mark.parametrize("body", [{"data": [1, "x", 2]}, {"data": [1, "x", 2], "unit_id": None}])
    def test_without_a_unit_the_request_is_the_unit(self, world: World, body: dict[str, object]) -> None:
        record = world.predict(body).record
        assert record.unit_id == record.request_id == "request-1"
        assert record.assigned == assign(SALT, "request-1", 0.5).variant.value

    @pytest.mark.parametrize("split", ["0", "0.7", "1"])
    def test_without_a_challenger_all_are_a_for_certain_whatever_the_split(self, split: str) -> None:
        world = World()
        world.publish(release_of(b=None))
        world.parameters.put(SPLIT, split)
        for number in range(20):
            record = predict(world, f"user-{number}").record
            assert (record.assigned, record.served, record.probability) == ("A", "A", 1.0)
            assert record.split == float(split)


class TestFallback:
    def test_a_challenger_that_is_not_loaded_is_assigned_but_the_champion_serves(self, world: World) -> None:
        world.loader.broken.add(MODEL_B)
        answer = predict(world, OF_B)
        assert (answer.record.assigned, answer.record.served, answer.model_used) == ("B", "A", "champion")
        assert (answer.record.model_version, answer.record.probability) == ("1", 0.5)

    def test_a_champion_that_is_not_loaded_is_replaced_by_the_challenger(self, world: World) -> None:
        world.loader.broken.add(MODEL_A)
        answer = predict(world, OF_A)
        assert (answer.record.assigned, answer.record.served, answer.model_used) == ("A", "B", "challenger")

    def test_a_model_that_fails_on_a_row_is_replaced_for_this_row_and_reported(self, world: World) -> None:
        world.models[MODEL_B].broken = True
        assert predict(world, OF_B).record.served == "A"
        assert world.observer.problem_events == ["model_failed"]

    @pytest.mark.parametrize(
        "answer",
        [
            Prediction(1, {"0": math.nan, "1": math.nan}),
            Prediction(math.inf, None),
            Prediction(math.nan, None),
        ],
    )
    def test_a_model_that_answers_no_number_is_replaced_like_one_that_fails(
        self, world: World, answer: Prediction
    ) -> None:
        world.models[MODEL_B].answer = answer
        assert predict(world, OF_B).record.served == "A"
        assert world.observer.problem_events == ["model_failed"]

    def test_without_a_release_the_reason_is_told(self) -> None:
        with pytest.raises(NoModel, match="no release is published"):
            predict(World())

    def test_a_manifest_that_is_gone_is_told_from_none_that_was_ever_published(self) -> None:
        world = World()
        release = world.publish(release_of())
        del world.artifacts.content[release_key(release.digest)]
        with pytest.raises(NoModel, match=rf"cannot be read \({release_key(release.digest)}: .*NoSuchKey"):
            predict(world)
        world.publish(release)
        world.pass_time(world.refresh_s)
        assert predict(world).stored

    @pytest.mark.parametrize("trouble", ["no parameter", "no SSM"])
    def test_a_parameter_that_cannot_be_read_is_told(self, trouble: str) -> None:
        world = World()
        if trouble == "no SSM":
            world.parameters.down = True
        else:
            world.parameters.delete(RELEASE)
        with pytest.raises(NoModel, match=r"cannot be read .*(does not exist|is down)"):
            predict(world)

    def test_without_a_model_both_reasons_are_told(self, world: World) -> None:
        world.loader.broken.add(MODEL_B)
        world.models[MODEL_A].broken = True
        with pytest.raises(NoModel, match=r"A: the graph failed.*B: the model file cannot be loaded|B:.*A:"):
            predict(world, OF_A)
        assert world.log.records == {}

    def test_a_lone_champion_that_fails_tells_that_there_is_no_other(self) -> None:
        world = World()
        world.publish(release_of(b=None))
        world.models[MODEL_A].broken = True
        with pytest.raises(NoModel, match="B: not in the release"):
            predict(world)


class TestSpill:
    @pytest.mark.parametrize(
        "probabilities", [{"0": 0.1, "1": 0.9}, MappingProxyType({"0": 0.1, "1": 0.9}), None]
    )
    def test_what_the_log_refuses_is_answered_and_spilled_as_one_line_that_reads_back(
        self, world: World, probabilities: dict[str, float] | None
    ) -> None:
        world.log.down = True
        world.models[MODEL_A].answer = Prediction(1, probabilities)
        answer = world.predict({"data": [None, "ü\n\0", 3], "unit_id": OF_A})
        assert not answer.stored
        assert world.log.records == {}
        (line,) = world.spilled
        assert "\n" not in line
        assert PredictionRecord(**json.loads(line)[SPILLED]) == answer.record
        assert world.observer.problem_events == ["prediction_spilled"]

    def test_the_spilled_record_has_the_fields_of_the_stored_one(self, world: World) -> None:
        stored = asdict(predict(world, OF_A).record)
        world.log.down = True
        predict(world, OF_A)
        assert json.loads(world.spilled[0])[SPILLED].keys() == stored.keys()


class TestBadInput:
    @pytest.mark.parametrize(
        ("body", "fields"),
        [
            (None, ["body"]),
            ([], ["body"]),
            ("text", ["body"]),
            ({}, ["features"]),
            ({"features": ROW, "data": []}, ["features"]),
            ({"features": []}, ["features"]),
            ({"features": None}, ["features"]),
            ({"data": {}}, ["data"]),
            ({"data": "abc"}, ["data"]),
            ({"data": []}, ["data"]),
            ({"features": ROW, "unit_id": ""}, ["unit_id"]),
            ({"features": ROW, "unit_id": 5}, ["unit_id"]),
            ({"features": ROW, "unit_id": "x" * 257}, ["unit_id"]),
            ({"features": ROW, "user": "x"}, ["user"]),
            (
                {"features": {"size": "x"}, "unit_id": [], "user": 1},
                ["user", "unit_id", "features.size", "features.colour", "features.age"],
            ),
        ],
    )
    def test_each_wrong_field_is_named_and_nothing_is_logged(
        self, world: World, body: object, fields: list[str]
    ) -> None:
        with pytest.raises(BadInput) as error:
            world.predict(body)
        assert [problem.field for problem in error.value.problems] == fields
        assert world.log.records == {}
        assert world.spilled == []

    def test_the_longest_unit_is_taken(self, world: World) -> None:
        assert predict(world, "x" * 256).record.unit_id == "x" * 256


@pytest.mark.parametrize(
    ("epoch", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000.1239, "2023-11-14T22:13:20.123Z"),
        (1.9996, "1970-01-01T00:00:01.999Z"),
    ],
)
def test_times_are_utc_with_milliseconds(epoch: float, text: str) -> None:
    assert iso_utc(epoch) == text
