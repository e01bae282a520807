"""The MLflow Model Registry. MLflow is imported when it is first needed, not with this module."""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contender.domain.release import Label, ModelRef
from contender.errors import NotFound, StoreUnavailable

TRAIN_PREFIX = "train_prefix"
"""Tag of a version: the window that it was trained on."""
MAX_TAG = 5_000
"""Longest value that MLflow keeps in a tag of a version, in characters."""
MODEL_FILE = "model.onnx"
"""File name that MLflow's ONNX flavour gives the graph inside a logged model."""


def model_key(sha256: str) -> str:
    """Key of a model file in the artifact bucket."""
    return f"models/{sha256}.onnx"


@dataclass(frozen=True, slots=True)
class VersionTags:
    """What the tags of a model version say about its file.

    Attributes:
        sha256: Digest of the ONNX file, in hex.
        bytes: Its size.
        classes: Labels in the order of the probability outputs; ``None`` for regression.
        libraries: Library → version.
    """

    sha256: str
    bytes: int
    classes: tuple[Label, ...] | None
    libraries: Mapping[str, str]

    def to_tags(self) -> dict[str, str]:
        """Writes the tags."""
        return {
            "sha256": self.sha256,
            "bytes": str(self.bytes),
            "classes": json.dumps(None if self.classes is None else list(self.classes)),
            "libraries": json.dumps(dict(self.libraries), sort_keys=True),
        }

    @classmethod
    def read(cls, tags: Mapping[str, str]) -> VersionTags:
        """Reads the tags. Raises ``KeyError`` or ``ValueError`` when training did not write them."""
        classes = json.loads(tags["classes"])
        return cls(
            sha256=tags["sha256"],
            bytes=int(tags["bytes"]),
            classes=None if classes is None else tuple(classes),
            libraries=dict(json.loads(tags["libraries"])),
        )


class MlflowRegistry:
    """Implements :class:`contender.ports.Registry`.

    Args:
        tracking_uri: The MLflow server. MLflow keeps it per process: the last registry that was used wins.
        model_name: The registered model.
    """

    def __init__(self, tracking_uri: str, model_name: str) -> None:
        self._tracking_uri = tracking_uri
        self._model_name = model_name

    def by_alias(self, alias: str) -> ModelRef | None:
        """Gives the version behind an alias; ``None`` without it.

        Raises:
            NotFound: When the version lacks the tags that training writes.
            StoreUnavailable: When MLflow does not answer.
        """
        client = self._client()
        with _translated(f"read {self._model_name}@{alias}"):
            model = _or_none(lambda: client.get_registered_model(self._model_name))
            number = None if model is None else model.aliases.get(alias)
            if number is None:
                return None
            version = client.get_model_version(self._model_name, str(number))
        try:
            tags = VersionTags.read(version.tags)
        except (KeyError, ValueError, TypeError) as error:
            raise NotFound(
                f"{self._model_name} version {number} (alias {alias}) was not registered by training: tag "
                f"{error} is missing or unreadable; point the alias at a version that training registered"
            ) from error
        return ModelRef(
            alias=alias,
            model_name=self._model_name,
            model_version=str(number),
            run_id=version.run_id or "",
            model_key=model_key(tags.sha256),
            sha256=tags.sha256,
            bytes=tags.bytes,
            classes=tags.classes,
            libraries=tags.libraries,
            train_prefix=version.tags.get(TRAIN_PREFIX, ""),
        )

    def model_bytes(self, reference: ModelRef) -> bytes:
        """Reads the ONNX file of a version. Raises ``NotFound``, ``StoreUnavailable``."""
        uri = f"models:/{reference.model_name}/{reference.model_version}/{MODEL_FILE}"
        self._client()
        from mlflow.artifacts import download_artifacts

        with _translated(f"download {uri}"), tempfile.TemporaryDirectory() as folder:
            path = Path(download_artifacts(artifact_uri=uri, dst_path=folder))
            if not path.is_file():
                raise NotFound(f"{uri} is not there")
            return path.read_bytes()

    def set_alias(self, alias: str, model_version: str) -> None:
        """Points an alias at a version. Raises ``NotFound``, ``StoreUnavailable``."""
        client = self._client()
        with _translated(f"point {self._model_name}@{alias} at version {model_version}"):
            client.set_registered_model_alias(self._model_name, alias, model_version)

    def remove_alias(self, alias: str) -> None:
        """Removes an alias; nothing happens when it is not set. Raises ``StoreUnavailable``."""
        client = self._client()
        with _translated(f"remove {self._model_name}@{alias}"):
            model = _or_none(lambda: client.get_registered_model(self._model_name))
            if model is not None and alias in model.aliases:
                client.delete_registered_model_alias(self._model_name, alias)

    def tag(self, model_version: str, tags: Mapping[str, str]) -> None:
        """Writes tags on a version. Raises ``NotFound``, ``StoreUnavailable``."""
        client = self._client()
        for name, value in tags.items():
            with _translated(f"tag {self._model_name} version {model_version}"):
                client.set_model_version_tag(self._model_name, model_version, name, value[:MAX_TAG])

    def tagged(self, name: str, value: str) -> Sequence[str]:
        """Gives the versions that bear a tag with a value, newest first. Raises ``StoreUnavailable``."""
        client = self._client()
        query = f"name = '{self._model_name}' AND tags.`{name}` = '{value}'"
        with _translated(f"search versions of {self._model_name} with {name} = {value}"):
            found = client.search_model_versions(query)
        return sorted((str(version.version) for version in found), key=int, reverse=True)

    def _client(self) -> Any:
        import mlflow

        if not self._tracking_uri.startswith("arn:"):
            # sagemaker-mlflow takes every address for an ARN, of which MLflow warns with each call.
            logging.getLogger("mlflow.tracking.request_header.registry").setLevel(logging.ERROR)
        mlflow.set_tracking_uri(self._tracking_uri)
        with _translated(f"use {self._tracking_uri} as the address of MLflow"):
            return mlflow.MlflowClient(self._tracking_uri)


def _or_none(read: Any) -> Any:
    from mlflow.exceptions import MlflowException

    try:
        return read()
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """Raises our errors for what MLflow raises inside; its REST client lets Requests' through at times."""
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException

    try:
        yield
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise NotFound(f"{what}: {error.message}") from error
        raise StoreUnavailable("mlflow", f"{what}: {error.message}") from error
    except (RequestException, OSError) as error:
        raise StoreUnavailable("mlflow", f"{what}: {error}") from error
