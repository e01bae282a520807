"""The registry on a real MLflow, its store in a file."""

from __future__ import annotations

from hashlib import sha256

import mlflow
import onnx
import pytest
from onnx import TensorProto, helper

from contender.adapters.mlflow_registry import MlflowRegistry, VersionTags
from contender.errors import NotFound, StoreUnavailable

NAME = "contender"


def model() -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["prediction"])],
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info("prediction", TensorProto.FLOAT, ["n"])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


CONTENT = model().SerializeToString()
TAGS = VersionTags(sha256(CONTENT).hexdigest(), len(CONTENT), ("no", "yes"), {"onnxruntime": "1.0"})


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("registry")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    experiment = mlflow.create_experiment("e", artifact_location=(folder / "artifacts").as_uri())
    client = mlflow.MlflowClient(uri)
    client.create_registered_model(NAME)
    for tags in (TAGS.to_tags(), {}):
        with mlflow.start_run(experiment_id=experiment) as run:
            logged = mlflow.onnx.log_model(
                model(), name="model", save_as_external_data=False, pip_requirements=["onnx"]
            )
        client.create_model_version(NAME, logged.model_uri, run.info.run_id, tags=tags)
    return uri


@pytest.fixture
def registry(uri: str) -> MlflowRegistry:
    return MlflowRegistry(uri, NAME)


def test_given_an_alias_when_read_then_the_version_comes_with_what_its_tags_say(
    registry: MlflowRegistry,
) -> None:
    registry.set_alias("champion", "1")

    found = registry.by_alias("champion")

    assert found is not None
    assert (found.alias, found.model_name, found.model_version) == ("champion", NAME, "1")
    assert found.model_key == f"models/{TAGS.sha256}.onnx"
    assert (found.sha256, found.bytes, found.classes) == (TAGS.sha256, TAGS.bytes, ("no", "yes"))
    assert found.libraries == {"onnxruntime": "1.0"}
    assert found.run_id


def test_given_a_version_when_its_file_is_read_then_it_is_the_very_one(registry: MlflowRegistry) -> None:
    registry.set_alias("champion", "1")
    found = registry.by_alias("champion")
    assert found is not None

    assert registry.model_bytes(found) == CONTENT


def test_given_an_alias_when_removed_twice_then_it_is_gone(registry: MlflowRegistry) -> None:
    registry.set_alias("challenger", "1")

    registry.remove_alias("challenger")
    registry.remove_alias("challenger")

    assert registry.by_alias("challenger") is None


def test_given_an_unknown_model_when_read_then_there_is_no_version(uri: str) -> None:
    unknown = MlflowRegistry(uri, "unknown")

    assert unknown.by_alias("champion") is None
    unknown.remove_alias("champion")
    with pytest.raises(NotFound):
        unknown.set_alias("champion", "1")


def test_given_a_version_that_training_did_not_make_when_read_then_it_says_so(
    registry: MlflowRegistry,
) -> None:
    registry.set_alias("by_hand", "2")

    with pytest.raises(NotFound, match="not registered by training"):
        registry.by_alias("by_hand")


def test_given_a_version_that_is_gone_when_read_then_it_is_not_found(registry: MlflowRegistry) -> None:
    registry.set_alias("champion", "1")
    found = registry.by_alias("champion")
    assert found is not None

    with pytest.raises(NotFound):
        registry.model_bytes(type(found)(**{**found.to_dict(), "model_version": "99"}))  # type: ignore[arg-type]


def test_given_tags_when_searched_then_versions_come_newest_first(registry: MlflowRegistry) -> None:
    for version in ("1", "2"):
        registry.tag(version, {"queue": "waiting", "why": "x" * 9_000})
    assert registry.tagged("queue", "waiting") == ["2", "1"]

    registry.tag("2", {"queue": "challenging"})

    assert registry.tagged("queue", "waiting") == ["1"]
    assert registry.tagged("queue", "nothing") == []
    with pytest.raises(NotFound):
        registry.tag("99", {"queue": "waiting"})


def test_given_a_server_that_does_not_answer_when_read_then_it_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")

    with pytest.raises(StoreUnavailable, match="mlflow"):
        MlflowRegistry("http://127.0.0.1:9", NAME).by_alias("champion")
