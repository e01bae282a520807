from __future__ import annotations

import math
import uuid

import pytest

from contender.domain.assignment import Variant
from contender.domain.records import RECOVERABLE_S
from contender.domain.release import Release
from contender.domain.request_id import NOISE_BYTES, new_request_id
from contender.errors import BadInput, Conflict, NoModel, NotFound, NotYet, StoreUnavailable
from tests.support.world import MODEL_B, REGRESSION, ROW, World, model_ref, release_of


def served(world: World) -> str:
    return world.predict({"features": ROW, "unit_id": "user"}).record.request_id


@pytest.fixture
def world() -> World:
    world = World()
    world.publish(release_of())
    return world


@pytest.fixture
def prices() -> World:
    world = World()
    world.publish(release_of(dataset=REGRESSION, classes=None))
    return world


def test_an_outcome_is_stored_with_its_time(world: World) -> None:
    request_id = served(world)
    world.feedback({"request_id": request_id, "outcome": 1})
    assert world.log.outcomes == {request_id: (1, "2023-11-14T22:13:20.000Z")}


def test_the_same_outcome_again_changes_nothing(world: World) -> None:
    request_id = served(world)
    world.feedback({"request_id": request_id, "outcome": 1})
    stored = dict(world.log.outcomes)
    world.pass_time(60)
    world.feedback({"request_id": request_id, "outcome": 1.0})
    assert world.log.outcomes == stored


def test_another_outcome_is_a_conflict(world: World) -> None:
    request_id = served(world)
    world.feedback({"request_id": request_id, "outcome": 1})
    with pytest.raises(Conflict):
        world.feedback({"request_id": request_id, "outcome": 0})
    assert world.log.outcomes[request_id][0] == 1


def test_an_unknown_prediction_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        world.feedback({"request_id": "nobody's", "outcome": 1})


@pytest.mark.parametrize("age", [0.0, 60.0, RECOVERABLE_S - 1])
def test_one_that_may_have_been_spilled_is_to_be_sent_again(world: World, age: float) -> None:
    request_id = new_request_id(world.clock.now - age, bytes(NOISE_BYTES))
    with pytest.raises(NotYet, match="send this again later"):
        world.feedback({"request_id": request_id, "outcome": 1})


def test_one_that_is_older_than_any_that_may_come_back_is_not_found(world: World) -> None:
    request_id = new_request_id(world.clock.now - RECOVERABLE_S - 1, bytes(NOISE_BYTES))
    with pytest.raises(NotFound):
        world.feedback({"request_id": request_id, "outcome": 1})


def test_a_log_that_is_down_is_told(world: World) -> None:
    request_id = served(world)
    world.log.down = True
    with pytest.raises(StoreUnavailable):
        world.feedback({"request_id": request_id, "outcome": 1})


def test_without_a_release_an_outcome_cannot_be_checked() -> None:
    with pytest.raises(NoModel, match="later"):
        World().feedback({"request_id": "x", "outcome": 1})


@pytest.mark.parametrize("outcome", [1, 1.0, True])
def test_every_way_to_write_an_integer_label_is_that_label(world: World, outcome: object) -> None:
    request_id = served(world)
    world.feedback({"request_id": request_id, "outcome": outcome})
    stored = world.log.outcomes[request_id][0]
    assert stored == 1
    assert type(stored) is int


@pytest.mark.parametrize("truth", [True, False])
def test_a_truth_value_is_no_label_where_there_are_more_than_two(truth: bool) -> None:
    world = World()
    world.publish(release_of(classes=(0, 1, 2)))
    with pytest.raises(BadInput, match=r"outcome: (True|False) is not a class"):
        world.feedback({"request_id": served(world), "outcome": truth})


def test_an_id_written_as_a_uuid_finds_its_prediction(world: World) -> None:
    request_id = new_request_id(world.clock.now, bytes(NOISE_BYTES))
    with pytest.raises(NotYet, match=f"no prediction {request_id} is logged"):
        world.feedback({"request_id": str(uuid.UUID(hex=request_id)).upper(), "outcome": 1})


def test_an_id_that_is_too_long_is_told_so(world: World) -> None:
    with pytest.raises(BadInput, match="request_id: is too long: 5,000 characters, at most 128"):
        world.feedback({"request_id": "x" * 5_000, "outcome": 1})


