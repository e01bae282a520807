"""Back to an earlier release: at once for the routers, then for the registry, and told in the history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contender.domain.assignment import Variant
from contender.domain.lifecycle import ACTING, Deed, HistoryEntry, Stage
from contender.domain.release import NO_RELEASE, RELEASES, Release, release_digest, release_key
from contender.errors import BadInput, Conflict, NotFound, StoreUnavailable
from contender.experiment_ports import Experiments
from contender.ports import ObjectStore, Parameter, Parameters, Registry, read_parameter
from contender.usecases.call_off import call_off, known_experiments
from contender.usecases.claims import HOLD_S, REGISTRY, ROLLBACK, Claim
from contender.usecases.evaluate import RECENT
from contender.usecases.predict import iso_utc
from contender.usecases.queue import settle
from contender.usecases.released import pointed_at, read_release

PREVIOUS = "previous"
WAIT_S = int(HOLD_S) + 5
"""Longest wait for the registry, in seconds: what a task that died holds has expired by then."""
LOOK = "see --list, and go back again if it is still wanted"


class ServesAlready(Conflict):
    """The release serves, and the registry says the same: there is nothing to do."""


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
    may be down. One at a time, by a claim; a second is refused before it does anything. Models that wait go
    on waiting.

    Args:
        artifacts: The artifact bucket.
        parameters: Live configuration.
        experiments: Experiments and history.
        registry: The model registry; ``None`` where nobody knows it.
        release_parameter: Name of the parameter that points to the release.
        clock: Epoch seconds.
        sleep: Waits some seconds.
        token: Different for every rollback.
    """

    def __init__(
        self,
        artifacts: ObjectStore,
        parameters: Parameters,
        experiments: Experiments,
        registry: Registry | None,
        release_parameter: str,
        clock: Callable[[], float],
        sleep: Callable[[float], object],
        token: str,
    ) -> None:
        self._artifacts = artifacts
        self._parameters = parameters
        self._experiments = experiments
        self._registry = registry
        self._release_parameter = release_parameter
        self._clock = clock
        self._sleep = sleep
        self._token = token

    def releases(self) -> Sequence[KnownRelease]:
        """Gives every release that there was, the newest manifest first. Raises ``StoreUnavailable``."""
        current = pointed_at(self._pointer())
        found = sorted(self._artifacts.list(RELEASES), key=lambda info: info.modified, reverse=True)
        return [
            KnownRelease(
                digest=release_digest(info.key),
                published_at=iso_utc(info.modified),
                versions=_versions(self._read(release_digest(info.key))),
                in_force=info.key == current,
            )
            for info in found
        ]

    def __call__(self, to: str, who: str) -> RolledBack:
        """Goes back, or completes an earlier try that could not move the aliases.

        Args:
            to: Start of a release's digest, or ``previous`` for the one that served before this one.
            who: Who wants it, for the history.

        Returns:
            What was done.

        Raises:
            BadInput: When no release, or more than one, is meant.
            NotFound: When its manifest or a model's file is gone.
            ServesAlready: When it does, and the registry says the same.
            Conflict: When another rollback is at work, or something else was published meanwhile.
            StoreUnavailable: When S3, SSM or DynamoDB does not answer. The registry may be down.
        """
        owner = f"{who} ({self._token})"
        claim = Claim(self._experiments, ROLLBACK, owner, self._clock)
        holder = claim.take()
        if holder:
            raise Conflict(f"another rollback is at work, by {holder}, so this one did nothing; {LOOK}")
        with claim.held():
            return self._go_back(to, who, claim, Claim(self._experiments, REGISTRY, owner, self._clock))

    def _go_back(self, to: str, who: str, claim: Claim, registry_claim: Claim) -> RolledBack:
        pointer = self._pointer()
        current = pointed_at(pointer)
        digest = self._previous(current) if to == PREVIOUS else self._meant(to)
        key = release_key(digest)
        release = self._read(digest)
        for model in release.variants.values():
            if not self._artifacts.exists(model.model_key):
                raise NotFound(f"the model file {model.model_key} of release {digest[:12]} is gone")
        known = known_experiments(pointer, self._artifacts, self._experiments)
        notes = call_off(self._experiments, known, ACTING, self._clock)
        repeats = key == current and not notes
        if pointer is not None and repeats:
            version = pointer.version
        else:
            claim.keep()
            version = self._parameters.put(self._release_parameter, key)
            # Also what was decided at this very moment; and nobody decides any more about what was in force.
            notes += call_off(self._experiments, known, ACTING | {Stage.RUNNING}, self._clock)
            self._tell(release, digest, current, who)
        moved, changed, told = self._move_aliases(release, claim, registry_claim)
        claim.keep()
        self._check(key, version, bool(notes))
        if repeats and moved and not changed:
            raise ServesAlready(f"release {digest[:12]} serves already")
        return RolledBack(
            digest,
            "" if current == NO_RELEASE else release_digest(current),
            _versions(release),
            moved,
            (*notes, *told),
        )

    def _tell(self, release: Release, digest: str, current: str, who: str) -> None:
        self._experiments.append(
            HistoryEntry(
                at=iso_utc(self._clock()),
                deed=Deed.ROLLED_BACK,
                who=who,
                from_release="" if current == NO_RELEASE else release_digest(current),
                to_release=digest,
                detail=f"back to {_versions(release)}",
            )
        )

    def _check(self, key: str, version: int, called_off: bool) -> None:
        """A publication that was under way, as the last step of what was called off, is undone."""
        found = self._pointer()
        if found is None or found.version <= version or found.value.strip() == key:
            return  # an answer of SSM that is older than the write says nothing
        if called_off:
            self._parameters.put(self._release_parameter, key)
            return
        raise Conflict(f"{found.value.strip()} was published by another program meanwhile; {LOOK}")

    def _pointer(self) -> Parameter | None:
        return read_parameter(self._parameters, self._release_parameter)

    def _previous(self, current: str) -> str:
        for parameter in self._parameters.history(self._release_parameter):
            key = parameter.value.strip()
            if key not in (current, NO_RELEASE):
                return release_digest(key)
        raise BadInput.of("--to", "no release served before this one", "name one, see --list")

    def _meant(self, start: str) -> str:
        found = [
            release_digest(info.key)
            for info in self._artifacts.list(RELEASES)
            if release_digest(info.key).startswith(start)
        ]
        if not start or len(found) != 1:
            raise BadInput.of("--to", f"{len(found)} releases start with {start!r}", "name one, see --list")
        return found[0]

    def _read(self, digest: str) -> Release:
        return read_release(self._artifacts, release_key(digest))

    def _move_aliases(
        self, release: Release, claim: Claim, registry_claim: Claim
    ) -> tuple[bool, bool, list[str]]:
        """Tells whether the registry says the same now, whether that changed it, and what to know."""
        again = f"the next publication would undo this: repeat it with --to {release.digest[:12]}"
        if self._registry is None:
            return False, False, [f"MLflow is not known here, so its aliases were not moved; {again}"]
        champion = release.variants[Variant.A].model_version
        challenger = release.variants.get(Variant.B)
        try:
            self._wait_for(registry_claim, claim)
            with registry_claim.held():
                settled = settle(
                    self._registry,
                    champion,
                    "" if challenger is None else challenger.model_version,
                    [
                        record.experiment_id
                        for record in self._experiments.recent(RECENT)
                        if record.stage is Stage.SUPERSEDED
                    ],
                    "a person went back to an earlier release",
                )
        except (StoreUnavailable, NotFound, Conflict) as error:
            return False, False, [f"MLflow's aliases were not all moved ({error}); {again}"]
        return True, settled.changed, _waits(settled.waiting, challenger is not None)

    def _wait_for(self, registry_claim: Claim, claim: Claim) -> None:
        """Lets a task that was called off end its step; it looks before each, and one that died expires."""
        for _ in range(WAIT_S):
            if not registry_claim.take():
                return
            claim.keep()
            self._sleep(1.0)


def _waits(waiting: Sequence[str], until_end: bool) -> list[str]:
    if not waiting:
        return []
    told = f"versions {', '.join(waiting)} wait" if len(waiting) > 1 else f"version {waiting[0]} waits"
    if until_end:
        return [f"{told} until the experiment that begins now has ended"]
    return [
        f"{told}, and a rollback calls nobody: python -m scripts.publish --next makes the newest challenger"
    ]


def _versions(release: Release) -> dict[str, str]:
    return {
        variant.value: release.variants[variant].model_version
        for variant in Variant
        if variant in release.variants
    }
