"""The profile for AWS, deployed on the emulator beside the local one: what only AWS gets is there and works.

The template is the one that the session has built: layers for Lambda's own Python are the packaging tests'
business. The emulator has neither SageMaker nor CodeDeploy (it expands SAM with the parameters' defaults):
an MLflow server is named; the gradual deployment is shown by `tests/unit/infra/test_template_aws.py` only.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
import requests

from infra.local import tools
from infra.local.info import StackInfo
from scripts.deploy import use_settings

pytestmark = pytest.mark.integration

BUILT = ".aws-sam/local/build/template.yaml"
GIVEN = (
    "TrainingImage=000000000000.dkr.ecr.us-east-1.amazonaws.com/contender:none",
    "AlarmEmail=me@example.org",
)
MLFLOW = "https://mlflow.example.org"


@pytest.fixture(scope="module")
def outputs(stack: StackInfo) -> Mapping[str, str]:
    """Outputs of contender-prod, deployed by the command that `make deploy` runs."""
    command = [sys.executable, "-m", "scripts.deploy", "--stage", "prod", "--yes", "--template", BUILT]
    env = {**tools.clean_environment({}), **stack.env}
    done = subprocess.run(
        [*command, *GIVEN, f"MlflowTrackingUri={MLFLOW}"],
        cwd=tools.ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = stack.client("cloudformation").describe_stacks(StackName="contender-prod")["Stacks"][0]["Outputs"]
    return {row["OutputKey"]: row["OutputValue"] for row in rows}


def _address(stack: StackInfo, outputs: Mapping[str, str]) -> str:
    return f"{stack.endpoint_url}/restapis/{outputs['ApiId']}/prod/_user_request_/config"


def test_the_split_can_be_moved_with_the_key_only(stack: StackInfo, outputs: Mapping[str, str]) -> None:
    address = _address(stack, outputs)
    refused = requests.post(address, json={"ab_split_b": 0.4}, timeout=30)
    assert (refused.status_code, refused.json()["message"]) == (403, "Forbidden")
    shown = stack.client("apigateway").get_api_key(apiKey=outputs["ConfigKeyId"], includeValue=True)
    taken = requests.post(
        address, json={"ab_split_b": 0.4}, headers={"x-api-key": shown["value"]}, timeout=30
    )
    assert (taken.status_code, taken.json()["ab_split_b"]) == (200, 0.4)
    assert requests.get(address, timeout=30).status_code == 200


def test_training_runs_in_the_network_that_was_made(stack: StackInfo, outputs: Mapping[str, str]) -> None:
    function = stack.client("lambda").get_function_configuration(
        FunctionName=outputs["DetectDriftFunctionName"]
    )
    variables = function["Environment"]["Variables"]
    subnets = variables["SUBNETS"].split(",")
    assert len(subnets) == 2, variables
    ec2 = stack.client("ec2")
    found = ec2.describe_subnets(SubnetIds=subnets)["Subnets"]
    (vpc,) = {subnet["VpcId"] for subnet in found}
    assert len({subnet["AvailabilityZone"] for subnet in found}) == 2
    routes = [
        route
        for table in ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
        for route in table["Routes"]
    ]
    assert any(route.get("GatewayId", "").startswith("igw-") for route in routes)
    assert not ec2.describe_nat_gateways(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["NatGateways"]
    endpoints = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["VpcEndpoints"]
    assert {(one["VpcEndpointType"], one["ServiceName"].rsplit(".", 1)[1]) for one in endpoints} == {
        ("Gateway", "s3"),
        ("Gateway", "dynamodb"),
    }
    (group,) = ec2.describe_security_groups(GroupIds=[variables["SECURITY_GROUPS"]])["SecurityGroups"]
    assert group["IpPermissions"] == []
    assert {(rule["FromPort"], rule["ToPort"]) for rule in group["IpPermissionsEgress"]} == {(443, 443)}


def test_training_is_told_the_mlflow_server_that_was_named(
    stack: StackInfo, outputs: Mapping[str, str]
) -> None:
    assert outputs["MlflowTrackingUri"] == MLFLOW
    container = _training_container(stack)
    assert {"name": "MLFLOW_TRACKING_URI", "value": MLFLOW} in container["environment"]
    stacks = stack.client("cloudformation").list_stacks()["StackSummaries"]
    assert not [one for one in stacks if "Mlflow" in one["StackName"]]


def _training_container(stack: StackInfo) -> dict[str, Any]:
    task = stack.client("ecs").describe_task_definition(taskDefinition="contender-prod-training")
    container: dict[str, Any] = task["taskDefinition"]["containerDefinitions"][0]
    return container


def test_every_alarm_tells_the_topic_that_the_address_subscribes_to(
    stack: StackInfo, outputs: Mapping[str, str]
) -> None:
    alarms = stack.client("cloudwatch").describe_alarms(AlarmNamePrefix="contender-prod-")["MetricAlarms"]
    assert len(alarms) >= 10
    assert {tuple(alarm["AlarmActions"]) for alarm in alarms} == {(outputs["AlarmsTopicArn"],)}
    told = stack.client("sns").list_subscriptions_by_topic(TopicArn=outputs["AlarmsTopicArn"])[
        "Subscriptions"
    ]
    assert [one["Endpoint"] for one in told] == ["me@example.org"]


def test_the_api_calls_a_published_version_through_the_alias(
    stack: StackInfo, outputs: Mapping[str, str]
) -> None:
    client = stack.client("lambda")
    alias = client.get_alias(FunctionName=outputs["RouterFunctionName"], Name="live")
    assert alias["FunctionVersion"].isdigit()
    definition = stack.client("apigateway").get_resources(restApiId=outputs["ApiId"], embed=["methods"])
    uris = {
        method["methodIntegration"]["uri"]
        for resource in definition["items"]
        for method in (resource.get("resourceMethods") or {}).values()
    }
    assert {uri.rsplit(":", 1)[1] for uri in uris} == {"live/invocations"}


def test_a_changed_setting_reaches_the_version_that_the_api_calls(
    stack: StackInfo, outputs: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in stack.env.items():
        monkeypatch.setenv(name, value)
    client, router = stack.client("lambda"), outputs["RouterFunctionName"]
    assert use_settings(router) is None
    variables = client.get_function_configuration(FunctionName=router)["Environment"]["Variables"]
    changed = {**variables, "RETENTION_DAYS": "7"}
    client.update_function_configuration(FunctionName=router, Environment={"Variables": changed})
    version = use_settings(router)
    assert client.get_alias(FunctionName=router, Name="live")["FunctionVersion"] == version
    served = client.get_function_configuration(FunctionName=router, Qualifier="live")
    assert served["Environment"]["Variables"] == changed
