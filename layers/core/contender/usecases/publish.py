"""Turns the registry's aliases into a release: the one way in which a model reaches traffic."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from contender.domain.assignment import Variant
from contender.domain.dataset import Dataset
from contender.domain.release import ALIASES, NO_RELEASE, ModelRef, Release, release_key
from contender.errors import ModelUnusable, NotFound
from contender.ports import ObjectStore, Parameters, Registry, read_parameter


@dataclass(frozen=True, slots=True)
class Published:
    """What a publication did.

    Attributes:
        release: What serves now.
        digest: Its digest.
        previous: Value of the release parameter before; ``none`` when there was no release.
        copied: Keys of the model files that were copied into the artifact bucket.
        changed: Whether the parameter was moved; ``False`` when this release served already.
    """

    release: Release
    digest: str
    previous: str
    copied: tuple[str, ...]
    changed: bool

    @property
    def summary(self) -> str:
        """The same in one sentence."""
        serving = ", ".join(
            f"{variant.value} = {model.alias} version {model.model_version}"
            for variant, model in self.release.variants.items()
        )
        if not self.changed:
            return f"nothing to do: release {self.digest[:12]} serves already ({serving})"
        return f"release {self.digest[:12]} serves ({serving}); before: {self.previous}"


def publish(
    registry: Registry,
    artifacts: ObjectStore,
    parameters: Parameters,
    dataset: Dataset,
    release_parameter: str,
) -> Published:
    """Publishes what the aliases say.

    Model files first, then the manifest, then the parameter that routers read: a router never sees a
    release whose parts are not there. Doing it twice changes nothing the second time, and a crash half-way
    leaves the old release serving.

    Args:
        registry: Its aliases ``champion`` and ``challenger`` are the truth.
        artifacts: The artifact bucket.
        parameters: Live configuration.
        dataset: Declaration that requests are checked against.
        release_parameter: Name of the parameter that points to the release.

    Returns:
        What serves now and what was changed.

    Raises:
        NotFound: When no version bears the alias ``champion``, or a version's file is gone.
        ModelUnusable: When a file is not the one whose digest its version bears.
        StoreUnavailable: When a service does not answer.
    """
    champion = registry.by_alias(ALIASES[Variant.A])
    if champion is None:
        raise NotFound(
            f"no model version bears the alias {ALIASES[Variant.A]!r}: "
            "train a model, or set the alias in MLflow"
        )
    variants = {Variant.A: champion}
    challenger = registry.by_alias(ALIASES[Variant.B])
    # After a promotion by hand both aliases may name one version: nothing to compare, so no experiment.
    if challenger is not None and challenger.model_version != champion.model_version:
        variants[Variant.B] = challenger
    copied = tuple(model.model_key for model in variants.values() if _copy(registry, artifacts, model))
    release = Release(dataset=dataset, variants=variants)
    digest = release.digest
    key = release_key(digest)
    if not artifacts.exists(key):
        artifacts.put(key, release.to_json(), "application/json")
    current = read_parameter(parameters, release_parameter)
    previous = NO_RELEASE if current is None else current.value
    changed = previous != key
    if changed:
        parameters.put(release_parameter, key)
    return Published(release, digest, previous, copied, changed)


def _copy(registry: Registry, artifacts: ObjectStore, model: ModelRef) -> bool:
    if artifacts.exists(model.model_key):
        return False
    content = registry.model_bytes(model)
    digest = sha256(content).hexdigest()
    if digest != model.sha256:
        raise ModelUnusable(
            f"{model.model_name} version {model.model_version}: its file has digest {digest[:12]}…, "
            f"its tag says {model.sha256[:12]}…; train it again"
        )
    artifacts.put(model.model_key, content)
    return True
