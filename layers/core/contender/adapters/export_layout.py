"""The files of a DynamoDB export to S3, as AWS lays them out.

::

    <prefix>/AWSDynamoDB/<export id>/
        manifest-summary.json   the export: table, times, number of items; written last, so its presence
                                means that the export is complete
        manifest-files.json     one JSON line per data file: its key and number of items
        *.md5                   checksum of each manifest
        data/<name>.json.gz     one line per item: {"Item": {DynamoDB JSON}}

Source: Amazon DynamoDB developer guide, "DynamoDB table export output format".
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contender.errors import BadInput, NotFound
from contender.ports import ObjectStore

FOLDER = "AWSDynamoDB"
SUMMARY = "manifest-summary.json"
FILES = "manifest-files.json"
MAX_FILE_BYTES = 64 * 2**20
"""Uncompressed size at which a data file is closed: some 5 MB compressed, all that is ever held in memory."""

CHUNK_BYTES = 2**20
"""Most that is unpacked of a data file at a time."""

Item = Mapping[str, Any]
"""An item in DynamoDB JSON: attribute → ``{"S": "text"}``, ``{"N": "1.5"}``, …"""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A data file.

    Attributes:
        key: Its key in the store.
        items: Items that the manifest promises.
        md5: Base64 of the MD5 of the compressed file.
        etag: Hex of the same, or what S3 answered.
    """

    key: str
    items: int
    md5: str
    etag: str


@dataclass(frozen=True, slots=True)
class Export:
    """A complete export.

    Attributes:
        root: Key of its folder, without a slash at the end.
        files: Its data files.
        summary: Contents of the manifest.
    """

    root: str
    files: tuple[DataFile, ...]
    summary: Mapping[str, Any]

    @property
    def items(self) -> int:
        """Items that the manifest promises."""
        return sum(file.items for file in self.files)

    @property
    def time(self) -> str:
        """The state of the table that it shows: ISO 8601, UTC; empty when the manifest does not say."""
        return str(self.summary.get("exportTime", ""))


def find_exports(store: ObjectStore, prefix: str) -> list[Export]:
    """Finds the complete exports below a prefix, newest first.

    Args:
        store: Bucket or folder.
        prefix: The export's own folder or any folder above it; empty for the whole store.

    Returns:
        The exports; empty when there is none.

    Raises:
        BadInput: When a manifest cannot be read.
        StoreUnavailable: When the store does not answer, or there is no such bucket.
        NotFound: When a manifest names no file list that is there.
    """
    below = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    keys = [info.key for info in store.list(below) if info.key.rpartition("/")[2] == SUMMARY]
    return sorted((load_export(store, key.rpartition("/")[0]) for key in keys), key=_age, reverse=True)


def load_export(store: ObjectStore, root: str) -> Export:
    """Reads the manifests of one export. Raises as :func:`find_exports`."""
    base = f"{root}/" if root else ""
    try:
        summary = json.loads(store.get(f"{base}{SUMMARY}"))
        lines = store.get(f"{base}{FILES}").splitlines()
        # Only the file's name counts: a copy may lie under another prefix than the one in the manifest.
        files = tuple(
            DataFile(
                key=f"{base}data/{entry['dataFileS3Key'].rpartition('/')[2]}",
                items=int(entry["itemCount"]),
                md5=str(entry.get("md5Checksum", "")),
                etag=str(entry.get("etag", "")),
            )
            for entry in map(json.loads, filter(None, lines))
        )
        return Export(root, files, dict(summary))
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput.of(
            store.uri(f"{base}{FILES}"), f"is no manifest of an export: {error!r}", "export again"
        ) from error


def write_data(
    store: ObjectStore, root: str, items: Iterable[Item], name: str, max_bytes: int = MAX_FILE_BYTES
) -> Iterator[DataFile]:
    """Writes items into data files, each as soon as it is full.

    Args:
        store: Where to.
        root: The export's folder.
        items: Read once, one at a time.
        name: Start of the files' names.
        max_bytes: Uncompressed size at which a file is closed.

    Yields:
        Each file once it is stored; none without items.
    """
    pending = iter(items)
    number = 0
    while True:
        buffer = io.BytesIO()
        count = size = 0
        # Without a time in the header equal items make equal files; level 6 is gzip's own default.
        with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=6, mtime=0) as packed:
            for item in pending:
                line = json.dumps({"Item": item}, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
                packed.write(line)
                count, size = count + 1, size + len(line)
                if size >= max_bytes:
                    break
        if not count:
            return
        content = buffer.getvalue()
        key = f"{root}/data/{name}-{number:05d}.json.gz"
        store.put(key, content, "application/gzip")
        digest = hashlib.md5(content, usedforsecurity=False)
        yield DataFile(key, count, base64.b64encode(digest.digest()).decode(), digest.hexdigest())
        number += 1


def write_manifests(store: ObjectStore, export: Export) -> None:
    """Writes the manifests, the summary last. Raises ``StoreUnavailable``."""
    lines = [
        json.dumps(
            {
                "itemCount": file.items,
                "md5Checksum": file.md5,
                "etag": file.etag,
                "dataFileS3Key": file.key,
            },
            separators=(",", ":"),
        )
        for file in export.files
    ]
    summary = {
        **export.summary,
        "manifestFilesS3Key": f"{export.root}/{FILES}",
        "itemCount": export.items,
    }
    for name, text in ((FILES, "".join(f"{line}\n" for line in lines)), (SUMMARY, json.dumps(summary))):
        content = text.encode()
        checksum = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest())
        store.put(f"{export.root}/{name.removesuffix('.json')}.md5", checksum, "text/plain")
        store.put(f"{export.root}/{name}", content, "application/json")


def read_lines(store: ObjectStore, file: DataFile) -> Iterator[bytes]:
    """Gives the lines of a data file. Raises as :func:`read_chunks`."""
    with _unpacked(store, file) as lines:
        yield from lines


def read_chunks(store: ObjectStore, file: DataFile) -> Iterator[bytes]:
    """Gives the text of a data file in pieces of any size, which costs less than line by line.

    Raises:
        NotFound: When the file is not there.
        EOFError, OSError, zlib.error: Where the compressed data end early or are damaged.
        StoreUnavailable: When the store does not answer.
    """
    with _unpacked(store, file) as text:
        while chunk := text.read1(CHUNK_BYTES):
            yield chunk


@contextmanager
def _unpacked(store: ObjectStore, file: DataFile) -> Iterator[gzip.GzipFile]:
    """Opens a data file, which is on disk meanwhile and never whole in memory."""
    with tempfile.TemporaryDirectory(prefix="contender-export-") as folder:
        path = Path(folder) / "data.json.gz"
        try:
            store.download(file.key, str(path))
        except NotFound as error:
            raise NotFound(f"the manifest names {store.uri(file.key)}, which is not there") from error
        with gzip.open(path) as text:
            yield text


def _age(export: Export) -> str:
    return export.time or str(export.summary.get("endTime", ""))
