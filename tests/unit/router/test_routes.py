"""Each route by both ways in: Flask's own client, and the Lambda handler with API Gateway's events."""

from __future__ import annotations

import json

import pytest

from contender.domain.assignment import Variant
from contender.domain.records import SPILLED
from contender.domain.release import release_key
from contender.domain.request_id import NOISE_BYTES, new_request_id
from tests.support.world import MODEL_A, MODEL_B, SPLIT, release_of
from tests.unit.router.conftest import BODY, Router, Send


class TestPredict:
    def test_a_prediction_is_answered_as_the_contract_says(self, router: Router, send: Send) -> None:
        reply = send("POST", "/predict", BODY)
        assert reply.status == 200
        assert reply.headers["Content-Type"] == "application/json"
        record = router.world.log.records["request-1"]
        served_b = record.served == "B"
        assert reply.json == {
            "request_id": "request-1",
            "variant": record.assigned,
            "prediction": record.prediction,
            "probabilities": {"0": 0.25, "1": 0.75} if served_b else {"0": 0.75, "1": 0.25},
            "model_version": "2" if served_b else "1",
            "model_used": "challenger" if served_b else "champion",
        }

    def test_positional_data_is_answered(self, send: Send) -> None:
        assert send("POST", "/predict", {"data": [1.5, "red", None]}).status == 200

    def test_non_ascii_text_arrives_whole(self, router: Router, send: Send) -> None:
        body = json.dumps({"data": [1, "grün 🟢", 2], "unit_id": "Zoë"}, ensure_ascii=False)
        assert send("POST", "/predict", body).status == 200
        record = router.world.log.records["request-1"]
        assert (record.unit_id, record.features["colour"]) == ("Zoë", "grün 🟢")

    def test_wrong_fields_are_named(self, send: Send) -> None:
        reply = send("POST", "/predict", {"features": {"size": "large", "weight": 1}, "unit": "x"})
        assert reply.status == 400
        assert reply.wrong_fields == [
            "unit",
            "features.size",
            "features.colour",
            "features.age",
            "features.weight",
        ]

    def test_a_fallback_is_told(self, router: Router, send: Send) -> None:
        router.world.serving.set_split(1.0)
        router.world.loader.broken.add(MODEL_B)
        reply = send("POST", "/predict", BODY)
        assert (reply.json["variant"], reply.json["model_used"]) == ("B", "champion")

    def test_without_a_model_it_is_503_with_the_reason(self, router: Router, send: Send) -> None:
        router.world.loader.broken |= {MODEL_A, MODEL_B}
        reply = send("POST", "/predict", BODY)
        assert (reply.status, reply.kind) == (503, "no-model")
        assert "cannot be loaded" in reply.json["detail"]
        assert reply.headers["Retry-After"] == "5"

    def test_a_log_that_refuses_does_not_keep_the_answer_back(self, router: Router, send: Send) -> None:
        router.world.log.down = True
        assert send("POST", "/predict", BODY).status == 200
        assert SPILLED in json.loads(router.world.spilled[0])


class TestFeedback:
    def test_an_outcome_is_taken_once_and_again_and_not_otherwise(self, router: Router, send: Send) -> None:
        request_id = send("POST", "/predict", BODY).json["request_id"]
        for _ in range(2):
            reply = send("POST", "/feedback", {"request_id": request_id, "outcome": 1})
            assert (reply.status, reply.body) == (204, b"")
        reply = send("POST", "/feedback", {"request_id": request_id, "outcome": 0})
        assert (reply.status, reply.kind) == (409, "conflict")
        assert router.world.log.outcomes[request_id][0] == 1

    def test_an_unknown_prediction_is_404(self, send: Send) -> None:
        reply = send("POST", "/feedback", {"request_id": "unknown", "outcome": 1})
        assert (reply.status, reply.kind) == (404, "not-found")

    def test_one_that_may_come_back_to_the_log_is_503_and_says_when(self, router: Router, send: Send) -> None:
        request_id = new_request_id(router.world.clock.now, bytes(NOISE_BYTES))
        reply = send("POST", "/feedback", {"request_id": request_id, "outcome": 1})
        assert (reply.status, reply.kind, reply.headers["Retry-After"]) == (503, "not-yet", "300")

    def test_wrong_fields_are_named(self, send: Send) -> None:
        reply = send("POST", "/feedback", {"request_id": 1, "result": 1})
        assert (reply.status, reply.wrong_fields) == (400, ["result", "request_id", "outcome"])

    def test_a_log_that_is_down_is_503(self, router: Router, send: Send) -> None:
        router.world.log.down = True
        reply = send("POST", "/feedback", {"request_id": "x", "outcome": 1})
        assert (reply.status, reply.kind) == (503, "store-unavailable")


