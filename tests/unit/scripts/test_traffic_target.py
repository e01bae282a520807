from __future__ import annotations

from pathlib import Path

import pytest

from scripts.traffic_target import find_target


def test_given_a_running_local_stack_then_its_api_and_bucket_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stack:
        api_url = "http://127.0.0.1:4566/api"
        data_bucket = "data"

        def client(self, service: str) -> str:
            return service

    monkeypatch.setattr("scripts.running_stack.find", lambda folder: Stack() if folder == tmp_path else None)
    target = find_target(None, None, None, {}, tmp_path)
    assert target.url == Stack.api_url
    assert target.store.uri("dataset.json") == "s3://data/dataset.json"
    elsewhere = find_target("https://api.example", None, None, {}, tmp_path)
    assert elsewhere.url == "https://api.example"
