"""`sam local`: the functions in real Lambda containers, against the running stack."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from contender.domain.records import RunRecord
from infra.local import processes, sam_local, tools
from infra.local.info import StackInfo
from infra.local.sam_local import SamLocal
from scripts.datasets.flights import FlightsPaths
from scripts.traffic_rows import rows_from_file

pytestmark = pytest.mark.docker

EVENT = tools.ROOT / "tests" / "events" / "schedule.json"
MARK = "test-sam-local"


@pytest.fixture(scope="module")
def prepared(stack: StackInfo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SamLocal]:
    """Everything built for Lambda's own Python."""
    folder = tmp_path_factory.mktemp("sam-local")
    yield sam_local.prepare(stack, folder, MARK)
    processes.stop_marked(MARK, grace_s=30)


@pytest.fixture(scope="module")
def url(prepared: SamLocal, stack: StackInfo, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where `sam local start-api` serves the router."""
    log = tmp_path_factory.mktemp("log") / "start-api.log"
    sam_local.reach(stack, MARK, log)
    port = processes.free_port()
    service = processes.spawn("sam local", prepared.start_api(port), prepared.env, MARK, log)
    url = f"http://127.0.0.1:{port}"
    processes.wait_for(service, MARK, lambda: _listens(url), sam_local.START_S)
    return url


def _listens(url: str) -> bool:
    try:
        requests.get(f"{url}/no-such-route", timeout=5)
    except requests.ConnectionError:
        return False
    return True


def test_the_router_predicts_in_a_lambda_container_and_logs_to_the_stack(
    url: str,
    stack: StackInfo,
    first_run: RunRecord,
    flights: FlightsPaths,
    capsys: pytest.CaptureFixture[str],
) -> None:
    features = rows_from_file(flights.july, flights.dataset, 1)[0].features

    def ask() -> tuple[dict[str, Any], float]:
        start = time.perf_counter()
        answer = requests.post(f"{url}/predict", json={"features": features, "unit_id": "u"}, timeout=300)
        assert answer.status_code == 200, answer.text
        return answer.json(), 1000 * (time.perf_counter() - start)

    answer, first_ms = ask()
    warm_ms = min(ask()[1] for _ in range(5))
    with capsys.disabled():
        print(f"\nsam local start-api: first request {first_ms:.0f} ms, warm {warm_ms:.0f} ms")
    through_gateway = requests.post(
        f"{stack.api_url}/predict", json={"features": features, "unit_id": "u"}, timeout=60
    ).json()
    for field in ("prediction", "variant", "model_version"):
        assert answer[field] == through_gateway[field]
    assert answer["probabilities"] == pytest.approx(through_gateway["probabilities"], abs=1e-6)
    stored = stack.client("dynamodb").get_item(
        TableName=stack.predictions_table, Key={"request_id": {"S": answer["request_id"]}}
    )
    assert stored["Item"]["unit_id"] == {"S": "u"}


def test_the_routers_other_routes_answer_too(url: str, first_run: RunRecord) -> None:
    assert requests.get(f"{url}/health", timeout=300).status_code == 200
    assert requests.get(f"{url}/release", timeout=300).json()["variants"]["A"]["model_version"] == "1"


def test_the_drift_check_runs_in_a_lambda_container_on_its_schedules_event(
    prepared: SamLocal, stack: StackInfo, first_run: RunRecord, flights: FlightsPaths, tmp_path: Path
) -> None:
    sam_local.reach(stack, MARK, tmp_path / "bridge.log")
    done = subprocess.run(
        prepared.invoke("DetectDriftFunction", EVENT),
        env={**prepared.env, processes.MARK: MARK},
        cwd=tools.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    by_the_emulator = stack.client("lambda").invoke(
        FunctionName=stack.detect_drift_function, Payload=EVENT.read_bytes()
    )
    expected = json.loads(by_the_emulator["Payload"].read())
    assert {**answer, "action": expected["action"]} == expected
