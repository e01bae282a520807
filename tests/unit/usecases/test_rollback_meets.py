"""A rollback that meets the end of an experiment, or another rollback, between any two of their writes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Any

import pytest

from contender.domain.assignment import Variant
from contender.domain.lifecycle import ExperimentRecord, Stage, experiment_id
from contender.errors import Conflict
from contender.usecases.evaluate import RECENT
from contender.usecases.predict import iso_utc
from contender.usecases.promote import Promote
from contender.usecases.publish import publish
from contender.usecases.queue import CHALLENGING, PROMOTED, QUEUE, WAITING, WITHDRAWN, call_next
from contender.usecases.rollback import RollBack, ServesAlready
from tests.support.evaluation import MemoryExperiments
from tests.support.fakes import RecordingObserver
from tests.support.training import MemoryRegistry
from tests.support.world import DATASET, MODEL_A, MODEL_B, MODEL_C, RELEASE, SPLIT, World, model_ref

WRITES = ("set_alias", "remove_alias", "tag", "put", "save", "append", "claim", "let_go")


class Watched:
    """Passes everything on; something happens just before, or just after, the n-th write."""

    def __init__(self, inner: Any, before: Callable[[], None], after: Callable[[], None]) -> None:
        self._inner, self._before, self._after = inner, before, after

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._inner, method)
        if method not in WRITES:
            return found

        def watched(*args: Any, **more: Any) -> Any:
            self._before()
            result = found(*args, **more)
            self._after()
            return result

        return watched


class Meets:
    """Does something once, at the n-th write of whoever is watched; never with n = 0."""

    def __init__(self, at: int = 0, after: bool = False, act: Callable[[], None] = lambda: None) -> None:
        self.count, self._at, self._late, self._act = 0, at, after, act

    def _before(self) -> None:
        self.count += 1
        if self.count == self._at and not self._late:
            self._act()

    def _after(self) -> None:
        if self.count == self._at and self._late:
            self._late = False
            self._act()

    def around(self, inner: Any) -> Any:
        return Watched(inner, self._before, self._after)


class Lab:
    """Releases A = 1 and, in force, A = 1 with B = 2; 3 and 4 wait."""

    def __init__(self, stage: Stage = Stage.RETIRING) -> None:
        self.world = World()
        self.registry = MemoryRegistry()
        self.experiments = MemoryExperiments()
        self.registry.add(model_ref(MODEL_A, Variant.A, "1"), MODEL_A)
        self.alone = self.publish()
        self.registry.add(model_ref(MODEL_B, Variant.B, "2"), MODEL_B)
        self.registry.tag("2", {QUEUE: CHALLENGING})
        for version, content in (("3", MODEL_A), ("4", MODEL_C)):
            self.registry.versions[version] = (model_ref(content, Variant.B, version), content)
            self.registry.tag(version, {QUEUE: WAITING})
        self.tried = self.publish()
        self.world.pass_time(60)
        at = iso_utc(self.world.parameters.stored[RELEASE].modified)
        self.record = self.experiments.save(
            ExperimentRecord(
                experiment_id(at, self.tried), self.tried, "1", "2", at, stage, sentence="x", decided_at=at
            )
        )

    def publish(self) -> str:
        self.world.pass_time(60)
        world = self.world
        return publish(self.registry, world.artifacts, world.parameters, DATASET, RELEASE).digest

    def end(self, meets: Meets) -> None:
        world, around = self.world, meets.around
        Promote(
            around(self.registry),
            around(world.artifacts),
            around(world.parameters),
            around(self.experiments),
            RecordingObserver(),
            lambda: DATASET,
            RELEASE,
            SPLIT,
            0.2,
            world.clock,
        )(self.record.experiment_id)

    def roll_back(
        self,
        who: str,
        meets: Meets | None = None,
        sleep: Callable[[float], object] | None = None,
        registry: bool = True,
    ) -> RollBack:
        world, around = self.world, (meets or Meets()).around
        return RollBack(
            world.artifacts,
            around(world.parameters),
            around(self.experiments),
            around(self.registry) if registry else None,
            RELEASE,
            world.clock,
            sleep or world.pass_time,
            who,
        )

    def queue(self) -> dict[str, str]:
        return {version: tags[QUEUE] for version, tags in self.registry.tags.items() if QUEUE in tags}

    def served(self) -> str:
        return self.world.parameters.stored[RELEASE].value.removeprefix("releases/").removesuffix(".json")

    def is_as_if_called_off(self, to: str) -> None:
        """Nothing is lost, nothing half-way, and what serves is what the aliases say."""
        assert self.served() == to
        queue = self.queue()
        assert (queue["3"], queue["4"]) == (WAITING, WAITING)
        assert queue.get("1", PROMOTED) == PROMOTED
        if to == self.alone:
            assert (self.registry.aliases, queue["2"]) == ({"champion": "1"}, WITHDRAWN)
        else:
            assert self.registry.aliases == {"champion": "1", "challenger": "2"}
            assert queue["2"] == CHALLENGING
        assert all(
            one.stage not in (Stage.PROMOTING, Stage.RETIRING) for one in self.experiments.recent(RECENT)
        )
        assert self.experiments.claims == {}
        assert self.publish() == to  # a publication afterwards changes nothing


def writes(run: Callable[[Meets], object]) -> int:
    meets = Meets()
    run(meets)
    return meets.count


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("alone", [True, False])
@pytest.mark.parametrize("stage", [Stage.PROMOTING, Stage.RETIRING])
def test_an_end_that_is_called_off_between_any_two_of_its_steps_leaves_the_queue_as_it_was(
    stage: Stage, alone: bool, after: bool
) -> None:
    whole = writes(Lab(stage).end)
    assert whole > 15
    for moment in range(1, whole):
        lab = Lab(stage)
        reached, go = Event(), Event()

        def stop(reached: Event = reached, go: Event = go) -> None:
            reached.set()
            go.wait(30)

        task = Thread(target=_end, args=(lab, Meets(moment, after, stop)))
        task.start()
        assert reached.wait(30)

        def sleep(_: float, go: Event = go, task: Thread = task) -> None:
            go.set()
            task.join(30)

        to = lab.alone if alone else lab.tried
        settled = lab.experiments.records[lab.record.experiment_id].stage in (Stage.PROMOTED, Stage.RETIRED)
        try:
            done = lab.roll_back("ann", sleep=sleep)(to, "ann")
        finally:
            sleep(0)
        if settled:
            continue
        assert done.aliases_moved, moment
        assert "called off" in done.notes[0]
        assert "versions 4, 3 wait" in done.notes[-1]
        lab.is_as_if_called_off(to)


def _end(lab: Lab, meets: Meets) -> None:
    with suppress(Conflict):  # the rollback has the registry
        lab.end(meets)


@pytest.mark.parametrize("after", [False, True])
def test_a_task_that_died_anywhere_holds_nobody_up_for_longer_than_its_claim(after: bool) -> None:
    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    for moment in range(2, writes(Lab().end) - 2):
        lab = Lab()
        let_go, lab.experiments.let_go = lab.experiments.let_go, lambda *_: None  # type: ignore[method-assign]
        with pytest.raises(Killed):
            lab.end(Meets(moment, after, die))
        lab.experiments.let_go = let_go  # type: ignore[method-assign]
        assert lab.roll_back("ann")(lab.alone, "ann").aliases_moved
        lab.is_as_if_called_off(lab.alone)


@pytest.mark.parametrize("after", [False, True])
def test_of_two_rollbacks_at_once_one_wins_wholly_and_the_other_says_so(after: bool) -> None:
    def alone(meets: Meets) -> None:
        lab = Lab(Stage.RUNNING)
        lab.roll_back("ann", meets)(lab.alone, "ann")

    for moment in range(1, writes(alone) + 1):
        lab = Lab(Stage.RUNNING)
        lab.registry.add(model_ref(MODEL_C, Variant.B, "4"), MODEL_C)
        other = lab.publish()
        lab.registry.set_alias("challenger", "2")
        lab.publish()
        ends: list[str] = []

        def second(lab: Lab = lab, other: str = other, ends: list[str] = ends) -> None:
            try:
                lab.roll_back("bob")(other, "bob")
            except Conflict as error:
                assert "another rollback is at work, by ann" in str(error)
                assert "--list" in str(error)
                ends.append("refused")
            else:
                ends.append("done")

        lab.roll_back("ann", Meets(moment, after, second))(lab.alone, "ann")
        first_wins = lab.served() == lab.alone
        assert first_wins or ends == ["done"], moment
        assert lab.registry.aliases == (
            {"champion": "1"} if first_wins else {"champion": "1", "challenger": "4"}
        )
        assert lab.queue()["2"] == WITHDRAWN
        assert lab.publish() == (lab.alone if first_wins else other)


def test_an_aliasless_rollback_is_completed_by_the_same_command() -> None:
    lab = Lab()
    done = lab.roll_back("ann", registry=False)(lab.alone, "ann")
    assert not done.aliases_moved
    assert lab.registry.aliases["challenger"] == "2"
    assert lab.roll_back("ann")(lab.alone, "ann").aliases_moved
    lab.is_as_if_called_off(lab.alone)
    with pytest.raises(ServesAlready):
        lab.roll_back("ann")(lab.alone, "ann")


def test_those_that_wait_are_held_told_of_and_called_by_a_person() -> None:
    lab = Lab(Stage.RUNNING)
    done = lab.roll_back("ann")(lab.alone, "ann")
    assert done.notes == (
        "versions 4, 3 wait, and a rollback calls nobody: python -m scripts.publish --next makes the newest "
        "challenger",
    )
    lab.is_as_if_called_off(lab.alone)
    assert lab.experiments.records[lab.record.experiment_id].stage is Stage.ENDED
    assert call_next(lab.registry) == "4"
    assert lab.registry.aliases == {"champion": "1", "challenger": "4"}


def test_an_evaluation_that_read_before_cannot_decide_afterwards() -> None:
    lab = Lab(Stage.RUNNING)
    lab.roll_back("ann")(lab.alone, "ann")
    with pytest.raises(Conflict):
        lab.experiments.save(lab.record)


def test_another_publication_in_between_is_told_and_not_undone() -> None:
    lab = Lab(Stage.RUNNING)
    moved = lab.registry.remove_alias

    def publishes(alias: str) -> None:
        lab.world.parameters.put(RELEASE, f"releases/{lab.tried}.json")
        moved(alias)

    lab.registry.remove_alias = publishes  # type: ignore[method-assign]
    with pytest.raises(Conflict, match=r"published by another program meanwhile.*--list"):
        lab.roll_back("ann")(lab.alone, "ann")
    assert lab.served() == lab.tried
