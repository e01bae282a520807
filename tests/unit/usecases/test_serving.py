from __future__ import annotations

from threading import Event, Thread

import pytest

from contender.domain.assignment import Variant
from contender.domain.split import Split
from contender.errors import StoreUnavailable
from contender.ports import Parameter
from tests.support.world import (
    MODEL_A,
    MODEL_B,
    RELEASE,
    SPLIT,
    World,
    release_of,
)


@pytest.fixture
def world() -> World:
    world = World()
    world.publish(release_of())
    return world


def refreshed(world: World) -> None:
    world.pass_time(world.refresh_s)
    world.serving.snapshot()


class TestRefresh:
    def test_the_first_snapshot_serves_the_release_and_the_split(self, world: World) -> None:
        snapshot = world.serving.snapshot()
        assert snapshot.release == release_of()
        assert snapshot.digest == release_of().digest
        assert set(snapshot.models) == {Variant.A, Variant.B}
        assert snapshot.split == Split(0.5, 1)
        assert world.observer.problems == []

    def test_parameters_are_read_once_per_refresh_time_and_not_before(self, world: World) -> None:
        world.serving.snapshot()
        world.parameters.put(SPLIT, "0.9")
        world.pass_time(4.999)
        assert world.serving.snapshot().split.share_b == 0.5
        assert world.parameters.reads == 1
        world.pass_time(0.001)
        assert world.serving.snapshot().split == Split(0.9, 2)
        assert world.serving.snapshot().split == Split(0.9, 2)
        assert world.parameters.reads == 2

    def test_the_age_counts_from_the_question_not_from_the_models_that_were_loaded_after_it(
        self, world: World
    ) -> None:
        load = world.loader

        def slow(content: bytes, reference: object) -> object:
            world.pass_time(4)
            return load(content, reference)  # type: ignore[arg-type]

        world.serving._load_model = slow  # type: ignore[assignment]
        world.serving.snapshot()  # two models: 8 s
        world.parameters.put(SPLIT, "0.9")
        assert world.serving.snapshot().split.share_b == 0.9

    def test_changes_are_noted_once(self, world: World) -> None:
        world.serving.snapshot()
        refreshed(world)
        assert [event for event, _ in world.observer.notes] == ["split_changed", "release_changed"]

    def test_while_one_thread_refreshes_the_others_are_served_what_there_is(self, world: World) -> None:
        before = world.serving.snapshot()
        inside, go_on = Event(), Event()
        get = world.parameters.get

        def slow(names: list[str]) -> object:
            inside.set()
            assert go_on.wait(10)
            return get(names)

        world.parameters.get = slow  # type: ignore[assignment, method-assign]
        world.parameters.put(SPLIT, "0.9")
        world.pass_time(5)
        refresher = Thread(target=world.serving.snapshot)
        refresher.start()
        assert inside.wait(10)
        assert world.serving.snapshot() is before  # would hang here if it waited
        go_on.set()
        refresher.join(10)
        assert world.serving.snapshot().split.share_b == 0.9

    def test_threads_that_come_first_wait_for_one_refresh(self, world: World) -> None:
        seen = []
        threads = [Thread(target=lambda: seen.append(world.serving.snapshot())) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert [snapshot.digest for snapshot in seen] == [release_of().digest] * 8
        assert world.parameters.reads == 1
        assert sorted(world.loader.loaded) == [MODEL_A, MODEL_B]


class TestSplit:
    @pytest.mark.parametrize("text", ["half", "1.5", "nan", " "])
    def test_a_bad_split_keeps_the_last_good_one_and_is_reported(self, world: World, text: str) -> None:
        world.serving.snapshot()
        world.parameters.put(SPLIT, text)
        refreshed(world)
        assert world.serving.snapshot().split == Split(0.5, 1)
        assert world.observer.problem_events == ["split_invalid"]

    def test_a_bad_split_from_the_start_sends_all_to_the_champion(self, world: World) -> None:
        world.parameters.put(SPLIT, "half")
        assert world.serving.snapshot().split == Split(0.0, 0)

    def test_a_missing_split_keeps_the_last_and_is_reported(self, world: World) -> None:
        world.serving.snapshot()
        world.parameters.delete(SPLIT)
        refreshed(world)
        assert world.serving.snapshot().split == Split(0.5, 1)
        assert world.observer.problem_events == ["split_invalid"]

    def test_an_answer_of_a_lagging_replica_is_not_taken(self, world: World) -> None:
        world.pass_time(1)
        world.parameters.put(SPLIT, "0.9")
        world.serving.snapshot()
        world.parameters.lagging = {
            RELEASE: world.parameters.stored[RELEASE],
            SPLIT: Parameter("0.5", 1, world.clock.now - 1),
        }
        refreshed(world)
        assert world.parameters.lagging is None
        assert world.serving.snapshot().split == Split(0.9, 2)

    def test_a_lagging_replica_does_not_undo_a_change_made_here(self, world: World) -> None:
        world.serving.snapshot()
        old = dict(world.parameters.stored)
        world.pass_time(1)
        world.serving.set_split(0.9)
        world.parameters.lagging = old
        refreshed(world)
        assert world.serving.snapshot().split == Split(0.9, 2)

    def test_a_parameter_that_was_deleted_and_created_anew_is_followed(self, world: World) -> None:
        for share in ("0.6", "0.7", "0.8"):
            world.parameters.put(SPLIT, share)
        world.serving.snapshot()
        world.pass_time(1)
        world.parameters.delete(SPLIT)
        world.parameters.put(SPLIT, "0.1")
        refreshed(world)
        assert world.serving.snapshot().split == Split(0.1, 1)
        world.parameters.put(SPLIT, "0.2")
        refreshed(world)
        assert world.serving.snapshot().split == Split(0.2, 2)

    def test_a_split_set_here_holds_here_at_once_and_everywhere_at_the_next_read(self, world: World) -> None:
        world.serving.snapshot()
        assert world.serving.set_split(0.25) == Split(0.25, 2)
        assert world.serving.snapshot().split == Split(0.25, 2)
        assert world.parameters.stored[SPLIT].value == "0.25"
        refreshed(world)
        assert world.serving.snapshot().split == Split(0.25, 2)

    def test_a_split_set_after_the_parameter_was_created_anew_holds_too(self, world: World) -> None:
        for share in ("0.6", "0.7", "0.8"):
            world.parameters.put(SPLIT, share)
        world.serving.snapshot()
        world.parameters.delete(SPLIT)
        assert world.serving.set_split(0.1) == Split(0.1, 1)
        assert world.serving.snapshot().split == Split(0.1, 1)

    def test_a_split_that_cannot_be_written_changes_nothing(self, world: World) -> None:
        world.serving.snapshot()
        world.parameters.down = True
        with pytest.raises(StoreUnavailable):
            world.serving.set_split(0.9)
        assert world.serving.snapshot().split == Split(0.5, 1)
