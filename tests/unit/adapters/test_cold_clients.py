"""Sessions that know beforehand which services they are asked for."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import UnknownServiceError

from contender.adapters.cold_clients import session_of

REGIONS = ["eu-central-1", "us-east-1", "cn-north-1", "us-gov-west-1", "eu-nowhere-9"]
"""Of several partitions; the last one is not known to botocore, which works its endpoints out."""


@pytest.mark.parametrize("region", REGIONS)
def test_its_clients_are_those_of_boto3(region: str) -> None:
    services = ("ssm", "s3", "dynamodb")
    session = session_of(*services)

    for name in services:
        client = session.create_client(name, region_name=region)
        usual = boto3.client(name, region_name=region)
        assert client.meta.endpoint_url == usual.meta.endpoint_url
        assert client.meta.partition == usual.meta.partition
        assert client.meta.config.signature_version == usual.meta.config.signature_version
        assert client.meta.service_model.api_version == usual.meta.service_model.api_version
        assert client.meta.method_to_api_mapping == usual.meta.method_to_api_mapping
    assert session.get_available_regions("s3") == boto3.Session().get_available_regions("s3")


def test_it_keeps_no_endpoints_of_other_services() -> None:
    loader = session_of("ssm", "s3").get_component("data_loader")

    endpoints, _ = loader.load_data_with_path("endpoints")
    assert {name for partition in endpoints["partitions"] for name in partition["services"]} == {"ssm", "s3"}


def test_it_makes_no_others() -> None:
    with pytest.raises(UnknownServiceError):
        session_of("ssm").create_client("ecs", region_name="eu-central-1")
