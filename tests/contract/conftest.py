"""One suite per port, run against the fake and against the AWS adapter on moto.

``CONTRACT_ENDPOINT`` adds a third run, of the same adapters against an emulator that listens there.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from moto import mock_aws

ENDPOINT = os.environ.get("CONTRACT_ENDPOINT", "")
BACKENDS = ["fake", "moto", *(["emulator"] if ENDPOINT else [])]

MakeClient = Callable[[str], Any]


@pytest.fixture(autouse=True, scope="module")
def _credentials() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }.items():
            patch.setenv(name, value)
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(params=BACKENDS, scope="module")
def backend(request: pytest.FixtureRequest, _credentials: None) -> Iterator[str]:
    """What stands behind the port; one for a whole module, in which tests keep to unique names."""
    if request.param == "moto":
        with mock_aws():
            yield "moto"
    else:
        yield str(request.param)


@pytest.fixture(scope="module")
def client(backend: str) -> MakeClient:
    """Makes clients of the backend, one per service."""
    endpoint = ENDPOINT if backend == "emulator" else None
    return cache(lambda service: boto3.client(service, endpoint_url=endpoint))


@pytest.fixture
def unique() -> str:
    """A name that no other test uses."""
    return f"contract-{uuid.uuid4().hex[:12]}"


def create_table(dynamodb: Any, name: str, key: str) -> str:
    """Creates a table with a text key, and waits until it is there."""
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return name


@pytest.fixture
def nowhere() -> MakeClient:
    """Makes clients of an endpoint where nothing listens."""
    from botocore.config import Config

    config = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1})
    return lambda service: boto3.client(service, endpoint_url="http://127.0.0.1:9", config=config)
