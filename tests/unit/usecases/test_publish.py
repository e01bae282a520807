from __future__ import annotations

import pytest

from contender.domain.assignment import Variant
from contender.domain.release import parse_release, release_key
from contender.errors import ModelUnusable, NotFound, StoreUnavailable
from contender.usecases.publish import Published, publish
from tests.support.fakes import MemoryObjects, MemoryParameters
from tests.support.training import MemoryRegistry
from tests.support.world import DATASET, MODEL_A, MODEL_B, RELEASE, model_ref


class Shop:
    """What a publication touches."""

    def __init__(self) -> None:
        self.registry = MemoryRegistry()
        self.artifacts = MemoryObjects("artifacts")
        self.parameters = MemoryParameters({RELEASE: "none"})
        self.registry.add(model_ref(MODEL_A, Variant.A, "1"), MODEL_A)

    def challenge(self) -> None:
        self.registry.add(model_ref(MODEL_B, Variant.B, "2"), MODEL_B)

    def publish(self) -> Published:
        return publish(self.registry, self.artifacts, self.parameters, DATASET, RELEASE)

    @property
    def serving(self) -> str:
        return self.parameters.get([RELEASE])[RELEASE].value


def test_given_a_champion_when_published_then_everything_is_in_place_before_the_parameter_moves() -> None:
    shop = Shop()

    published = shop.publish()

    assert shop.serving == release_key(published.digest)
    release = parse_release(shop.artifacts.content[shop.serving])
    assert list(release.variants) == [Variant.A]
    assert shop.artifacts.content[release.variants[Variant.A].model_key] == MODEL_A
    assert published.changed
    assert published.previous == "none"
    assert "champion version 1" in published.summary


def test_given_a_release_when_published_again_then_nothing_changes() -> None:
    shop = Shop()
    shop.challenge()
    first = shop.publish()
    before = shop.parameters.get([RELEASE])[RELEASE].version

    again = shop.publish()

    assert again.digest == first.digest
    assert not again.changed
    assert again.copied == ()
    assert shop.parameters.get([RELEASE])[RELEASE].version == before
    assert "nothing to do" in again.summary


def test_given_a_new_challenger_when_published_then_only_its_file_is_copied_and_the_salt_changes() -> None:
    shop = Shop()
    first = shop.publish()
    shop.challenge()

    second = shop.publish()

    assert second.copied == (second.release.variants[Variant.B].model_key,)
    assert second.previous == release_key(first.digest)
    assert second.release.salt != first.release.salt


def test_given_a_promoted_challenger_when_both_aliases_name_it_then_it_serves_alone() -> None:
    shop = Shop()
    shop.challenge()
    shop.registry.set_alias("champion", "2")

    published = shop.publish()

    assert [model.model_version for model in published.release.variants.values()] == ["2"]


def test_given_no_champion_when_published_then_it_says_what_to_do() -> None:
    shop = Shop()
    shop.registry.remove_alias("champion")

    with pytest.raises(NotFound, match="set the alias"):
        shop.publish()


def test_given_another_file_than_the_tag_says_when_published_then_the_old_release_goes_on() -> None:
    shop = Shop()
    first = shop.publish()
    shop.registry.add(model_ref(MODEL_B, Variant.B, "2"), b"something else")

    with pytest.raises(ModelUnusable, match="version 2"):
        shop.publish()

    assert shop.serving == release_key(first.digest)


def test_given_a_bucket_that_fails_when_published_then_the_parameter_stays() -> None:
    shop = Shop()
    shop.artifacts.down = True

    with pytest.raises(StoreUnavailable):
        shop.publish()

    assert shop.serving == "none"
