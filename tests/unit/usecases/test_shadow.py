from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator, Mapping
from types import MappingProxyType

import pytest

from contender.adapters.dynamo_log import to_item
from contender.adapters.logged_item import observation
from contender.domain.assignment import Variant, assign
from contender.domain.dataset import FeatureValue
from contender.domain.records import SPILLED, ShadowAnswer
from contender.ports import Prediction
from contender.usecases.predict import Answer
from contender.usecases.shadow import LONGEST_PAUSE_S, NOT_ASKED, Shadow
from tests.support.fakes import FakeClock, FakeModel, RecordingObserver
from tests.support.world import MODEL_A, MODEL_B, REGRESSION, ROW, World, release_of

SALT = release_of().salt
OF_A = next(f"u{n}" for n in range(100) if assign(SALT, f"u{n}", 0.5).variant is Variant.A)
OF_B = next(f"u{n}" for n in range(100) if assign(SALT, f"u{n}", 0.5).variant is Variant.B)


@pytest.fixture
def world() -> World:
    world = World(shadow=True)
    world.publish(release_of())
    return world


def predict(world: World, unit: str) -> Answer:
    return world.predict({"features": ROW, "unit_id": unit})


class _Raising(FakeModel):
    def predict_one(self, row: Mapping[str, FeatureValue]) -> Prediction:
        raise RuntimeError("a bug nobody thought of")


class _Stuck(FakeModel):
    """Answers only when let go."""

    def predict_one(self, row: Mapping[str, FeatureValue]) -> Prediction:
        LET_GO.wait()
        return self.answer


LET_GO = threading.Event()


@pytest.fixture
def _let_go() -> Iterator[None]:
    LET_GO.clear()
    yield
    LET_GO.set()


def test_both_answers_are_logged_and_the_assigned_one_is_served(world: World) -> None:
    of_a, of_b = predict(world, OF_A).record, predict(world, OF_B).record
    assert (of_a.prediction, of_a.shadow) == (0, ShadowAnswer("B", "2", 1, {"0": 0.25, "1": 0.75}))
    assert (of_b.prediction, of_b.shadow) == (1, ShadowAnswer("A", "1", 0, {"0": 0.75, "1": 0.25}))
    assert of_a.shadow_ms is not None
    assert world.log.records[of_a.request_id] == of_a


def test_both_see_the_same_row(world: World) -> None:
    predict(world, OF_A)
    assert world.models[MODEL_A].rows == world.models[MODEL_B].rows


@pytest.mark.parametrize("world_of", [World, lambda: World(shadow=True)])
def test_the_answer_is_the_same_with_and_without(world_of: type[World]) -> None:
    world = world_of()
    world.publish(release_of())
    record = predict(world, OF_B).record
    assert (record.served, record.prediction, record.probabilities) == ("B", 1, {"0": 0.25, "1": 0.75})
    assert (record.shadow is None) is not world.shadow


@pytest.mark.parametrize(
    "broken",
    [
        FakeModel(Prediction(1, None), broken=True),
        FakeModel(Prediction(1, {"0": math.nan, "1": 1.0})),
        FakeModel(Prediction(math.inf, None)),
        _Raising(Prediction(1, None)),
    ],
)
def test_a_shadow_that_fails_is_left_out_and_counted(world: World, broken: FakeModel) -> None:
    world.models[MODEL_B] = broken
    world.loader.models = world.models
    record = predict(world, OF_A).record
    assert (record.served, record.prediction, record.shadow) == ("A", 0, None)
    assert "shadow" not in to_item(record)
    assert world.observer.problem_events == ["shadow_failed"]


def test_after_a_fallback_the_failed_variant_is_no_second_time_the_shadow_of_its_own_request(
    world: World,
) -> None:
    world.models[MODEL_B].broken = True
    record = predict(world, OF_B).record
    assert (record.assigned, record.served, record.shadow) == ("B", "A", None)


def test_without_a_second_model_nothing_is_asked(world: World) -> None:
    world.publish(release_of(b=None))
    record = predict(world, OF_A).record
    assert (record.shadow, record.shadow_ms) == (None, None)
    assert world.observer.problems == []


def test_a_variant_that_could_not_be_loaded_has_no_shadow(world: World) -> None:
    world.loader.broken.add(MODEL_B)
    assert predict(world, OF_A).record.shadow is None


@pytest.mark.usefixtures("_let_go")
class TestSlow:
    def make(self, limit_s: float = 0.001) -> tuple[Shadow, FakeClock, RecordingObserver, World]:
        clock, observer, world = FakeClock(), RecordingObserver(), World()
        world.publish(release_of())
        world.models[MODEL_B] = _Stuck(Prediction(1, None))
        return Shadow(observer, limit_s, clock), clock, observer, world

    def test_the_answer_does_not_wait_longer_than_the_limit_and_pauses_double(self) -> None:
        shadow, clock, observer, world = self.make()
        snapshot = world.serving.snapshot()
        pauses = [1, 2, 4, 8, 16, 32, LONGEST_PAUSE_S, LONGEST_PAUSE_S]
        for pause in pauses:
            assert shadow(snapshot, Variant.A, {}).answer is None
            clock.now += pause - 0.5
            assert shadow(snapshot, Variant.A, {}) == NOT_ASKED
            clock.now += 1
        assert observer.problem_events == ["shadow_slow"] * len(pauses)

    def test_a_quick_answer_ends_the_pauses(self) -> None:
        shadow, clock, observer, world = self.make(limit_s=0.1)
        snapshot = world.serving.snapshot()
        for _ in range(3):
            shadow(snapshot, Variant.A, {})
            clock.now += 60
        assert [detail.rsplit(" for ", 1)[1] for _, detail in observer.problems] == ["1 s", "2 s", "4 s"]
        LET_GO.set()
        while shadow(snapshot, Variant.A, {}).answer is None:  # a busy machine may be slow once more
            clock.now += 60
        LET_GO.clear()
        shadow(snapshot, Variant.A, {})
        assert observer.problems[-1][1].endswith(" for 1 s")


@pytest.mark.parametrize("regression", [False, True])
def test_what_is_logged_or_spilled_is_what_the_analysis_reads(regression: bool) -> None:
    world = World(shadow=True)
    if regression:
        world.publish(release_of(dataset=REGRESSION, classes=None))
        world.models[MODEL_A].answer, world.models[MODEL_B].answer = (
            Prediction(1.5, None),
            Prediction(2.5, None),
        )
    else:
        world.publish(release_of())
        world.models[MODEL_B].answer = Prediction(1, MappingProxyType({"0": 0.25, "1": 0.75}))
    record = predict(world, OF_A).record
    _, read = observation(to_item(record))
    assert read.shadow is not None
    assert read.shadow.prediction == (2.5 if regression else 1.0)
    world.log.down = True
    predict(world, OF_A)
    spilled = json.loads(world.spilled[0])[SPILLED]
    assert record.shadow is not None
    assert spilled["shadow"] == record.shadow.to_dict()