@pytest.mark.parametrize("outcome", ["1", "", 2, 1.5, "x" * 5_000, 10**30])
def test_what_is_no_label_is_refused_with_the_labels_named(world: World, outcome: object) -> None:
    with pytest.raises(BadInput, match=r"outcome: .*send one of \[0, 1\]") as error:
        world.feedback({"request_id": served(world), "outcome": outcome})
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(("outcome", "label"), [("1", "1"), ("no", "no")])
def test_a_text_label_is_a_text(outcome: str, label: str) -> None:
    world = World()
    world.publish(release_of(classes=("1", "no")))
    request_id = served(world)
    world.feedback({"request_id": request_id, "outcome": outcome})
    assert world.log.outcomes[request_id][0] == label
    with pytest.raises(BadInput, match="'1', 'no'"):
        world.feedback({"request_id": request_id, "outcome": 1})


def test_a_label_that_only_the_challenger_knows_is_an_outcome_too() -> None:
    world = World()
    release = release_of()
    wider = {**release.variants, Variant.B: model_ref(MODEL_B, Variant.B, "2", classes=(0, 1, 2))}
    world.publish(Release(release.dataset, wider))
    request_id = served(world)
    world.feedback({"request_id": request_id, "outcome": 2})
    assert world.log.outcomes[request_id][0] == 2


@pytest.mark.parametrize("outcome", [0, -1.5, 2**40, 3e38])
def test_a_number_is_the_outcome_of_a_regression(prices: World, outcome: float) -> None:
    request_id = served(prices)
    prices.feedback({"request_id": request_id, "outcome": outcome})
    assert prices.log.outcomes[request_id][0] == float(outcome)
    assert type(prices.log.outcomes[request_id][0]) is float


@pytest.mark.parametrize("outcome", [True, "12.5", math.nan, math.inf, -math.inf, 1e39, 10**400, -(10**400)])
def test_anything_else_is_not(prices: World, outcome: object) -> None:
    with pytest.raises(BadInput, match=r"^outcome: must be a"):
        prices.feedback({"request_id": served(prices), "outcome": outcome})


def test_a_value_alone_or_with_an_outcome_is_stored(world: World) -> None:
    alone, both = served(world), served(world)
    world.feedback({"request_id": alone, "value": 12})
    world.feedback({"request_id": both, "value": -0.5, "outcome": 0})
    world.feedback({"request_id": both, "value": -0.5})
    assert {name: stored for name, (stored, _) in world.log.values.items()} == {alone: 12.0, both: -0.5}
    assert set(world.log.outcomes) == {both}
    with pytest.raises(Conflict):
        world.feedback({"request_id": both, "value": 0.5})


@pytest.mark.parametrize("value", [True, "12.5", math.nan, math.inf, 1e39, 10**400, []])
def test_a_value_must_be_a_finite_number(world: World, value: object) -> None:
    with pytest.raises(BadInput, match=r"^value: must be a"):
        world.feedback({"request_id": served(world), "outcome": 1, "value": value})
    assert world.log.outcomes == {}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (None, ["body"]),
        ([], ["body"]),
        ({}, ["request_id", "outcome"]),
        ({"request_id": "x"}, ["outcome"]),
        ({"request_id": "x", "outcome": None}, ["outcome"]),
        ({"request_id": "x", "outcome": None, "value": 1}, ["outcome"]),
        ({"request_id": "x", "value": None}, ["outcome"]),
        ({"request_id": "x", "value": "1"}, ["value"]),
        ({"request_id": "x", "outcome": []}, ["outcome"]),
        ({"request_id": "x", "outcome": {}}, ["outcome"]),
        ({"request_id": 5, "outcome": 1}, ["request_id"]),
        ({"request_id": "", "outcome": 1}, ["request_id"]),
        ({"request_id": "x" * 129, "outcome": 1}, ["request_id"]),
        ({"request_id": "x", "outcome": 1, "when": "now"}, ["when"]),
        ({"request_id": 5, "outcome": [], "when": "now"}, ["when", "request_id", "outcome"]),
    ],
)
def test_each_wrong_field_is_named(world: World, body: object, fields: list[str]) -> None:
    with pytest.raises(BadInput) as error:
        world.feedback(body)
    assert [problem.field for problem in error.value.problems] == fields
