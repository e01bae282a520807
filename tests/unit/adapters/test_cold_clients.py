"""Sessions that know beforehand which services they are asked for."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import UnknownServiceError

from contender.adapters.cold_clients import session_of


def test_its_clients_are_those_of_boto3() -> None:
    session = session_of("ssm", "dynamodb")

    for name in ("ssm", "dynamodb"):
        client = session.create_client(name, region_name="eu-central-1")
        usual = boto3.client(name, region_name="eu-central-1")
        assert client.meta.endpoint_url == usual.meta.endpoint_url
        assert client.meta.service_model.api_version == usual.meta.service_model.api_version
        assert client.meta.method_to_api_mapping == usual.meta.method_to_api_mapping


def test_it_makes_no_others() -> None:
    with pytest.raises(UnknownServiceError):
        session_of("ssm").create_client("ecs", region_name="eu-central-1")
