"""Profiles of windows, kept so that they need not be made again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from contender.domain.dataset import Dataset
from contender.domain.drift import WindowProfile
from contender.domain.drift.buckets import BUCKETS, SAMPLE
from contender.errors import NotFound
from contender.ports import ObjectInfo, ObjectStore

PROFILES = "profiles/"
"""Where they lie in the artifact bucket."""

_FORMAT = 2
"""Another number makes old profiles be made again."""


class KeptProfiles:
    """Profiles in a bucket, each under a digest of all that it was made from.

    Args:
        store: The artifact bucket.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def reference_key(self, objects: Sequence[ObjectInfo], dataset: Dataset) -> str | None:
        """Names the profile of a reference; ``None`` when the store tells no entity tags to know it by."""
        features = {name: kind.value for name, kind in dataset.features.items()}
        return _key(objects, {"edges": [BUCKETS, SAMPLE], "features": features})

    def window_key(self, reference_key: str, objects: Sequence[ObjectInfo]) -> str | None:
        """Names the profile of a window, or of some objects of one, in the buckets of a reference."""
        return _key(objects, {"reference": reference_key})

    def get(self, key: str) -> WindowProfile | None:
        """Reads a profile; ``None`` when there is none. Raises ``StoreUnavailable``."""
        try:
            return WindowProfile.from_dict(json.loads(self._store.get(key)))
        except NotFound:
            return None

    def put(self, key: str, profile: WindowProfile) -> None:
        """Keeps a profile. Raises ``StoreUnavailable``."""
        self._store.put(key, json.dumps(profile.to_dict()).encode(), "application/json")


def _key(objects: Sequence[ObjectInfo], made_with: dict[str, object]) -> str | None:
    if not all(info.etag for info in objects):
        return None
    made_from = {
        "format": _FORMAT,
        "objects": sorted([info.key, info.etag] for info in objects),
        **made_with,
    }
    digest = hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()
    return f"{PROFILES}{digest}.json"
