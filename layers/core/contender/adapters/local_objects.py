"""A folder on this machine as an object store: an export that was copied here reads like one in S3."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from contender.errors import NotFound, StoreUnavailable
from contender.ports import ObjectInfo


class LocalObjects:
    """Implements :class:`contender.ports.ObjectStore`; keys are paths below the folder, with ``/``.

    Args:
        folder: Created by the first write.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def uri(self, key: str) -> str:
        """Names an object by its path."""
        return str(self._folder / key)

    def get(self, key: str) -> bytes:
        """Reads a file. Raises ``NotFound``, ``StoreUnavailable``."""
        with _translated(f"read {self.uri(key)}"):
            return (self._folder / key).read_bytes()

    def put(self, key: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        """Writes a file, replacing what was there; keeps no content type. Raises ``StoreUnavailable``."""
        path = self._folder / key
        with _translated(f"write {path}"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def exists(self, key: str) -> bool:
        """Tells whether a file is there."""
        return (self._folder / key).is_file()

    def list(self, prefix: str) -> Sequence[ObjectInfo]:
        """Lists the files whose key starts with a prefix, by key; their entity tag is empty."""
        found: list[ObjectInfo] = []
        with _translated(f"list {self._folder}"):
            for path in self._folder.rglob("*"):
                key = path.relative_to(self._folder).as_posix()
                if key.startswith(prefix) and path.is_file():
                    status = path.stat()
                    found.append(ObjectInfo(key, "", status.st_size, status.st_mtime))
        return sorted(found)

    def download(self, key: str, path: str) -> None:
        """Copies a file. Raises ``NotFound``, ``StoreUnavailable``."""
        with _translated(f"read {self.uri(key)}"):
            shutil.copyfile(self._folder / key, path)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"{what}: no such file") from error
    except OSError as error:
        raise StoreUnavailable("files", f"{what}: {error}") from error
