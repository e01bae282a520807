from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contender.domain.assignment import Variant
from contender.domain.dataset import Dataset, Kind, Task
from contender.domain.release import ALIASES, ModelRef, Release, parse_release, release_key
from contender.errors import BadInput
from tests.support.world import DATASET, MODEL_A, MODEL_B, MODEL_C, REGRESSION, release_of

names = st.text(min_size=1, max_size=8)


@st.composite
def releases(draw: st.DrawFn) -> Release:
    columns = draw(st.lists(names, min_size=2, max_size=5, unique=True))
    task = draw(st.sampled_from(Task))
    dataset = Dataset(
        task, columns[0], {name: draw(st.sampled_from(Kind)) for name in columns[1:]}, name=draw(names)
    )
    labels = st.lists(st.integers() | names, min_size=2, unique=True).map(tuple)

    def reference(variant: Variant) -> ModelRef:
        return ModelRef(
            alias=ALIASES[variant],
            model_name=draw(names),
            model_version=draw(names),
            run_id=draw(names),
            model_key=draw(names),
            sha256=sha256(draw(st.binary(max_size=2))).hexdigest(),
            bytes=draw(st.integers(0)),
            classes=draw(labels) if task is Task.CLASSIFICATION else None,
            libraries=draw(st.dictionaries(names, names, max_size=2)),
        )

    variants = draw(st.sampled_from([[Variant.A], [Variant.A, Variant.B]]))
    return Release(dataset, {variant: reference(variant) for variant in variants})


@given(release=releases())
def test_a_manifest_is_read_back_whole_and_in_order(release: Release) -> None:
    content = release.to_json()
    again = parse_release(content)
    assert again == release
    assert list(again.dataset.features) == list(release.dataset.features)
    assert again.to_json() == content
    assert release.digest == sha256(content).hexdigest()
    assert (again.digest, again.salt) == (release.digest, release.salt)


@given(release=releases())
def test_the_order_in_which_parts_were_put_does_not_matter(release: Release) -> None:
    turned = Release(release.dataset, dict(reversed(release.variants.items())))
    assert turned.digest == release.digest


def test_the_order_of_features_does_matter() -> None:
    turned = Dataset(
        DATASET.task, DATASET.target, dict(reversed(DATASET.features.items())), name=DATASET.name
    )
    assert release_of(dataset=turned).digest != release_of().digest


def test_a_manifest_is_canonical_json_without_time() -> None:
    document = json.loads(release_of().to_json())
    assert json.dumps(document, sort_keys=True, separators=(",", ":")).encode() == release_of().to_json()
    assert set(document) == {"format", "dataset", "salt", "variants"}
    assert set(document["variants"]) == {"A", "B"}


def test_the_salt_names_the_challenger_and_is_empty_without_one() -> None:
    salts = {release_of(b=challenger).salt for challenger in (MODEL_B, MODEL_C)}
    assert len(salts) == 2
    assert release_of(b=None).salt == ""


def test_a_new_champion_does_not_change_the_salt() -> None:
    assert release_of(a=MODEL_C).salt == release_of(a=MODEL_A).salt


def test_a_regression_has_no_classes() -> None:
    release = parse_release(release_of(dataset=REGRESSION, classes=None).to_json())
    assert release.variants[Variant.A].classes is None


def test_the_key_holds_the_digest() -> None:
    assert release_key("abc") == "releases/abc.json"


def changed(**changes: Any) -> bytes:
    return json.dumps({**json.loads(release_of().to_json()), **changes}).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"3",
        b"{}",
        b'"text"',
        changed(format=2),
        changed(dataset=None),
        changed(dataset={"features": 3}),
        changed(dataset={"features": [["a"]]}),
        changed(variants=[]),
        changed(variants={"C": {}}),
        changed(variants={"A": {}}),
        changed(variants={"A": {"classes": None, "more": 1}}),
        changed(variants={"A": 3}),
    ],
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput, match="publish"):
        parse_release(content)
