"""The page on cost is what the model says now, and the model adds up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from infra.local.deploy import read_template
from scripts import cost
from scripts.cost_model import SECONDS, Shape, Usage, always_on, break_even, mlflow_server, serverless, traces

SHAPE = Shape.read(read_template())
USAGE = Usage()


def test_the_page_is_up_to_date() -> None:
    assert cost.PATH.read_text() == cost.document(SHAPE, USAGE), "run `.venv/bin/python -m scripts.cost`"
    assert cost.main(["--check"]) == 0


def test_the_model_follows_the_template() -> None:
    template = read_template()
    template["Resources"]["RouterFunction"]["Properties"]["MemorySize"] = 2048
    twice = Shape.read(template)
    quiet = replace(USAGE, checks=0.0, evaluations=0.0)
    once = serverless(1e6, replace(SHAPE, router_gb=1.0), quiet)["Lambda"]
    requests = 2e6 * 0.2e-6
    assert serverless(1e6, twice, quiet)["Lambda"] - requests == pytest.approx(2 * (once - requests))


def test_a_small_case_by_hand() -> None:
    """One million predictions without outcomes, cold starts, checks, data or training: every price once."""
    usage = replace(
        USAGE,
        feedback_share=0.0,
        cold_share=0.0,
        checks=0.0,
        evaluations=0.0,
        answer_bytes=0.0,
        trainings=0.0,
        kept_gb=0.0,
        images_gb=0.0,
        kms_requests=0.0,
        exports=0.0,
        router_log_bytes=1000.0,
        lambda_log_bytes=0.0,
        access_log_bytes=0.0,
        log_compression=0.0,
        record_bytes=1000.0,
        index_bytes=0.0,
    )
    shape = replace(SHAPE, router_gb=1.0, record_days=SECONDS / 86_400, alarms=10)
    found = serverless(1e6, shape, usage)
    assert found["API Gateway"] == pytest.approx(3.50)
    assert found["Lambda"] == pytest.approx(0.20 + 1e6 * 0.020 * 0.0000166667)
    assert found["DynamoDB"] == pytest.approx(2 * 0.625 + 0.25 + 0.20)
    assert found["CloudWatch"] == pytest.approx(0.5 + 1.0)
    assert found["X-Ray"] == pytest.approx(5.0)
    assert {name for name, value in found.items() if value == 0} == {"S3", "Fargate (training)", "ECR", "KMS"}


def test_an_endpoint_costs_the_same_when_nothing_comes() -> None:
    idle = always_on(0, SHAPE, USAGE)
    assert idle["SageMaker endpoint"] == pytest.approx(2 * 730 * 0.115)
    assert sum(serverless(0, SHAPE, USAGE).values()) < 3
    assert mlflow_server() > idle["SageMaker endpoint"]


def test_traces_are_one_a_second_and_a_twentieth_of_the_rest() -> None:
    assert traces(SECONDS / 2) == pytest.approx(SECONDS / 2)
    assert traces(3 * SECONDS) == pytest.approx(1.1 * SECONDS)


def test_break_even_finds_the_crossing_or_says_that_there_is_none() -> None:
    assert break_even(lambda size: size > 12_345) == pytest.approx(12_345, rel=2e-4)
    with pytest.raises(ValueError, match="not between"):
        break_even(lambda _size: True)
    with pytest.raises(ValueError, match="not between"):
        break_even(lambda _size: False)


def test_out_of_date_is_an_error_with_the_command_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "cost.md"
    monkeypatch.setattr(cost, "PATH", page)
    assert cost.main(["--check"]) == 1
    assert "python -m scripts.cost" in capsys.readouterr().err
    assert cost.main([]) == 0
    assert cost.main(["--check"]) == 0
