"""What serves: an immutable manifest, named by its own digest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from contender.domain.assignment import Variant
from contender.domain.dataset import Dataset, parse_dataset
from contender.errors import BadInput

FORMAT = 1
ALIASES: Mapping[Variant, str] = MappingProxyType({Variant.A: "champion", Variant.B: "challenger"})
"""The registry alias that each variant serves."""

NO_RELEASE = "none"
"""Value of the release parameter before the first release (SSM has no empty values)."""

Label = int | str
"""A class label, as the model's ``prediction`` output gives it."""


@dataclass(frozen=True, slots=True)
class ModelRef:
    """One model version, pinned to the bytes of its file.

    Attributes:
        alias: Registry alias (``champion``, ``challenger``).
        model_name: Registered model.
        model_version: Its version.
        run_id: The MLflow run that trained it.
        model_key: Key of the ONNX file in the artifact bucket: ``models/<sha256>.onnx``.
        sha256: Digest of that file, in hex.
        bytes: Its size.
        classes: Labels in the order of the model's probability outputs; ``None`` for regression.
        libraries: Library → version that the file was made and checked with.
        train_prefix: Prefix, in the data bucket, of the window that it was trained on; empty where unknown.
    """

    alias: str
    model_name: str
    model_version: str
    run_id: str
    model_key: str
    sha256: str
    bytes: int
    classes: tuple[Label, ...] | None
    libraries: Mapping[str, str] = field(default_factory=dict)
    train_prefix: str = ""

    def to_dict(self) -> dict[str, object]:
        """Gives plain JSON types."""
        return {
            "alias": self.alias,
            "model_name": self.model_name,
            "model_version": self.model_version,
            "run_id": self.run_id,
            "model_key": self.model_key,
            "sha256": self.sha256,
            "bytes": self.bytes,
            "classes": None if self.classes is None else list(self.classes),
            "libraries": dict(self.libraries),
            "train_prefix": self.train_prefix,
        }


@dataclass(frozen=True, slots=True)
class Release:
    """The models that serve together.

    Attributes:
        dataset: Declaration that requests are checked against.
        variants: A, and B while there is a challenger.
    """

    dataset: Dataset
    variants: Mapping[Variant, ModelRef]

    @property
    def salt(self) -> str:
        """Names the experiment: it changes with every challenger; empty without one."""
        challenger = self.variants.get(Variant.B)
        return "" if challenger is None else f"{challenger.model_version}-{challenger.sha256[:16]}"

    def to_json(self) -> bytes:
        """Gives the canonical manifest: sorted keys, no blanks, UTF-8, nothing that depends on time."""
        document = {
            "format": FORMAT,
            # An ordered list beside the object: canonical JSON sorts keys, positional input must not.
            "dataset": {
                **self.dataset.to_dict(),
                "features": [list(item) for item in self.dataset.features.items()],
            },
            "salt": self.salt,
            "variants": {variant.value: model.to_dict() for variant, model in self.variants.items()},
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def digest(self) -> str:
        """SHA-256 of the manifest, in hex."""
        return sha256(self.to_json()).hexdigest()


RELEASES = "releases/"
"""Prefix of the manifests' keys in the artifact bucket."""


def release_key(digest: str) -> str:
    """Key of a manifest in the artifact bucket; also the value of the release parameter."""
    return f"{RELEASES}{digest}.json"


def release_digest(key: str) -> str:
    """Digest in a manifest's key: the opposite of :func:`release_key`. Nothing is checked."""
    return key.removeprefix(RELEASES).removesuffix(".json")


def parse_release(content: bytes) -> Release:
    """Reads a manifest.

    Args:
        content: What :meth:`Release.to_json` wrote.

    Returns:
        The release.

    Raises:
        BadInput: When it is not a manifest of this format.
    """
    try:
        document: dict[str, Any] = json.loads(content)
        if document["format"] != FORMAT:
            raise BadInput.of(
                "format", f"is {document['format']!r}", f"publish again; this reads format {FORMAT}"
            )
        dataset = parse_dataset({**document["dataset"], "features": dict(document["dataset"]["features"])})
        variants = {Variant(name): _model(entry) for name, entry in document["variants"].items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BadInput.of("release", f"is not a manifest: {error!r}", "publish the release again") from error
    return Release(dataset=dataset, variants=MappingProxyType(variants))


def _model(entry: dict[str, Any]) -> ModelRef:
    classes = entry["classes"]
    return ModelRef(**{**entry, "classes": None if classes is None else tuple(classes)})
