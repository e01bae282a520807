from __future__ import annotations

import time
from pathlib import Path

import pytest

from contender.adapters.s3_objects import S3Objects
from contender.errors import NotFound, StoreUnavailable
from contender.ports import ObjectStore
from tests.contract.conftest import MakeClient
from tests.support.fakes import MemoryObjects


@pytest.fixture
def store(backend: str, client: MakeClient, unique: str) -> ObjectStore:
    if backend == "fake":
        return MemoryObjects(unique, time.time)
    s3 = client("s3")
    s3.create_bucket(Bucket=unique)
    return S3Objects(s3, unique)


@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"x" * 100_000])
def test_what_is_put_is_read_back(store: ObjectStore, content: bytes, tmp_path: Path) -> None:
    store.put("a/b c+ü.bin", content, "text/plain")
    assert store.get("a/b c+ü.bin") == content
    store.download("a/b c+ü.bin", str(tmp_path / "file"))
    assert (tmp_path / "file").read_bytes() == content
    assert store.exists("a/b c+ü.bin")


def test_a_second_put_replaces_the_first(store: ObjectStore) -> None:
    store.put("key", b"first")
    (before,) = store.list("key")
    store.put("key", b"second")
    (after,) = store.list("key")
    assert store.get("key") == b"second"
    assert after.etag != before.etag
    assert after.modified >= before.modified


def test_objects_are_listed_by_key_below_a_prefix(store: ObjectStore) -> None:
    for key in ("current/b/2", "current/a/1", "current/", "currently", "reference/x"):
        store.put(key, key.encode())
    found = store.list("current/")
    assert [info.key for info in found] == ["current/", "current/a/1", "current/b/2"]
    assert [info.size for info in found] == [8, 11, 11]
    assert all(info.etag and '"' not in info.etag for info in found)
    assert all(abs(info.modified - time.time()) < 600 for info in found)
    assert list(store.list("nothing/")) == []


def test_more_objects_than_a_page_are_all_listed(store: ObjectStore) -> None:
    for number in range(1_005):
        store.put(f"many/{number:04}", b"")
    assert [info.key for info in store.list("many/")] == [f"many/{number:04}" for number in range(1_005)]


def test_equal_contents_have_equal_tags(store: ObjectStore) -> None:
    store.put("one", b"same")
    store.put("two", b"same")
    assert len({info.etag for info in store.list("")}) == 1


def test_what_is_missing_is_not_found(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="missing"):
        store.get("missing")
    with pytest.raises(NotFound, match="missing"):
        store.download("missing", str(tmp_path / "file"))
    assert not store.exists("missing")
    assert not (tmp_path / "file").exists()


def test_an_object_has_a_name_for_people(store: ObjectStore, unique: str) -> None:
    assert store.uri("a/b") == f"s3://{unique}/a/b"


@pytest.mark.parametrize("backend", ["moto"], indirect=True)
def test_a_missing_bucket_is_a_store_that_is_not_there(client: MakeClient, unique: str) -> None:
    store = S3Objects(client("s3"), unique)
    for call in (lambda: store.get("key"), lambda: store.put("key", b""), lambda: store.list("")):
        with pytest.raises(StoreUnavailable, match="NoSuchBucket"):
            call()


def test_without_a_service_every_call_says_which(nowhere: MakeClient, tmp_path: Path) -> None:
    store = S3Objects(nowhere("s3"), "bucket")
    for call in (
        lambda: store.get("key"),
        lambda: store.put("key", b""),
        lambda: store.exists("key"),
        lambda: store.list(""),
        lambda: store.download("key", str(tmp_path / "file")),
    ):
        with pytest.raises(StoreUnavailable, match=r"^s3: .*s3://bucket/") as error:
            call()
        assert error.value.service == "s3"
