from __future__ import annotations

import pytest

from contender.domain.assignment import Variant
from contender.usecases.queue import (
    CHALLENGING,
    PASSED_OVER,
    QUEUE,
    REPLACED,
    WAITING,
    Placed,
    QueueRule,
    call_next,
    enter,
)
from tests.support.training import MemoryRegistry
from tests.support.world import MODEL_A, model_ref


@pytest.fixture
def registry() -> MemoryRegistry:
    """Version 1 is champion; 2 to 5 are there."""
    made = MemoryRegistry()
    for version in "12345":
        made.versions[version] = (model_ref(MODEL_A, Variant.A, version), MODEL_A)
    made.set_alias("champion", "1")
    return made


def queue_of(registry: MemoryRegistry) -> dict[str, str]:
    return {version: tags[QUEUE] for version, tags in registry.tags.items() if QUEUE in tags}


@pytest.mark.parametrize("rule", list(QueueRule))
def test_the_first_challenger_challenges(registry: MemoryRegistry, rule: QueueRule) -> None:
    for _ in range(2):
        assert enter(registry, "2", rule, stopped=False) == Placed(challenges=True)
    assert registry.aliases == {"champion": "1", "challenger": "2"}
    assert queue_of(registry) == {"2": CHALLENGING}


def test_by_default_the_next_one_waits(registry: MemoryRegistry) -> None:
    enter(registry, "2", QueueRule.WAIT, stopped=False)
    for _ in range(2):
        assert enter(registry, "3", QueueRule.WAIT, stopped=False) == Placed(False, waits_for="2")
    assert registry.aliases["challenger"] == "2"
    assert queue_of(registry) == {"2": CHALLENGING, "3": WAITING}


def test_by_the_other_rule_it_replaces(registry: MemoryRegistry) -> None:
    enter(registry, "2", QueueRule.REPLACE, stopped=False)
    assert enter(registry, "3", QueueRule.REPLACE, stopped=False) == Placed(True, replaced="2")
    assert registry.aliases["challenger"] == "3"
    assert queue_of(registry) == {"2": REPLACED, "3": CHALLENGING}


def test_nobody_waits_for_an_experiment_that_a_guardrail_stopped(registry: MemoryRegistry) -> None:
    enter(registry, "2", QueueRule.WAIT, stopped=False)
    assert enter(registry, "3", QueueRule.WAIT, stopped=True) == Placed(True, replaced="2")


def test_a_challenger_that_is_the_champion_is_no_experiment(registry: MemoryRegistry) -> None:
    registry.set_alias("challenger", "1")
    assert enter(registry, "2", QueueRule.WAIT, stopped=False) == Placed(challenges=True)


def test_an_experiment_that_ends_at_that_very_moment_is_noticed(registry: MemoryRegistry) -> None:
    enter(registry, "2", QueueRule.WAIT, stopped=False)
    tag = registry.tag

    def ends_just_before(version: str, tags: dict[str, str]) -> None:
        registry.tag = tag  # type: ignore[method-assign]
        registry.remove_alias("challenger")
        assert call_next(registry) in ("", "2")
        registry.remove_alias("challenger")
        tag(version, tags)

    registry.tag = ends_just_before  # type: ignore[method-assign,assignment]
    assert enter(registry, "3", QueueRule.WAIT, stopped=False).challenges
    assert registry.aliases["challenger"] == "3"


class TestNext:
    def test_without_anyone_nothing_happens(self, registry: MemoryRegistry) -> None:
        assert call_next(registry) == ""
        assert registry.aliases == {"champion": "1"}

    def test_the_newest_comes_and_the_others_are_passed_over(self, registry: MemoryRegistry) -> None:
        for version in "345":
            registry.tag(version, {QUEUE: WAITING})
        for _ in range(2):
            assert call_next(registry) == "5"
            assert registry.aliases["challenger"] == "5"
        assert queue_of(registry) == {"3": PASSED_OVER, "4": PASSED_OVER, "5": CHALLENGING}

    def test_a_challenger_that_is_there_already_stays(self, registry: MemoryRegistry) -> None:
        registry.set_alias("challenger", "2")
        registry.tag("3", {QUEUE: WAITING})
        assert call_next(registry) == ""
        assert registry.aliases["challenger"] == "2"

    def test_one_whose_alias_was_removed_by_hand_does_not_come_back(self, registry: MemoryRegistry) -> None:
        enter(registry, "2", QueueRule.WAIT, stopped=False)
        registry.remove_alias("challenger")
        enter(registry, "3", QueueRule.WAIT, stopped=False)
        registry.remove_alias("challenger")
        registry.tag("3", {QUEUE: REPLACED})
        assert call_next(registry) == ""
