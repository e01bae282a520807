"""Promotion on fakes that can die before or after any of their writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest

from contender.domain.assignment import Variant
from contender.domain.lifecycle import Deed, ExperimentRecord, Stage, experiment_id
from contender.domain.release import parse_release
from contender.errors import Conflict, NotFound, StoreUnavailable
from contender.usecases.predict import iso_utc
from contender.usecases.promote import Carried, Promote
from contender.usecases.publish import publish
from contender.usecases.queue import CHALLENGING, PASSED_OVER, QUEUE, WAITING
from tests.support.evaluation import MemoryExperiments
from tests.support.fakes import MemoryParameters, RecordingObserver
from tests.support.training import MemoryRegistry
from tests.support.world import DATASET, MODEL_A, MODEL_B, MODEL_C, RELEASE, SPLIT, World, model_ref


class Killed(BaseException):
    """The process is gone."""


WRITES = {
    "registry": ("set_alias", "remove_alias", "tag"),
    "artifacts": ("put",),
    "parameters": ("put",),
    "experiments": ("save", "append"),
}


@dataclass
class Death:
    """Kills at the n-th write, before or after it is done; never with n = 0."""

    at: int = 0
    after: bool = False
    writes: list[str] = field(default_factory=list)

    def around(self, name: str, write: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **more: Any) -> Any:
            self.writes.append(name)
            if len(self.writes) == self.at and not self.after:
                raise Killed
            result = write(*args, **more)
            if len(self.writes) == self.at:
                raise Killed
            return result

        return guarded


class Mortal:
    """Passes everything on to another object, whose writes may kill."""

    def __init__(self, inner: Any, name: str, death: Death) -> None:
        self._inner, self._name, self._death = inner, name, death

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._inner, method)
        if method not in WRITES[self._name]:
            return found
        return self._death.around(f"{self._name}.{method}", found)


class Stage2:
    """Version 1 is champion, 2 challenges, the verdict is there; 3 and 4 wait if wanted."""

    def __init__(self, stage: Stage, waiting: bool = False) -> None:
        self.world = World()
        self.registry = MemoryRegistry()
        self.registry.add(model_ref(MODEL_A, Variant.A, "1"), MODEL_A)
        self.registry.add(model_ref(MODEL_B, Variant.B, "2"), MODEL_B)
        self.parameters: MemoryParameters = self.world.parameters
        self.experiments = MemoryExperiments()
        self.observer = RecordingObserver()
        before = publish(self.registry, self.world.artifacts, self.parameters, DATASET, RELEASE)
        if waiting:
            for version, content in (("3", MODEL_A), ("4", MODEL_C)):
                self.registry.versions[version] = (model_ref(content, Variant.B, version), content)
                self.registry.tag(version, {QUEUE: WAITING})
        self.parameters.put(SPLIT, "0.5")
        started = iso_utc(self.world.clock.now)
        self.record = self.experiments.save(
            ExperimentRecord(
                experiment_id=experiment_id(started, before.digest),
                release=before.digest,
                champion_version="1",
                challenger_version="2",
                started_at=started,
                stage=stage,
                sentence="B is better",
                evidence='{"finding": "ship"}',
                decided_at="2023-11-15T00:00:00.000Z",
            )
        )

    def promote(self, death: Death | None = None) -> Promote:
        wrap = partial(Mortal, death=death or Death())
        return Promote(
            wrap(self.registry, "registry"),
            wrap(self.world.artifacts, "artifacts"),
            wrap(self.parameters, "parameters"),
            wrap(self.experiments, "experiments"),
            self.observer,
            lambda: DATASET,
            RELEASE,
            SPLIT,
            0.2,
            self.world.clock,
        )

    def carry_out(self, death: Death | None = None) -> Carried:
        return self.promote(death)(self.record.experiment_id)

    def released(self) -> dict[str, str]:
        """Variant → version that serves; the manifest and its models must all be there."""
        key = self.parameters.stored[RELEASE].value
        release = parse_release(self.world.artifacts.content[key])
        assert all(model.model_key in self.world.artifacts.content for model in release.variants.values())
        return {variant.value: model.model_version for variant, model in release.variants.items()}

    def outcome(self) -> tuple[object, ...]:
        """All that a person can see afterwards."""
        record = self.experiments.records[self.record.experiment_id]
        return (
            self.registry.aliases,
            self.registry.tags,
            self.released(),
            self.parameters.stored[SPLIT].value,
            record.stage,
            [(entry.deed, entry.evidence, entry.to_release) for entry in self.experiments.history(9)],
        )


def test_a_promotion_moves_everything_and_tells_why() -> None:
    lab = Stage2(Stage.PROMOTING)
    assert lab.carry_out().stage is Stage.PROMOTED
    assert lab.registry.aliases == {"champion": "2"}
    assert lab.registry.tags["1"]["retired_because"] == "B is better"
    assert lab.registry.tags["2"]["promoted_at"] == lab.record.decided_at
    assert lab.released() == {"A": "2"}
    assert lab.parameters.stored[SPLIT].value == "0.2"
    (entry,) = lab.experiments.history(9)
    assert (entry.deed, entry.who, entry.at) == (Deed.PROMOTED, "evaluate", lab.record.decided_at)
    assert entry.from_release == lab.record.release
    assert lab.parameters.stored[RELEASE].value == f"releases/{entry.to_release}.json"
    assert json.loads(entry.evidence) == {"finding": "ship"}
    assert lab.experiments.records[lab.record.experiment_id].ended_at


def test_a_retirement_leaves_the_champion_alone() -> None:
    lab = Stage2(Stage.RETIRING)
    assert lab.carry_out().stage is Stage.RETIRED
    assert lab.registry.aliases == {"champion": "1"}
    assert set(lab.registry.tags) == {"2"}
    assert lab.released() == {"A": "1"}
    assert lab.experiments.history(9)[0].deed is Deed.RETIRED


def test_what_a_person_decided_is_told_as_theirs_with_their_reason() -> None:
    lab = Stage2(Stage.RETIRING)
    lab.record = lab.experiments.save(replace(lab.record, decided_by="ann", sentence="Retired by hand: slow"))
    lab.carry_out()
    (entry,) = lab.experiments.history(9)
    assert (entry.who, entry.deed) == ("ann", Deed.RETIRED)
    assert entry.detail.startswith("Retired by hand: slow; version 1 stays champion, version 2 goes")
    assert lab.registry.tags["2"]["retired_because"] == "Retired by hand: slow"


@pytest.mark.parametrize("stage", [Stage.PROMOTING, Stage.RETIRING])
def test_the_newest_that_waits_challenges_next_and_the_others_are_passed_over(stage: Stage) -> None:
    lab = Stage2(stage, waiting=True)
    lab.carry_out()
    champion = "2" if stage is Stage.PROMOTING else "1"
    assert lab.released() == {"A": champion, "B": "4"}
    assert lab.registry.aliases == {"champion": champion, "challenger": "4"}
    assert lab.registry.tags["4"][QUEUE] == CHALLENGING
    assert lab.registry.tags["3"][QUEUE] == PASSED_OVER
    assert lab.parameters.stored[SPLIT].value == "0.2"


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("waiting", [False, True])
@pytest.mark.parametrize("stage", [Stage.PROMOTING, Stage.RETIRING])
def test_whenever_it_dies_the_next_try_completes_it(stage: Stage, waiting: bool, after: bool) -> None:
    whole = Stage2(stage, waiting)
    life = Death()
    whole.carry_out(life)
    assert len(life.writes) >= 6
    for moment in range(1, len(life.writes) + 1):
        lab = Stage2(stage, waiting)
        with pytest.raises(Killed):
            lab.carry_out(Death(moment, after))
        assert "A" in lab.released()  # what serves is whole at every moment
        assert lab.registry.aliases["champion"] in {"1", "2"}
        lab.carry_out()
        assert lab.outcome() == whole.outcome()
        assert len(lab.experiments.entries) == 1
        again = lab.carry_out()
        assert "already" in again.detail
        assert lab.outcome() == whole.outcome()


@pytest.mark.parametrize("waiting", [False, True])
@pytest.mark.parametrize("stage", [Stage.PROMOTING, Stage.RETIRING])
def test_of_two_at_once_whatever_their_order_one_result_comes_out(stage: Stage, waiting: bool) -> None:
    whole = Stage2(stage, waiting)
    life = Death()
    whole.carry_out(life)
    for moment in range(1, len(life.writes) + 1):
        lab = Stage2(stage, waiting)
        second = lab.promote()

        class Overtaken(Death):
            """At its n-th write another task does all of the work first."""

            def around(self, name: str, write: Callable[..., Any]) -> Callable[..., Any]:
                def guarded(*args: Any, **more: Any) -> Any:
                    self.writes.append(name)
                    if len(self.writes) == moment:  # noqa: B023 (used within this round only)
                        second(lab.record.experiment_id)  # noqa: B023
                    return write(*args, **more)

                return guarded

        lab.carry_out(Overtaken())
        assert lab.outcome() == whole.outcome(), life.writes[moment - 1]
        assert len(lab.experiments.entries) == 1


def test_an_alias_that_somebody_moved_meanwhile_is_left_alone() -> None:
    lab = Stage2(Stage.PROMOTING)
    lab.registry.versions["9"] = (model_ref(MODEL_C, Variant.A, "9"), MODEL_C)
    lab.registry.set_alias("champion", "9")
    told = lab.carry_out()
    assert (told.stage, lab.registry.aliases) == (Stage.SUPERSEDED, {"champion": "9", "challenger": "2"})
    assert "version 9" in told.detail
    assert lab.released() == {"A": "1", "B": "2"}
    assert lab.experiments.history(9)[0].deed is Deed.SUPERSEDED


def test_another_challenger_is_not_removed() -> None:
    lab = Stage2(Stage.RETIRING)
    lab.registry.versions["9"] = (model_ref(MODEL_C, Variant.B, "9"), MODEL_C)
    lab.registry.set_alias("challenger", "9")
    lab.carry_out()
    assert lab.released() == {"A": "1", "B": "9"}


def test_nothing_is_done_without_a_decision_or_an_experiment() -> None:
    lab = Stage2(Stage.RUNNING)
    with pytest.raises(Conflict, match="nothing was decided"):
        lab.carry_out()
    with pytest.raises(NotFound):
        lab.promote()("no such experiment")
    assert lab.registry.aliases == {"champion": "1", "challenger": "2"}


def test_a_settled_one_is_not_done_again() -> None:
    lab = Stage2(Stage.PROMOTED)
    assert lab.carry_out().stage is Stage.PROMOTED
    assert lab.registry.aliases == {"champion": "1", "challenger": "2"}


def test_a_service_that_is_down_is_no_end() -> None:
    lab = Stage2(Stage.PROMOTING)
    lab.parameters.down = True
    with pytest.raises(StoreUnavailable):
        lab.carry_out()
    lab.parameters.down = False
    assert lab.carry_out().stage is Stage.PROMOTED


def test_an_evaluation_that_writes_at_the_same_moment_does_not_stop_the_end() -> None:
    lab = Stage2(Stage.PROMOTING)
    append = lab.experiments.append

    def meanwhile(entry: Any) -> bool:
        stored = lab.experiments.records[lab.record.experiment_id]
        lab.experiments.save(replace(stored, task_arn="arn:task/1"))
        return append(entry)

    lab.experiments.append = meanwhile  # type: ignore[method-assign]
    lab.carry_out()
    record = lab.experiments.records[lab.record.experiment_id]
    assert (record.stage, record.task_arn) == (Stage.PROMOTED, "arn:task/1")
