"""One S3 bucket as an object store."""

from __future__ import annotations

from collections.abc import Sequence

from contender.adapters._aws import Client, translated
from contender.errors import NotFound, StoreUnavailable
from contender.ports import ObjectInfo


class S3Objects:
    """Implements :class:`contender.ports.ObjectStore` on a bucket.

    Args:
        client: A boto3 S3 client.
        bucket: The bucket's name.
    """

    def __init__(self, client: Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def uri(self, key: str) -> str:
        """Names an object: ``s3://bucket/key``."""
        return f"s3://{self._bucket}/{key}"

    def get(self, key: str) -> bytes:
        """Reads an object. Raises ``NotFound``, ``StoreUnavailable``."""
        with translated("s3", f"get {self.uri(key)}"):
            body: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            return body

    def put(self, key: str, content: bytes, content_type: str = "application/octet-stream") -> None:
        """Writes an object, replacing what was there. Raises ``StoreUnavailable``."""
        with translated("s3", f"put {self.uri(key)}"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=content_type)

    def exists(self, key: str) -> bool:
        """Tells whether an object is there. Raises ``StoreUnavailable``."""
        try:
            with translated("s3", f"head {self.uri(key)}"):
                self._client.head_object(Bucket=self._bucket, Key=key)
        except NotFound:
            return False
        return True

    def list(self, prefix: str) -> Sequence[ObjectInfo]:
        """Lists the objects below a prefix, by key. Raises ``StoreUnavailable``."""
        found: list[ObjectInfo] = []
        with translated("s3", f"list {self.uri(prefix)}"):
            for page in self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix
            ):
                found.extend(
                    ObjectInfo(
                        entry["Key"],
                        entry["ETag"].strip('"'),
                        entry["Size"],
                        entry["LastModified"].timestamp(),
                    )
                    for entry in page.get("Contents", [])
                )
        return sorted(found)

    def download(self, key: str, path: str) -> None:
        """Copies an object into a local file. Raises ``NotFound``, ``StoreUnavailable``."""
        from boto3.exceptions import Boto3Error  # here, because boto3's own transfers alone raise it

        what = f"download {self.uri(key)}"
        try:
            with translated("s3", what):
                self._client.download_file(self._bucket, key, path)
        except Boto3Error as error:
            raise StoreUnavailable("s3", f"{what}: {error}") from error