class TestConfig:
    def test_the_split_is_told_and_changed_at_once(self, router: Router, send: Send) -> None:
        assert send("GET", "/config").json == {"ab_split_b": 0.5, "version": 1}
        assert send("POST", "/config", {"ab_split_b": 1}).json == {"ab_split_b": 1.0, "version": 2}
        assert send("GET", "/config").json == {"ab_split_b": 1.0, "version": 2}
        assert send("POST", "/predict", BODY).json["variant"] == "B"
        assert router.world.parameters.stored[SPLIT].value == "1.0"

    @pytest.mark.parametrize(
        "body",
        [
            None,
            [],
            0.3,
            "0.3",
            {},
            {"ab_split": 0.3},
            {"ab_split_b": 0.3, "stage": "prod"},
            {"ab_split_b": "0.3"},
            {"ab_split_b": True},
            {"ab_split_b": None},
            {"ab_split_b": [0.3]},
            {"ab_split_b": 1.1},
            {"ab_split_b": -0.1},
            '{"ab_split_b": NaN}',
            '{"ab_split_b": 1e999}',
            '{"ab_split_b": 1' + "0" * 400 + "}",
            '{"ab_split_b": 0.3, "ab_split_b": 0.4}',
        ],
    )
    def test_anything_but_a_share_is_400_and_changes_nothing(
        self, router: Router, send: Send, body: object
    ) -> None:
        reply = send("POST", "/config", body)
        assert (reply.status, reply.kind) == (400, "bad-input")
        assert router.world.parameters.stored[SPLIT].value == "0.5"

    @pytest.mark.parametrize("value", ["abc", "1.7", "x" * 5_000])
    def test_what_the_parameter_holds_and_is_no_share_is_named(
        self, router: Router, send: Send, value: str
    ) -> None:
        assert send("GET", "/config").json == {"ab_split_b": 0.5, "version": 1}
        router.world.parameters.put(SPLIT, value)
        router.world.pass_time(60)
        told = send("GET", "/config").json
        assert (told["ab_split_b"], told["version"]) == (0.5, 1)
        ignored = told["ignored"]
        assert (ignored["value"], ignored["version"]) == (value[:40], 2)
        assert "send a number from 0" in ignored["reason"]
        send("POST", "/config", {"ab_split_b": 0.3})
        assert send("GET", "/config").json == {"ab_split_b": 0.3, "version": 3}
        router.world.pass_time(60)
        assert send("GET", "/config").json == {"ab_split_b": 0.3, "version": 3}

    def test_a_split_that_cannot_be_written_is_503(self, router: Router, send: Send) -> None:
        router.world.parameters.down = True
        assert send("POST", "/config", {"ab_split_b": 0.3}).kind == "store-unavailable"


class TestState:
    def test_the_release_is_told(self, send: Send) -> None:
        document = send("GET", "/release").json
        release = release_of()
        assert document["release"] == release.digest
        assert list(document["dataset"]["features"]) == ["size", "colour", "age"]
        assert document["variants"]["B"] == {
            "model_used": "challenger",
            "model_name": "contender",
            "model_version": "2",
            "sha256": release.variants[Variant.B].sha256,
            "classes": [0, 1],
            "loaded": True,
        }

    def test_health_is_ok_while_all_models_serve(self, send: Send) -> None:
        reply = send("GET", "/health")
        assert (reply.status, reply.json) == (200, {"status": "ok", "serving": ["A", "B"], "failures": {}})

    def test_health_is_degraded_when_one_does_not(self, router: Router, send: Send) -> None:
        router.world.loader.broken.add(MODEL_B)
        reply = send("GET", "/health")
        assert (reply.status, reply.json["status"], reply.json["serving"]) == (200, "degraded", ["A"])
        assert "cannot be loaded" in reply.json["failures"]["B"]

    def test_health_is_503_when_none_does(self, router: Router, send: Send) -> None:
        router.world.loader.broken |= {MODEL_A, MODEL_B}
        reply = send("GET", "/health")
        assert (reply.status, reply.json["status"]) == (503, "no_model")


class TestBeforeTheFirstRelease:
    @pytest.mark.parametrize(
        ("method", "path", "body", "status", "kind"),
        [
            ("POST", "/predict", BODY, 503, "no-model"),
            ("POST", "/feedback", {"request_id": "x", "outcome": 1}, 503, "no-model"),
            ("GET", "/release", None, 404, "no-release"),
        ],
    )
    def test_it_says_so(
        self, empty_router: Router, method: str, path: str, body: object, status: int, kind: str
    ) -> None:
        for reply in (
            empty_router.by_flask(method, path, body),
            empty_router.by_lambda(method, path, body),
        ):
            assert (reply.status, reply.kind) == (status, kind)

    def test_a_manifest_that_is_gone_is_named(self, empty_router: Router) -> None:
        release = empty_router.world.publish(release_of())
        del empty_router.world.artifacts.content[release_key(release.digest)]
        reply = empty_router.by_lambda("POST", "/predict", BODY)
        assert (reply.status, reply.kind) == (503, "no-model")
        assert release_key(release.digest) in reply.json["detail"]
        assert empty_router.by_lambda("GET", "/release").kind == "release-unread"
        assert empty_router.by_lambda("GET", "/health").json["status"] == "release_unread"

    def test_health_and_split_answer(self, empty_router: Router) -> None:
        reply = empty_router.by_lambda("GET", "/health")
        assert (reply.status, reply.json["status"]) == (503, "no_release")
        assert empty_router.by_lambda("GET", "/config").json == {"ab_split_b": 0.5, "version": 1}
