from __future__ import annotations

import pytest

from scripts import rollback


@pytest.mark.parametrize("arguments", [["--list"], ["--to", "previous"]])
def test_without_a_stack_it_says_what_to_start(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rollback, "adopt_running_stack", lambda environ: False)
    for name in ("EXPERIMENTS_TABLE", "ARTIFACT_BUCKET", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    assert rollback.main(arguments) == 1
    assert "start the local stack with `make up`" in capsys.readouterr().err
