"""Reads a release, and believes nothing that its name does not promise."""

from __future__ import annotations

from hashlib import sha256

from contender.domain.release import NO_RELEASE, Release, parse_release, release_key
from contender.errors import BadInput
from contender.ports import ObjectStore, Parameter


def pointed_at(pointer: Parameter | None) -> str:
    """Gives the key that the release parameter holds; ``NO_RELEASE`` where it does not exist."""
    return NO_RELEASE if pointer is None else pointer.value.strip()


def read_release(artifacts: ObjectStore, key: str) -> Release:
    """Reads a manifest.

    Args:
        artifacts: The artifact bucket.
        key: Value of the release parameter.

    Raises:
        BadInput: When it is no manifest, or another one than its name says.
        NotFound: When it is not there.
        StoreUnavailable: When the bucket does not answer.
    """
    content = artifacts.get(key)
    if release_key(sha256(content).hexdigest()) != key:
        raise BadInput.of(key, "does not hold what its name promises", "publish the release again")
    return parse_release(content)
