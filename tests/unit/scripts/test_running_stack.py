"""What keeps boto3 or MLflow from making a client is told in a sentence, by every program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from scripts import analyze, bring, export, publish, retire, rollback, running_stack, traffic

VARIABLES = ("ARTIFACT_BUCKET", "DATA_BUCKET", "EXPERIMENTS_TABLE", "RELEASE_PARAMETER", "RUNS_TABLE")
LAMBDAS = ("DETECT_DRIFT_FUNCTION", "DRIFT_SCHEDULE", "EVALUATE_FUNCTION")
PROGRAMS: list[tuple[Callable[[Sequence[str]], int], list[str]]] = [
    (analyze.main, ["--export", "s3://bucket/export"]),
    (bring.main, ["somewhere"]),
    (export.main, ["--table", "t", "--bucket", "b"]),
    (publish.main, []),
    (retire.main, ["--reason", "slow"]),
    (rollback.main, ["--list"]),
    (traffic.main, ["--url", "http://127.0.0.1:1", "--bucket", "b", "--n", "1"]),
]


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    for name in (*VARIABLES, *LAMBDAS):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return monkeypatch


@pytest.mark.parametrize(("main", "arguments"), PROGRAMS)
@pytest.mark.parametrize(
    ("variable", "value"), [("AWS_PROFILE", "none"), ("AWS_ENDPOINT_URL", "127.0.0.1:4566")]
)
def test_given_settings_of_which_no_client_can_be_made_then_a_sentence_says_what_to_set(
    stack: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    main: Callable[[Sequence[str]], int],
    arguments: list[str],
    variable: str,
    value: str,
) -> None:
    stack.setenv(variable, value)

    assert main(arguments) in (1, 2)

    told = capsys.readouterr()
    assert "AWS cannot be reached" in " ".join((told.out + told.err).split())


def test_given_no_region_when_a_session_is_made_then_it_is_told(stack: pytest.MonkeyPatch) -> None:
    stack.delenv("AWS_DEFAULT_REGION")

    with pytest.raises(running_stack.ContenderError, match="AWS_DEFAULT_REGION"):
        running_stack.aws_session()


def test_given_an_mlflow_without_a_scheme_when_published_then_it_is_told(
    stack: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.setattr(publish, "read_dataset", lambda objects: None)
    stack.setenv("MLFLOW_TRACKING_URI", "localhost:5000")

    assert publish.main([]) == 1
    assert "use localhost:5000 as the address of MLflow" in capsys.readouterr().err
