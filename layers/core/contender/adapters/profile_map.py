"""Profiles of a window too large for one function: object by object, in parallel, then merged."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import ExitStack

from contender.adapters.kept_profiles import KeptProfiles
from contender.adapters.window_source import WindowSource
from contender.domain.dataset import Dataset, parse_dataset
from contender.domain.drift import CategoricalSample, WindowProfile, merge_profiles
from contender.errors import BadInput
from contender.ports import ObjectInfo, ObjectStore


class ProfileMap:
    """The three steps of a map over the objects of a window.

    Each keeps what it made under a name that follows from what it was made of, so that a step that is
    repeated does no harm, and the drift check finds the window's profile and copies nothing.

    Args:
        data: The data bucket.
        profiles: Where profiles are kept.
        scratch: Folder for temporary files; the system's by default.
        threads: Columns that are read at once; the machine's cores by default.
    """

    def __init__(
        self,
        data: ObjectStore,
        profiles: KeptProfiles,
        scratch: str | None = None,
        threads: int | None = None,
    ) -> None:
        self._data, self._profiles = data, profiles
        self._scratch, self._threads = scratch, threads or os.cpu_count() or 1

    def reference(self, prefix: str) -> str:
        """Makes sure that the profile of the reference is kept.

        Args:
            prefix: Where it lies.

        Returns:
            The profile's key.

        Raises:
            BadInput: When it has no data, or a file cannot be read.
            StoreUnavailable: When a bucket does not answer.
        """
        objects, dataset = self._objects(prefix), self._dataset()
        key = self._known(self._profiles.reference_key(objects, dataset))
        if self._profiles.get(key) is None:
            self._profiles.put(key, self._profile(objects, dataset, None))
        return key

    def profile(self, reference_key: str, key: str) -> str:
        """Profiles one object of a window.

        Args:
            reference_key: What ``reference`` gave.
            key: The object.

        Returns:
            The key of its profile.

        Raises:
            BadInput: When the object is empty or cannot be read.
            StoreUnavailable: When a bucket does not answer.
        """
        objects = [info for info in self._objects(key) if info.key == key]
        part_key = self._known(self._profiles.window_key(reference_key, objects))
        reference = self._kept(reference_key, "run the step `reference` first")
        if self._profiles.get(part_key) is None:
            self._profiles.put(part_key, self._profile(objects, self._dataset(), reference))
        return part_key

    def merge(self, reference_key: str, prefix: str) -> str:
        """Merges the profiles of all objects of a window.

        Args:
            reference_key: What ``reference`` gave.
            prefix: Where the window lies.

        Returns:
            The key of the window's profile, under which the drift check finds it.

        Raises:
            BadInput: When an object has no profile: it came or changed meanwhile.
            StoreUnavailable: When a bucket does not answer.
        """
        objects = self._objects(prefix)
        key = self._known(self._profiles.window_key(reference_key, objects))
        reference = self._kept(reference_key, "run the step `reference` first")
        known = {
            name: list(column.counts)
            for name, column in reference.columns.items()
            if isinstance(column, CategoricalSample)
        }
        parts = (
            self._kept(
                self._known(self._profiles.window_key(reference_key, [info])),
                f"{self._data.uri(info.key)} came or changed meanwhile; profile the window again",
            )
            for info in objects
        )
        self._profiles.put(key, merge_profiles(parts, known))
        return key

    def _objects(self, prefix: str) -> list[ObjectInfo]:
        objects = [info for info in self._data.list(prefix) if info.size > 0]
        if not objects:
            raise BadInput.of(self._data.uri(prefix), "holds no data", "upload it first")
        return objects

    def _dataset(self) -> Dataset:
        return parse_dataset(json.loads(self._data.get("dataset.json")))

    def _known(self, key: str | None) -> str:
        if key is None:
            raise BadInput.of("objects", "have no entity tags", "keep them in S3")
        return key

    def _kept(self, key: str, fix: str) -> WindowProfile:
        profile = self._profiles.get(key)
        if profile is None:
            raise BadInput.of(key, "is not there", fix)
        return profile

    def _profile(
        self, objects: Sequence[ObjectInfo], dataset: Dataset, reference: WindowProfile | None
    ) -> WindowProfile:
        with ExitStack() as stack:
            source = WindowSource(self._data, objects, dataset, self._scratch, self._threads, stack)
            return source.profile(reference)
