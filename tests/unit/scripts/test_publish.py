"""The publishing command on fakes."""

from __future__ import annotations

import pytest

from contender.domain.assignment import Variant
from contender.usecases.queue import CHALLENGING, PASSED_OVER, QUEUE, WAITING
from scripts import publish
from tests.support.training import MemoryRegistry
from tests.support.world import DATASET, MODEL_A, MODEL_B, MODEL_C, RELEASE, World, model_ref

ENVIRON = {
    "DATA_BUCKET": "data",
    "ARTIFACT_BUCKET": "artifacts",
    "MLFLOW_TRACKING_URI": "http://mlflow",
    "RELEASE_PARAMETER": RELEASE,
}


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> MemoryRegistry:
    """Version 1 is champion; 2 and 3 wait."""
    world, made = World(), MemoryRegistry()
    made.add(model_ref(MODEL_A, Variant.A, "1"), MODEL_A)
    for version, content in (("2", MODEL_B), ("3", MODEL_C)):
        made.versions[version] = (model_ref(content, Variant.B, version), content)
        made.tag(version, {QUEUE: WAITING})
    monkeypatch.setattr(publish, "adopt_running_stack", lambda environ: False)
    monkeypatch.setattr(publish, "aws_client", lambda name: None)
    monkeypatch.setattr(publish, "S3Objects", lambda client, bucket: world.artifacts)
    monkeypatch.setattr(publish, "SsmParameters", lambda client: world.parameters)
    monkeypatch.setattr(publish, "MlflowRegistry", lambda uri, name: made)
    monkeypatch.setattr(publish, "read_dataset", lambda objects: DATASET)
    return made


def test_it_publishes_what_the_aliases_say(
    registry: MemoryRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish.main([], ENVIRON) == 0
    assert "serves (A = champion version 1)" in capsys.readouterr().out
    assert (registry.tags["3"][QUEUE], registry.aliases) == (WAITING, {"champion": "1"})


def test_the_newest_that_waits_is_called_if_wanted(
    registry: MemoryRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publish.main(["--next"], ENVIRON) == 0
    said = capsys.readouterr().out
    assert "version 3 is @challenger" in said
    assert "serves (A = champion version 1, B = challenger version 3)" in said
    assert (registry.tags["2"][QUEUE], registry.tags["3"][QUEUE]) == (PASSED_OVER, CHALLENGING)
    registry.tag("2", {QUEUE: WAITING})
    assert publish.main(["--next"], ENVIRON) == 0
    assert "no version is called: version 3 is being tried" in capsys.readouterr().out
    assert (registry.tags["2"][QUEUE], registry.aliases["challenger"]) == (WAITING, "3")
