from __future__ import annotations

import pytest

from contender.domain.assignment import Variant
from contender.domain.lifecycle import Deed, ExperimentRecord, Stage
from contender.errors import BadInput, Conflict, NotFound, StoreUnavailable
from contender.usecases.promote import Promote
from contender.usecases.publish import publish
from contender.usecases.rollback import RollBack
from tests.support.evaluation import MemoryExperiments
from tests.support.fakes import RecordingObserver
from tests.support.training import MemoryRegistry
from tests.support.world import DATASET, MODEL_A, MODEL_B, RELEASE, ROW, SPLIT, World, model_ref

AT = "2023-11-15T00:00:00.000Z"


class Down(MemoryRegistry):
    """A registry that does not answer."""

    def set_alias(self, alias: str, model_version: str) -> None:
        raise StoreUnavailable("mlflow", "is down in this test")


class Lab:
    """Three releases: A = 1; A = 1 and B = 2; and, in force after a promotion, A = 2."""

    def __init__(self) -> None:
        self.world = World()
        self.registry = MemoryRegistry()
        self.experiments = MemoryExperiments()
        self.registry.add(model_ref(MODEL_A, Variant.A, "1"), MODEL_A)
        self.first = self.publish()
        self.registry.add(model_ref(MODEL_B, Variant.B, "2"), MODEL_B)
        self.second = self.publish()
        self.registry.set_alias("champion", "2")
        self.registry.remove_alias("challenger")
        self.third = self.publish()

    def publish(self) -> str:
        self.world.pass_time(60)
        world = self.world
        return publish(self.registry, world.artifacts, world.parameters, DATASET, RELEASE).digest

    def roll_back(self, registry: MemoryRegistry | None) -> RollBack:
        world = self.world
        return RollBack(
            world.artifacts,
            world.parameters,
            self.experiments,
            registry,
            RELEASE,
            world.clock,
            world.pass_time,
            "t",
        )

    def served(self) -> str:
        self.world.pass_time(6)
        return self.world.predict({"features": ROW}).record.model_version


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_every_release_is_known_and_the_one_in_force_marked(lab: Lab) -> None:
    known = lab.roll_back(lab.registry).releases()
    assert [(one.digest, one.versions, one.in_force) for one in known] == [
        (lab.third, {"A": "2"}, True),
        (lab.second, {"A": "1", "B": "2"}, False),
        (lab.first, {"A": "1"}, False),
    ]


def test_any_earlier_release_serves_again_aliases_follow_and_it_is_told(lab: Lab) -> None:
    assert lab.served() == "2"
    done = lab.roll_back(lab.registry)(lab.first[:10], "a person")
    assert (done.digest, done.before, done.versions) == (lab.first, lab.third, {"A": "1"})
    assert (done.aliases_moved, done.notes) == (True, ())
    assert lab.served() == "1"
    assert lab.registry.aliases == {"champion": "1"}
    (entry,) = lab.experiments.history(9)
    assert (entry.deed, entry.who) == (Deed.ROLLED_BACK, "a person")
    assert (entry.from_release, entry.to_release) == (lab.third, lab.first)
    assert lab.publish() == lab.first  # a publication afterwards keeps it


def test_previous_is_the_one_that_served_before_and_twice_is_back_again(lab: Lab) -> None:
    roll_back = lab.roll_back(lab.registry)
    assert roll_back("previous", "x").digest == lab.second
    assert lab.registry.aliases == {"champion": "1", "challenger": "2"}
    assert roll_back("previous", "x").digest == lab.third
    assert lab.registry.aliases == {"champion": "2"}


@pytest.mark.parametrize("known", [True, False])
def test_a_registry_that_does_not_answer_does_not_stop_it_and_is_told(lab: Lab, known: bool) -> None:
    done = lab.roll_back(Down() if known else None)(lab.first, "x")
    assert not done.aliases_moved
    assert "the next publication would undo this" in done.notes[0]
    assert lab.served() == "1"


def test_what_is_meant_must_be_one_release_that_does_not_serve(lab: Lab) -> None:
    roll_back = lab.roll_back(lab.registry)
    with pytest.raises(Conflict, match="serves already"):
        roll_back(lab.third, "x")
    for to in ("", "nothing"):
        with pytest.raises(BadInput, match="see --list"):
            roll_back(to, "x")
    assert lab.experiments.history(9) == []


def test_without_an_earlier_release_there_is_no_previous() -> None:
    lab = Lab()
    lab.world.parameters.delete(RELEASE)
    lab.world.parameters.put(RELEASE, "none")
    with pytest.raises(BadInput, match="no release served before"):
        lab.roll_back(None)("previous", "x")


def test_a_release_whose_model_is_gone_is_not_gone_back_to(lab: Lab) -> None:
    del lab.world.artifacts.content[model_ref(MODEL_A, Variant.A).model_key]
    with pytest.raises(NotFound, match="model file"):
        lab.roll_back(lab.registry)(lab.first, "x")
    assert lab.served() == "2"


def test_a_verdict_that_is_being_carried_out_is_called_off(lab: Lab) -> None:
    record = lab.experiments.save(
        ExperimentRecord(f"{AT}#x", lab.second, "1", "2", AT, Stage.PROMOTING, decided_at=AT)
    )
    done = lab.roll_back(lab.registry)(lab.first, "x")
    assert "called off" in done.notes[0]
    promote = Promote(
        lab.registry,
        lab.world.artifacts,
        lab.world.parameters,
        lab.experiments,
        RecordingObserver(),
        lambda: DATASET,
        RELEASE,
        SPLIT,
        0.2,
        lab.world.clock,
    )
    assert promote(record.experiment_id).stage is Stage.SUPERSEDED
    assert lab.served() == "1"
    assert lab.registry.aliases == {"champion": "1"}
