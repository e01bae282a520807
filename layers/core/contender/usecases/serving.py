"""What a router holds in memory: models and split, never older than a promised age."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from types import MappingProxyType

from contender.domain.assignment import Variant
from contender.domain.release import NO_RELEASE, ModelRef, Release, release_digest
from contender.domain.split import Ignored, Split, format_share, parse_share
from contender.errors import BadInput, ContenderError
from contender.ports import Model, ModelLoader, ObjectStore, Observer, Parameter, Parameters
from contender.usecases.released import read_release

UNREAD_SPLIT = Split(share_b=0.0, version=0)
"""Until a valid split has been read everything goes to the champion: the safe side."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What serves at one moment.

    Attributes:
        release: The release in force; ``None`` before the first.
        digest: Its digest; empty without one.
        models: The variants that could be loaded.
        failures: For each variant that could not, why.
        split: The split in force.
        ignored: What the parameter of the split holds instead of a share, while ``split`` stays in force;
            ``None`` where it holds one.
        unread: Why no release could be read, though one may be published; empty where there is one, or where
            the parameter says that there is none.
    """

    release: Release | None = None
    digest: str = ""
    models: Mapping[Variant, Model] = field(default_factory=dict)
    failures: Mapping[Variant, str] = field(default_factory=dict)
    split: Split = UNREAD_SPLIT
    ignored: Ignored | None = None
    unread: str = ""

    @property
    def lack(self) -> str:
        """Why there is no release, and what to do, for whoever needs one."""
        if self.unread:
            return f"the release cannot be read ({self.unread}); if its file is gone, run scripts/publish"
        return "no release is published yet; train a first model, or run scripts/publish"


class Serving:
    """Keeps a snapshot fresh with one parameter read per ``refresh_s``, on the request that finds it old.

    Whatever goes wrong on the way (no SSM, no S3, a bad split, a missing parameter, a manifest that does not
    load or of which no model does) leaves what served before in place and is reported; a release of which
    one model loads is served by that one. What failed is tried again at the next refresh. Models are kept by
    digest, so that a release that changes one variant loads one model. Safe to use from several threads: one
    refreshes, the others do not wait.

    Args:
        parameters: Live configuration.
        artifacts: The artifact bucket.
        load_model: Turns a model file into a model.
        observer: Where problems and changes are reported.
        release_parameter: Name of the parameter that points to the release.
        split_parameter: Name of the parameter that holds the share of B.
        refresh_s: Longest age of a snapshot, in seconds.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        parameters: Parameters,
        artifacts: ObjectStore,
        load_model: ModelLoader,
        observer: Observer,
        release_parameter: str,
        split_parameter: str,
        refresh_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._parameters = parameters
        self._artifacts = artifacts
        self._load_model = load_model
        self._observer = observer
        self._release_parameter = release_parameter
        self._split_parameter = split_parameter
        self._refresh_s = refresh_s
        self._clock = clock
        self._lock = Lock()
        self._snapshot = Snapshot()
        self._read_at: float | None = None
        self._split_modified = 0.0

    def snapshot(self) -> Snapshot:
        """Gives what serves now, after a refresh if the last one is too old."""
        if self._read_at is not None and self._clock() - self._read_at < self._refresh_s:
            return self._snapshot
        # The first request has nothing to serve from and waits; later ones serve what there is.
        if self._lock.acquire(blocking=self._read_at is None):
            try:
                if self._read_at is None or self._clock() - self._read_at >= self._refresh_s:
                    self._refresh()
            finally:
                self._lock.release()
        return self._snapshot

    def set_split(self, share_b: float) -> Split:
        """Changes the split for every router, and for this one at once.

        Args:
            share_b: Share of B, in [0, 1].

        Returns:
            The split now in force, with the version of its parameter.

        Raises:
            StoreUnavailable: When the parameter cannot be written.
        """
        with self._lock:  # held while writing: what is written last is also what stands here last
            split = Split(share_b, self._parameters.put(self._split_parameter, format_share(share_b)))
            self._snapshot = replace(self._snapshot, split=split, ignored=None)
        return split

    def _refresh(self) -> None:
        asked_at = self._clock()
        try:
            found = self._parameters.get([self._release_parameter, self._split_parameter])
        except ContenderError as error:
            self._observer.problem("parameters_unread", str(error))
            self._snapshot = self._without(str(error))
            self._read_at = self._clock()  # after the time-outs, or every request would wait for them
            return
        split, ignored = self._new_split(found.get(self._split_parameter))
        served = self._with_release(found.get(self._release_parameter))
        self._snapshot = replace(served, split=split, ignored=ignored)
        self._read_at = asked_at  # loading a model does not make the split any younger

    def _new_split(self, parameter: Parameter | None) -> tuple[Split, Ignored | None]:
        current = self._snapshot.split
        if parameter is None:
            self._observer.problem("split_invalid", f"{self._split_parameter} does not exist")
            return current, None
        if parameter.version < current.version and parameter.modified <= self._split_modified:
            # A lagging replica answered; a parameter created anew would be younger.
            return current, self._snapshot.ignored
        self._split_modified = parameter.modified
        try:
            split = Split(parse_share(parameter.value), parameter.version)
        except BadInput as error:
            self._observer.problem("split_invalid", f"{self._split_parameter}: {error}")
            return current, Ignored(parameter.value[:40], parameter.version, str(error))
        if split != current:
            self._observer.note("split_changed", share_b=split.share_b, version=split.version)
        return split, None

    def _with_release(self, parameter: Parameter | None) -> Snapshot:
        current = self._snapshot
        if parameter is None:
            why = f"{self._release_parameter} does not exist"
            self._observer.problem("release_unread", why)
            return self._without(why)
        key = parameter.value.strip()
        if key == NO_RELEASE:
            return Snapshot()
        digest = release_digest(key)
        if digest == current.digest and not current.failures:
            return current
        try:
            release = current.release if digest == current.digest else read_release(self._artifacts, key)
        except ContenderError as error:
            self._observer.problem("release_unread", f"{key}: {error}")
            return self._without(f"{key}: {error}")
        assert release is not None
        models, failures = self._load(release)
        if current.models and not models:
            return current
        if digest != current.digest:
            versions = {variant.value: model.model_version for variant, model in release.variants.items()}
            self._observer.note("release_changed", release=digest, versions=versions)
        return Snapshot(release, digest, MappingProxyType(models), MappingProxyType(failures))

    def _without(self, why: str) -> Snapshot:
        """What serves on; if that is nothing it says why."""
        current = self._snapshot
        return replace(current, unread=why) if current.release is None else current

    def _load(self, release: Release) -> tuple[dict[Variant, Model], dict[Variant, str]]:
        models: dict[Variant, Model] = {}
        failures: dict[Variant, str] = {}
        for variant, reference in release.variants.items():
            loaded = self._already_loaded(reference)
            try:
                models[variant] = loaded or self._load_model(
                    self._artifacts.get(reference.model_key), reference
                )
            except ContenderError as error:
                failures[variant] = str(error)
                self._observer.problem("model_unloadable", f"{variant}: {error}")
        return models, failures

    def _already_loaded(self, reference: ModelRef) -> Model | None:
        if self._snapshot.release is None:
            return None
        for variant, held in self._snapshot.release.variants.items():
            if held.sha256 == reference.sha256 and held.classes == reference.classes:
                return self._snapshot.models.get(variant)
        return None
