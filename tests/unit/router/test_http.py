"""What every route has in common: methods, paths, limits, the unforeseen, and the line in the log."""

from __future__ import annotations

import pytest

from tests.unit.router.conftest import BODY, Router, Send


class TestHttp:
    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("GET", "/predict", {"POST"}),
            ("PUT", "/predict", {"POST"}),
            ("DELETE", "/feedback", {"POST"}),
            ("PATCH", "/config", {"GET", "POST"}),
            ("POST", "/health", {"GET"}),
            ("ANY", "/release", {"GET"}),
        ],
    )
    def test_a_wrong_method_is_405_and_told_the_right_ones(
        self, send: Send, method: str, path: str, allowed: set[str]
    ) -> None:
        reply = send(method, path)
        assert (reply.status, reply.kind) == (405, "http")
        assert set(reply.headers["Allow"].split(", ")) - {"HEAD", "OPTIONS"} == allowed

    @pytest.mark.parametrize(
        "path", ["/", "/predict/", "/predict//x", "/predict/x", "/PREDICT", "/日本", "/%2e%2e/x", "/\x00"]
    )
    def test_an_unknown_path_is_404(self, send: Send, path: str) -> None:
        reply = send("POST", path, BODY)
        assert (reply.status, reply.kind) == (404, "http")

    def test_a_doubled_slash_is_no_redirect_which_would_lose_the_stage(self, send: Send) -> None:
        assert send("POST", "//predict", BODY).status in (200, 404)

    def test_head_answers_like_get_without_a_body(self, send: Send) -> None:
        reply = send("HEAD", "/health")
        assert (reply.status, reply.body) == (200, b"")

    def test_a_body_over_the_limit_is_413(self, send: Send) -> None:
        reply = send("POST", "/predict", b'"' + b"x" * 2_000_000 + b'"')
        assert (reply.status, reply.kind) == (413, "http")
        assert "1,000,000 bytes" in reply.json["detail"]

    def test_what_is_unforeseen_is_500_and_tells_only_the_log(self, router: Router, send: Send) -> None:
        def fail(names: object) -> None:
            raise RuntimeError("a secret of the inside")

        router.world.parameters.get = fail  # type: ignore[assignment, method-assign]
        reply = send("GET", "/config")
        assert (reply.status, reply.kind) == (500, "internal")
        assert b"secret" not in reply.body
        (line,) = router.lines()
        assert (line["status"], "a secret of the inside" in line["traceback"]) == (500, True)


class TestLogLine:
    def test_a_prediction_leaves_one_line(self, router: Router, send: Send) -> None:
        reply = send("POST", "/predict", BODY).json
        (line,) = router.lines()
        expected = {
            "level": "info",
            "event": "request",
            "method": "POST",
            "path": "/predict",
            "status": 200,
            "request_id": reply["request_id"],
            "assigned": reply["variant"],
            "model_version": reply["model_version"],
            "split_version": 1,
            "stored": True,
        }
        assert expected.items() <= line.items()
        assert line["ms"] >= line["predict_ms"] >= 0

    @pytest.mark.parametrize(
        ("method", "path", "body", "status"),
        [
            ("POST", "/predict", b"{", 400),
            ("POST", "/feedback", {"request_id": "x", "outcome": 1}, 404),
            ("GET", "/nowhere", None, 404),
            ("GET", "/predict", None, 405),
            ("GET", "/health", None, 200),
            ("POST", "/config", {"ab_split_b": 2}, 400),
        ],
    )
    def test_every_request_leaves_one_line(
        self, router: Router, send: Send, method: str, path: str, body: object, status: int
    ) -> None:
        assert send(method, path, body).status == status
        (line,) = router.lines()
        assert (line["event"], line["method"], line["path"], line["status"]) == (
            "request",
            method,
            path,
            status,
        )
        assert ("error" in line) is (status in (400, 404) and path != "/nowhere")
