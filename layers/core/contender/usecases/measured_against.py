"""Which window drift is measured against: one rule for the check and for the map that profiles for it."""

from __future__ import annotations

from contender.domain.assignment import Variant
from contender.domain.release import NO_RELEASE
from contender.errors import BadInput, NotFound
from contender.ports import ObjectStore, Observer, Parameters, read_parameter
from contender.usecases.released import pointed_at, read_release

REFERENCE = "reference/"
"""Prefix of the first window of all."""


def release_in_force(parameters: Parameters, name: str) -> str:
    """Reads the release parameter; ``NO_RELEASE`` where there is none. Raises ``StoreUnavailable``."""
    return pointed_at(read_parameter(parameters, name))


def measured_against(release: str, data: ObjectStore, artifacts: ObjectStore, observer: Observer) -> str:
    """Names the window that the champion was trained on: drift is what it has not learned from.

    Args:
        release: What ``release_in_force`` gave.
        data: The data bucket.
        artifacts: The artifact bucket.
        observer: Is told when the window cannot be found out, or is gone.

    Returns:
        Its prefix; that of the first window of all where there is no release, where the release does not
        say, or where that window is gone.

    Raises:
        StoreUnavailable: When a bucket does not answer.
    """
    if release == NO_RELEASE:
        return REFERENCE
    try:
        prefix = read_release(artifacts, release).variants[Variant.A].train_prefix
    except (BadInput, KeyError, NotFound) as error:
        observer.problem("release_unread", f"{release}: {error}")
        return REFERENCE
    if not prefix or prefix == REFERENCE:
        return REFERENCE
    if any(info.size > 0 for info in data.list(prefix)):
        return prefix
    observer.problem("reference_gone", f"{data.uri(prefix)} holds no data any more")
    return REFERENCE
