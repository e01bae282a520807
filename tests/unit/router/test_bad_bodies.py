"""No body, however odd, is answered by a 5xx: JSON values, broken JSON, and raw bytes."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contender.domain.dataset import Task
from tests.support.gateway import Reply
from tests.support.world import ROW
from tests.unit.router.conftest import Router, Send

POSTS = ("/predict", "/feedback", "/config")
once = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

numbers = st.integers() | st.floats() | st.sampled_from([10**400, -(10**400), 1e300, 2**63, -0.0])
texts = st.text() | st.sampled_from(["\0", "\ud800", "x" * 2_000, "request-1", "1", "NaN"])
scalars = st.none() | st.booleans() | numbers | texts
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)
# Bodies of the right shape reach further than arbitrary ones.
almost_right = {
    "/predict": st.fixed_dictionaries(
        {"data": st.lists(scalars, min_size=3, max_size=3)}, optional={"unit_id": scalars}
    )
    | st.fixed_dictionaries({"data": st.just([1, "x", 2]), "unit_id": texts | json_values})
    | st.fixed_dictionaries({"features": st.fixed_dictionaries(dict.fromkeys(ROW, scalars))}),
    "/feedback": st.fixed_dictionaries({"request_id": texts, "outcome": scalars | json_values}),
    "/config": st.fixed_dictionaries({"ab_split_b": scalars | json_values}),
}
requests = st.sampled_from(POSTS).flatmap(
    lambda path: st.tuples(st.just(path), almost_right[path] | json_values)
)


def check(router: Router, reply: Reply) -> None:
    assert reply.status < 500, reply.body
    if reply.status >= 400:
        assert reply.kind in ("bad-input", "not-found", "conflict", "http")
    elif reply.status != 204:
        assert reply.json
    requests = [line for line in router.lines() if line["event"] == "request"]
    assert [line["status"] for line in requests] == [reply.status]


@once
@given(sent=requests)
def test_any_json_value(router: Router, sent: tuple[str, object]) -> None:
    path, body = sent
    text = json.dumps(body)  # writes NaN, Infinity and "\ud800" as many clients do
    check(router, router.by_flask("POST", path, text))
    check(router, router.by_lambda("POST", path, text))


@once
@given(sent=requests)
def test_any_json_value_in_any_encoding(router: Router, sent: tuple[str, object]) -> None:
    path, body = sent
    text = json.dumps(body, ensure_ascii=False)
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32-be"):
        check(router, router.by_flask("POST", path, text.encode(encoding, "surrogatepass")))


@once
@given(path=st.sampled_from(POSTS), body=st.binary(max_size=50))
def test_any_bytes(router: Router, path: str, body: bytes) -> None:
    check(router, router.by_flask("POST", path, body))
    check(router, router.by_lambda("POST", path, body))


@once
@given(path=st.sampled_from(POSTS), body=st.text(st.characters(), max_size=50))
def test_any_text_in_an_event(router: Router, path: str, body: str) -> None:
    check(router, router.by_lambda("POST", path, body))


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"\xff\xfe",
        b'{"unit_id": "\xed\xa0\x80", "data": [1, "x", 2]}',
        b'{"unit_id": "\\ud800", "data": [1, "x", 2]}',
        b'{"unit_id": "\\uD83D", "data": [1, "x", 2]}',
        '{"unit_id": "\ud800", "data": [1, "x", 2]}'.encode("utf-16-le", "surrogatepass"),
        b'{"data": [NaN, "x", Infinity]}',
        b'{"data": [1, "x", 2], "data": [1, "x", 2]}',
        b'{"features": {"size": 1, "size": 2, "colour": "x", "age": 1}}',
        b'{"data": [1, "x", 2]} trailing',
        b"{'data': [1]}",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
        b"1" * 5_000,
        b'{"data": [' + b"1" * 5_000 + b', "x", 2]}',
        b'{"ab_split_b": ' + b"1" * 4_000 + b"}",
        b"data=1&b=2",
        b"\x1f\x8b\x08\x00\x00",
    ],
)
def test_a_body_known_to_be_trouble_is_400(router: Router, path: str, body: bytes) -> None:
    for reply in (router.by_flask("POST", path, body), router.by_lambda("POST", path, body)):
        assert (reply.status, reply.kind) == (400, "bad-input")
        assert len(reply.body) < 2_000


def test_a_pair_of_surrogate_escapes_is_one_character(send: Send, router: Router) -> None:
    reply = send("POST", "/predict", r'{"data": [1, "\ud83d\ude00 C:\\udir", 2]}')
    assert reply.status == 200
    assert router.world.log.records["request-1"].features["colour"] == "😀 C:\\udir"


def test_a_byte_order_mark_is_no_fault(send: Send) -> None:
    assert send("POST", "/predict", b'\xef\xbb\xbf{"data": [1, "x", 2]}').status == 200


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/x", "ü"]
)
def test_the_content_type_does_not_matter(router: Router, content_type: str | None) -> None:
    body = json.dumps({"data": [1, "x", 2]})
    headers = {} if content_type is None else {"Content-Type": content_type}
    assert router.by_flask("POST", "/predict", body, headers=headers).status == 200
    assert router.by_lambda("POST", "/predict", body, headers=headers).status == 200


def test_the_fuzzed_bodies_fit_the_world_they_are_sent_to(router: Router) -> None:
    release = router.world.serving.snapshot().release
    assert release is not None
    assert release.dataset.task is Task.CLASSIFICATION
    assert list(release.dataset.features) == list(ROW)
