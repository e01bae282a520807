from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from contender.domain.dataset import Dataset, Kind, Task
from scripts.datasets.layout import write_dataset, write_table
from scripts.traffic import main, summary
from scripts.traffic_client import Response, TrafficResult, send, send_outcomes
from scripts.traffic_rows import Row
from tests.unit.scripts.fake_router import Answer, running, usual

DATASET = Dataset(Task.CLASSIFICATION, "y", {"x": Kind.NUMERIC, "c": Kind.CATEGORICAL}, name="t")
ROWS = [Row({"x": float(i), "c": None}, outcome=i % 2) for i in range(40)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_dataset(tmp_path, DATASET)
    table = pd.DataFrame({"x": [1.0, None, 3.0], "c": ["a", "b", None], "y": [0, 1, 0]})
    write_table(table, tmp_path / "reference" / "rows.csv", DATASET)
    return tmp_path


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address that refuses: bound, but not listening."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def test_given_rows_when_sent_then_forms_alternate_and_results_are_in_order_of_sending() -> None:
    with running() as router:
        result = send(router.url + "/", ROWS, concurrency=4)
    bodies = router.bodies("/stage/predict")
    assert sum("features" in body for body in bodies) == sum("data" in body for body in bodies) == 20
    assert {"features": {"x": 0.0, "c": None}} in bodies and {"data": [1.0, None]} in bodies
    assert [response.row for response in result.responses] == ROWS
    assert [response.index for response in result.responses] == list(range(40))
    assert len(result.answered) == 40
    assert sum(response.variant == "B" for response in result.responses) == 8
    first = result.responses[0]
    assert first.status == 200 and first.prediction == 1 and first.model_version == "1"
    assert first.received_at - first.sent_at == pytest.approx(first.ms / 1000) and first.ms > 0


def test_given_several_threads_then_each_keeps_its_connection() -> None:
    with running() as router:
        send(router.url, ROWS, concurrency=3)
    assert 1 <= len(router.connections) <= 3


def test_given_one_at_a_time_then_requests_arrive_in_order() -> None:
    with running() as router:
        send(router.url, ROWS, concurrency=1)
    values = [
        body["features"]["x"] if "features" in body else body["data"][0]
        for body in router.bodies("/stage/predict")
    ]
    assert values == [row.features["x"] for row in ROWS]


def test_given_a_callback_then_it_runs_in_the_callers_thread_between_requests() -> None:
    seen: list[int] = []
    threads = set()

    def hook(response: Response) -> None:
        threads.add(threading.current_thread())
        seen.append(response.index)

    with running() as router:
        send(router.url, ROWS, concurrency=4, on_response=hook)
    assert sorted(seen) == list(range(40)) and threads == {threading.current_thread()}


def test_given_a_callback_that_raises_then_traffic_ends_with_its_error() -> None:
    def hook(response: Response) -> None:
        raise RuntimeError("enough")

    with running() as router:
        with pytest.raises(RuntimeError, match="enough"):
            send(router.url, (Row({"x": 1.0, "c": "a"}) for _ in range(100_000)), on_response=hook)
        assert len(router.requests) < 100_000


def test_given_rows_that_fail_to_come_then_their_error_is_raised() -> None:
    def rows() -> Iterator[Row]:
        yield ROWS[0]
        raise OSError("disk")

    with running() as router, pytest.raises(OSError, match="disk"):
        send(router.url, rows())


@pytest.mark.parametrize("arguments", [{"concurrency": 0}, {"rate": 0.0}, {"rate": float("nan")}])
def test_given_impossible_settings_then_value_error(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="give"):
        send("http://127.0.0.1:1", ROWS, **arguments)


def test_given_a_rate_then_requests_start_no_earlier_than_it_allows() -> None:
    with running() as router:
        started = time.time()
        result = send(router.url, ROWS[:11], concurrency=4, rate=100.0)
    clocks_may_differ_by = 0.01
    for response in result.responses:
        assert response.sent_at - started >= response.index / 100.0 - clocks_may_differ_by


def test_given_outcomes_then_each_is_sent_with_its_request_id() -> None:
    with running() as router:
        result = send(router.url, ROWS)
        outcomes = send_outcomes(router.url, result.outcomes())
    assert outcomes.accepted == 40 == len(outcomes.replies)
    sent = {body["request_id"]: body["outcome"] for body in router.bodies("/stage/feedback")}
    assert sent == {response.request_id: response.row.outcome for response in result.responses}


def failing(path: str, body: Any, number: int) -> Answer:
    if number % 4 == 0:
        return 400, {"title": "Bad input", "status": 400, "detail": "features.x: is missing; send a number"}
    if number % 4 == 1:
        return 503, {"title": "No model can serve", "status": 503}
    if number % 4 == 2:
        return 200, {"hello": "world"}
    return usual(path, body, number)


def test_given_failures_then_they_are_told_apart_and_none_is_repeated() -> None:
    with running(failing) as router:
        result = send(router.url, ROWS, concurrency=1)
    assert len(router.requests) == 40 and len(result.answered) == 10
    problems = [response.problem for response in result.responses[:4]]
    assert problems[:2] == ["features.x: is missing; send a number", "No model can serve"]
    assert "not an answer of the router" in str(problems[2]) and problems[3] is None
    text = summary(result)
    assert "40 sent" in text and "10 answered" in text
    assert "failed      10 x 400: features.x: is missing; send a number" in text
    assert "failed      10 x 503: No model can serve" in text
    assert len(list(result.outcomes())) == 10


def test_given_nobody_listening_then_each_request_says_so(nobody: str) -> None:
    result = send(nobody, ROWS[:3])
    assert [response.status for response in result.responses] == [0, 0, 0]
    assert all("refused" in str(response.problem) for response in result.responses)
    assert "failed      3 x no answer: cannot connect" in summary(result)


def test_given_nothing_sent_then_the_summary_still_reads() -> None:
    assert summary(TrafficResult((), 0.0)) == "0 sent in 0.0 s, 0 answered"


def test_given_the_program_then_it_sends_a_hundred_and_their_outcomes(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running() as router:
        assert main(["--url", router.url, "--data-dir", str(data), "--seed", "1"], {}) == 0
    out = capsys.readouterr().out
    assert len(router.bodies("/stage/predict")) == len(router.bodies("/stage/feedback")) == 100
    assert "100 answered" in out and "A 80 (80.0%), B 20 (20.0%)" in out
    assert "challenger 20 (20.0%)" in out and "p99" in out and "100 accepted" in out


def test_given_a_file_in_order_without_feedback_then_its_rows_and_no_outcomes(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(data / "reference" / "rows.csv")
    with running() as router:
        code = main(
            ["--data-dir", str(data), "--in-order", file, "--no-feedback", "--concurrency", "1"],
            {"CONTENDER_API_URL": router.url},
        )
    assert code == 0
    assert [body for _, body in router.requests] == [
        {"features": {"x": 1, "c": "a"}},
        {"data": [None, "b"]},
        {"features": {"x": 3, "c": None}},
    ]


def test_given_refused_outcomes_then_the_program_fails_and_says_why(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refusing(path: str, body: Any, number: int) -> Answer:
        return (
            (404, {"detail": "unknown request_id"})
            if path.endswith("feedback")
            else usual(path, body, number)
        )

    with running(refusing) as router:
        assert main(["--url", router.url, "--data-dir", str(data), "--n", "5"], {}) == 1
    assert "5 x 404: unknown request_id" in capsys.readouterr().out


def test_given_nobody_listening_then_the_program_gives_up_early_with_the_next_step(
    data: Path, nobody: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--url", nobody, "--data-dir", str(data), "--n", "100000"], {}) == 2
    assert "make up" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "make up"),
        (["--url", "http://127.0.0.1:1"], "no data set is known"),
        (["--url", "127.0.0.1:1", "--data-dir", "."], "http://"),
        (["--url", "http://127.0.0.1:1", "--data-dir", "nowhere"], "is no folder"),
    ],
)
def test_given_nothing_to_go_by_then_the_program_says_what_to_do(
    tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--state-dir", str(tmp_path)], {}) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--n", "0"], ["--concurrency", "x"], ["--rate", "-1"], ["--seed", "-1"]]
)
def test_given_bad_arguments_then_usage_and_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments, {})
    assert stopped.value.code == 2
    assert arguments[0] in capsys.readouterr().err


