from __future__ import annotations

import pytest

from contender.domain.assignment import Variant
from contender.domain.release import release_key
from contender.domain.split import Split
from tests.support.world import (
    MODEL_A,
    MODEL_B,
    MODEL_C,
    RELEASE,
    SPLIT,
    World,
    publish_manifest,
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

    snapshot = World().serving.snapshot()
    assert (snapshot.release, snapshot.digest, dict(snapshot.models)) == (None, "", {})


def test_none_takes_a_release_out_of_service(world: World) -> None:
    world.serving.snapshot()
    world.parameters.put(RELEASE, " none\n")
    refreshed(world)
    assert world.serving.snapshot().release is None
    assert world.serving.snapshot().split == Split(0.5, 1)


def test_without_ssm_everything_stays_and_is_tried_again_only_after_the_refresh_time(world: World) -> None:
    before = world.serving.snapshot()
    world.parameters.down = True
    refreshed(world)
    assert world.serving.snapshot() == before
    assert world.parameters.reads == 2
    assert world.observer.problem_events == ["parameters_unread"]


def test_a_missing_parameter_keeps_what_serves(world: World) -> None:
    before = world.serving.snapshot()
    world.parameters.delete(RELEASE)
    refreshed(world)
    assert world.serving.snapshot() == before
    assert world.observer.problem_events == ["release_unread"]


def test_only_a_changed_model_is_loaded(world: World) -> None:
    world.serving.snapshot()
    world.publish(release_of(b=MODEL_C))
    refreshed(world)
    assert world.serving.snapshot().models[Variant.B] is world.models[MODEL_C]
    assert world.loader.loaded == [MODEL_A, MODEL_B, MODEL_C]


def test_a_promoted_challenger_is_not_loaded_again(world: World) -> None:
    world.serving.snapshot()
    world.publish(release_of(a=MODEL_B, b=None))
    refreshed(world)
    assert dict(world.serving.snapshot().models) == {Variant.A: world.models[MODEL_B]}
    assert world.loader.loaded == [MODEL_A, MODEL_B]


def test_models_of_the_same_bytes_but_other_classes_are_not_mixed_up(world: World) -> None:
    world.serving.snapshot()
    world.publish(release_of(classes=("no", "yes")))
    refreshed(world)
    assert world.loader.loaded == [MODEL_A, MODEL_B, MODEL_A, MODEL_B]


def test_a_variant_that_does_not_load_leaves_the_other(world: World) -> None:
    world.loader.broken.add(MODEL_B)
    snapshot = world.serving.snapshot()
    assert set(snapshot.models) == {Variant.A}
    assert "cannot be loaded" in snapshot.failures[Variant.B]
    assert world.observer.problem_events == ["model_unloadable"]


def test_a_variant_that_failed_is_tried_again_and_the_other_kept(world: World) -> None:
    world.loader.broken.add(MODEL_B)
    world.serving.snapshot()
    world.loader.broken.clear()
    refreshed(world)
    assert set(world.serving.snapshot().models) == {Variant.A, Variant.B}
    assert not world.serving.snapshot().failures
    assert world.loader.loaded == [MODEL_A, MODEL_B, MODEL_B]


def test_a_missing_model_file_is_a_failure_of_its_variant(world: World) -> None:
    del world.artifacts.content[release_of().variants[Variant.A].model_key]
    snapshot = world.serving.snapshot()
    assert set(snapshot.models) == {Variant.B}
    assert "NoSuchKey" in snapshot.failures[Variant.A]


def test_a_release_of_which_nothing_loads_keeps_what_serves_and_is_tried_again(world: World) -> None:
    before = world.serving.snapshot()
    world.loader.broken.add(MODEL_C)
    release = world.publish(release_of(a=MODEL_C, b=None))
    refreshed(world)
    assert world.serving.snapshot() == before
    assert world.observer.problem_events == ["model_unloadable"]
    world.loader.broken.clear()
    refreshed(world)
    assert world.serving.snapshot().digest == release.digest


def test_a_first_release_of_which_nothing_loads_says_why(world: World) -> None:
    world.loader.broken |= {MODEL_A, MODEL_B}
    snapshot = world.serving.snapshot()
    assert snapshot.release is not None
    assert not snapshot.models
    assert set(snapshot.failures) == {Variant.A, Variant.B}


def test_without_s3_a_new_release_waits(world: World) -> None:
    before = world.serving.snapshot()
    release = world.publish(release_of(b=MODEL_C))
    world.artifacts.down = True
    refreshed(world)
    assert world.serving.snapshot() == before
    assert world.observer.problem_events == ["release_unread"]
    world.artifacts.down = False
    refreshed(world)
    assert world.serving.snapshot().digest == release.digest


def test_the_split_follows_even_when_the_release_does_not_load(world: World) -> None:
    world.serving.snapshot()
    world.parameters.put(RELEASE, "releases/missing.json")
    world.parameters.put(SPLIT, "0.9")
    refreshed(world)
    assert world.serving.snapshot().split.share_b == 0.9
    assert world.serving.snapshot().digest == release_of().digest


def test_a_manifest_that_is_not_what_its_name_promises_is_refused(world: World) -> None:
    world.serving.snapshot()
    other = release_of(b=MODEL_C)
    world.publish(other)
    world.artifacts.put(release_key(other.digest), release_of(b=None).to_json())
    refreshed(world)
    assert world.serving.snapshot().digest == release_of().digest
    assert world.observer.problem_events == ["release_unread"]


@pytest.mark.parametrize("value", ["", "releases/", "latest", "releases/../models/x", "None"])
def test_a_parameter_that_names_no_manifest_keeps_what_serves(world: World, value: str) -> None:
    before = world.serving.snapshot()
    world.parameters.put(RELEASE, value)
    refreshed(world)
    assert world.serving.snapshot() == before
    assert world.observer.problem_events == ["release_unread"]


@pytest.mark.parametrize("document", [[], {}, {"format": 2}, {"format": 1, "variants": []}, "x"])
def test_a_manifest_of_another_shape_keeps_what_serves(world: World, document: object) -> None:
    before = world.serving.snapshot()
    publish_manifest(world, document)
    refreshed(world)
    assert world.serving.snapshot() == before
    assert world.observer.problem_events == ["release_unread"]


def test_the_feature_order_of_the_declaration_is_what_serves(world: World) -> None:
    release = world.serving.snapshot().release
    assert release is not None
    assert list(release.dataset.features) == ["size", "colour", "age"]
