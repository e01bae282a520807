"""Back to an earlier release: at once for the routers, then for the registry, and told in the history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from contender.domain.assignment import Variant
from contender.domain.lifecycle import ACTING, Deed, HistoryEntry, Stage
from contender.domain.release import ALIASES, NO_RELEASE, Release, release_key
from contender.errors import BadInput, Conflict, NotFound, StoreUnavailable
from contender.experiment_ports import Experiments
from contender.ports import ObjectStore, Parameters, Registry
from contender.usecases.evaluate import RECENT
from contender.usecases.predict import iso_utc
from contender.usecases.released import read_release

PREVIOUS = "previous"
FOLDER = "releases/"


@dataclass(frozen=True, slots=True)
class KnownRelease:
    """A release that there was.

    Attributes:
        digest: Its digest.
        published_at: When its manifest was written; ISO 8601, UTC.
        versions: Variant → model version.
        in_force: Whether it serves now.
    """

    digest: str
    published_at: str
    versions: dict[str, str]
    in_force: bool


@dataclass(frozen=True, slots=True)
class RolledBack:
    """What a rollback did.

    Attributes:
        digest: The release that serves within 10 s.
        before: The one that served.
        versions: Variant → model version, as they serve now.
        aliases_moved: Whether the registry's aliases say the same.
        notes: What a person has to know besides.
    """

    digest: str
    before: str
    versions: dict[str, str]
    aliases_moved: bool
    notes: tuple[str, ...]


class RollBack:
    """The use case behind ``scripts/rollback``.

    The release parameter first: that alone is what routers follow, and it must not wait for a registry that
    may be down.

    Args:
        artifacts: The artifact bucket.
        parameters: Live configuration.
        experiments: Experiments and history.
        registry: The model registry; ``None`` where nobody knows it.
        release_parameter: Name of the parameter that points to the release.
        clock: Epoch seconds.
    """

    def __init__(
        self,
        artifacts: ObjectStore,
        parameters: Parameters,
        experiments: Experiments,
        registry: Registry | None,
        release_parameter: str,
        clock: Callable[[], float],
    ) -> None:
        self._artifacts = artifacts
        self._parameters = parameters
        self._experiments = experiments
        self._registry = registry
        self._release_parameter = release_parameter
        self._clock = clock

    def releases(self) -> Sequence[KnownRelease]:
        """Gives every release that there was, the newest manifest first. Raises ``StoreUnavailable``."""
        current = self._current()
        found = sorted(self._artifacts.list(FOLDER), key=lambda info: info.modified, reverse=True)
        return [
            KnownRelease(
                digest=_digest(info.key),
                published_at=iso_utc(info.modified),
                versions=_versions(self._read(_digest(info.key))),
                in_force=info.key == current,
            )
            for info in found
        ]

    def __call__(self, to: str, who: str) -> RolledBack:
        """Goes back.

        Args:
            to: Start of a release's digest, or ``previous`` for the one that served before this one.
            who: Who wants it, for the history.

        Returns:
            What was done.

        Raises:
            BadInput: When no release, or more than one, is meant.
            NotFound: When its manifest or a model's file is gone.
            Conflict: When it serves already.
            StoreUnavailable: When S3, SSM or DynamoDB does not answer. The registry may be down.
        """
        current = self._current()
        digest = self._previous(current) if to == PREVIOUS else self._meant(to)
        if release_key(digest) == current:
            raise Conflict(f"release {digest[:12]} serves already")
        release = self._read(digest)
        for model in release.variants.values():
            if not self._artifacts.exists(model.model_key):
                raise NotFound(f"the model file {model.model_key} of release {digest[:12]} is gone")
        notes = self._call_off()
        self._parameters.put(self._release_parameter, release_key(digest))
        before = "" if current == NO_RELEASE else _digest(current)
        self._experiments.append(
            HistoryEntry(
                at=iso_utc(self._clock()),
                deed=Deed.ROLLED_BACK,
                who=who,
                from_release=before,
                to_release=digest,
                detail=f"back to {_versions(release)}",
            )
        )
        moved, why = self._move_aliases(release)
        notes += [] if moved else [why]
        return RolledBack(digest, before, _versions(release), moved, tuple(notes))

    def _current(self) -> str:
        found = self._parameters.get([self._release_parameter]).get(self._release_parameter)
        return NO_RELEASE if found is None else found.value.strip()

    def _previous(self, current: str) -> str:
        for parameter in self._parameters.history(self._release_parameter):
            key = parameter.value.strip()
            if key not in (current, NO_RELEASE):
                return _digest(key)
        raise BadInput.of("--to", "no release served before this one", "name one, see --list")

    def _meant(self, start: str) -> str:
        found = [
            _digest(info.key) for info in self._artifacts.list(FOLDER) if _digest(info.key).startswith(start)
        ]
        if not start or len(found) != 1:
            raise BadInput.of("--to", f"{len(found)} releases start with {start!r}", "name one, see --list")
        return found[0]

    def _read(self, digest: str) -> Release:
        return read_release(self._artifacts, release_key(digest))

    def _call_off(self) -> list[str]:
        """A verdict that is just being carried out must not publish over the rollback."""
        notes = []
        for record in self._experiments.recent(RECENT):
            if record.stage not in ACTING:
                continue
            detail = "a person went back to an earlier release before it was carried out"
            try:
                self._experiments.save(
                    replace(record, stage=Stage.SUPERSEDED, ended_at=iso_utc(self._clock()), detail=detail)
                )
            except Conflict:
                notes.append("a verdict was carried out at this very moment: look at what serves now")
            else:
                notes.append(f"experiment {record.experiment_id} was {record.stage.value}: called off")
        return notes

    def _move_aliases(self, release: Release) -> tuple[bool, str]:
        again = "the next publication would undo this: repeat it when MLflow answers, or move them by hand"
        if self._registry is None:
            return False, f"MLflow is not known here, so its aliases were not moved; {again}"
        try:
            for variant, alias in ALIASES.items():
                model = release.variants.get(variant)
                if model is None:
                    self._registry.remove_alias(alias)
                else:
                    self._registry.set_alias(alias, model.model_version)
        except (StoreUnavailable, NotFound) as error:
            return False, f"MLflow's aliases were not all moved ({error}); {again}"
        return True, ""


def _digest(key: str) -> str:
    return key.removeprefix(FOLDER).removesuffix(".json")


def _versions(release: Release) -> dict[str, str]:
    return {
        variant.value: release.variants[variant].model_version
        for variant in Variant
        if variant in release.variants
    }