def test_given_ctrl_c_then_it_stops_sends_no_outcomes_and_sums_up(
    data: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    # A shell starts background jobs with SIGINT ignored, and Python leaves that so.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))

    def interrupting(path: str, body: Any, number: int) -> Answer:
        if number == 20:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return usual(path, body, number)

    with running(interrupting) as router:
        assert main(["--url", router.url, "--data-dir", str(data), "--n", "5000"], {}) == 130
    captured = capsys.readouterr()
    answered = len(router.bodies("/stage/predict"))
    assert 20 < answered < 5_000 and not router.bodies("/stage/feedback")
    assert f"{answered:,} sent" in captured.out and "stopped" in captured.err


def test_given_the_data_bucket_then_rows_come_from_it(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import boto3
    from moto import mock_aws

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with (
        mock_aws(config={"core": {"passthrough": {"urls": [r"http://127\.0\.0\.1.*"]}}}),
        running() as router,
    ):
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="data")
        for key in ("dataset.json", "reference/rows.csv"):
            s3.upload_file(str(data / key), "data", key)
        environ = {"CONTENDER_API_URL": router.url, "DATA_BUCKET": "data"}
        assert main(["--n", "4"], environ) == 0
        assert main(["--n", "4", "--bucket", "other"], environ) == 2
    assert len(router.bodies("/stage/predict")) == 4
    assert "s3://other/dataset.json" in capsys.readouterr().err
