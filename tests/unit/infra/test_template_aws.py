"""What `template.yaml` promises an AWS account: permissions, encryption, alarms, gradual routers."""

from __future__ import annotations

import json
import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from infra.local import tools
from infra.local.deploy import read_template

TEMPLATE = read_template()
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
FILES = [tools.ROOT / name for name in ("template.yaml", "infra/network.yaml", "infra/mlflow.yaml")]
CODE = "\n".join(
    path.read_text()
    for folder in ("layers/core/contender", "router")
    for path in (tools.ROOT / folder).rglob("*.py")
)


def _of(kind: str) -> dict[str, dict[str, Any]]:
    return {name: one["Properties"] for name, one in RESOURCES.items() if one["Type"] == kind}


FUNCTIONS = _of("AWS::Serverless::Function")
ALARMS = _of("AWS::CloudWatch::Alarm")


def _statements(node: Any) -> list[dict[str, Any]]:
    """Every statement of every policy below a node."""
    if isinstance(node, list):
        return [found for one in node for found in _statements(one)]
    if not isinstance(node, dict):
        return []
    own = [node] if "Effect" in node else []
    return own + [found for one in node.values() for found in _statements(one)]


def test_nothing_is_allowed_by_a_wildcard_action() -> None:
    allowed = [one for one in _statements(RESOURCES) if one["Effect"] == "Allow"]
    assert len(allowed) > 20
    for statement in allowed:
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            assert "*" not in action, statement


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_wildcard_resource_has_its_reason_beside_it(path: Path) -> None:
    own = re.compile(r"\$\{(\w+\.Arn|ArtifactBucket)\}")  # what lies in a bucket of this stack, and the like
    wildcards = [
        (before, line)
        for before, line in pairwise(path.read_text().splitlines())
        if re.match(r'\s+(Resource:|- !Sub arn:).*(:|/|")\*', line) and not own.search(line)
    ]
    assert bool(wildcards) == (path.name == "template.yaml")  # that is, some are found at all
    for before, line in wildcards:
        assert "#" in line or before.strip().startswith("#"), line


def test_each_function_has_a_role_of_its_own() -> None:
    roles = [properties["Role"] for properties in FUNCTIONS.values()]
    assert len(set(roles)) == len(FUNCTIONS)
    for name, properties in FUNCTIONS.items():
        assert properties["Role"] == f"{name.removesuffix('Function')}Role.Arn"
        assert "Policies" not in properties


def test_tables_can_be_restored_and_buckets_want_tls() -> None:
    for properties in _of("AWS::DynamoDB::Table").values():
        assert properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
        assert properties["SSESpecification"]["SSEEnabled"]
    denied = {policy["Bucket"]: _statements(policy)[0] for policy in _of("AWS::S3::BucketPolicy").values()}
    assert {*denied} == {*_of("AWS::S3::Bucket")}
    for name, statement in denied.items():
        assert (statement["Effect"], statement["Condition"]) == (
            "Deny",
            {"Bool": {"aws:SecureTransport": "false"}},
        )
        assert statement["Resource"] == [f"{name}.Arn", f"${{{name}.Arn}}/*"]


def test_every_log_group_ends_some_day_and_every_function_is_traced() -> None:
    for properties in _of("AWS::Logs::LogGroup").values():
        assert properties["RetentionInDays"] == "LogRetentionDays"
    assert TEMPLATE["Globals"]["Function"]["Tracing"] == "Active"
    assert RESOURCES["RouterApi"]["Properties"]["TracingEnabled"]


def test_no_event_that_nobody_waits_for_is_lost() -> None:
    waited_for = {"RouterFunction"}
    for name, properties in FUNCTIONS.items():
        if name in waited_for:
            assert "Events" not in properties
            continue
        failure = properties["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]
        assert failure == {"Type": "SQS", "Destination": "FailedEvents.Arn"}
        for event in properties["Events"].values():
            assert event["Properties"]["DeadLetterConfig"] == {"Arn": "FailedEvents.Arn"}
        allowed = _statements(RESOURCES[properties["Role"].removesuffix(".Arn")])
        assert any(one.get("Action") == ["sqs:SendMessage"] for one in allowed)


def test_every_alarm_goes_somewhere_and_says_what_to_do() -> None:
    page = (tools.ROOT / "docs" / "operations.md").read_text()
    headings = re.findall(r"^### (.+)$", page, re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    used = set()
    for properties in ALARMS.values():
        assert properties["AlarmActions"] == ["Alarms"]
        used.add(properties["AlarmDescription"].split("docs/operations.md#")[1])
    assert used == anchors


def test_alarms_watch_metrics_that_the_programs_count() -> None:
    watched = {one["MetricName"] for one in ALARMS.values() if one["Namespace"] == "Contender"}
    assert {"prediction_spilled", "split_invalid", "training_failed"} <= watched
    counted = set(re.findall(r'\.problem\(\s*"(\w+)"', CODE))
    assert watched <= counted


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_finding_that_is_let_pass_has_a_reason(path: Path) -> None:
    for reason in re.findall(r"checkov:skip=\w+:?(.*)", path.read_text()):
        assert len(reason.split()) >= 5, reason
    assert "skip-check" not in (tools.ROOT / "Makefile").read_text()


EXPAND = """
import json, sys
from types import SimpleNamespace
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform
template = yaml_parse(open("template.yaml").read())
for one in template["Resources"].values():
    for name in ("CodeUri", "ContentUri"):
        if name in one.get("Properties", {}):
            one["Properties"][name] = "s3://bucket/key"
parameters = {"TrainingImage": "image", "GradualDeployment": sys.argv[1]}
print(json.dumps(transform(template, parameters, SimpleNamespace(load=dict)), default=str))
"""


def _expanded(gradual: str) -> dict[str, dict[str, Any]]:
    """The resources that SAM makes of the template, as AWS would see them."""
    done = subprocess.run(
        [str(tools.SAM_PYTHON), "-c", EXPAND, gradual],
        cwd=tools.ROOT,
        env={"AWS_DEFAULT_REGION": "us-east-1", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    resources: dict[str, dict[str, Any]] = json.loads(done.stdout)["Resources"]
    return resources


def test_on_aws_a_new_router_is_tried_on_a_tenth_of_the_traffic_and_taken_back_on_an_alarm() -> None:
    resources = _expanded("true")
    group = resources["RouterFunctionDeploymentGroup"]["Properties"]
    assert group["DeploymentConfigName"]["Fn::Sub"][1] == {"ConfigName": "Canary10Percent5Minutes"}
    assert {alarm["Name"]["Ref"] for alarm in group["AlarmConfiguration"]["Alarms"]} <= {*ALARMS}
    assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    assert group["ServiceRoleArn"] == {"Fn::GetAtt": ["DeploymentRole", "Arn"]}
    assert "CodeDeployLambdaAliasUpdate" in resources["RouterFunctionAliaslive"]["UpdatePolicy"]


def test_elsewhere_no_codedeploy_is_needed() -> None:
    kinds = {one["Type"] for one in _expanded("false").values()}
    assert "AWS::Lambda::Alias" in kinds
    assert not any("CodeDeploy" in kind for kind in kinds)


def test_the_api_calls_the_alias_and_only_moving_the_split_needs_a_key() -> None:
    api = RESOURCES["RouterApi"]["Properties"]
    for path, methods in api["DefinitionBody"]["paths"].items():
        for method, operation in methods.items():
            integration = operation["x-amazon-apigateway-integration"]
            assert integration["uri"].endswith("${RouterFunction.Arn}:live/invocations")
            assert integration["httpMethod"] == "POST"
            assert ("security" in operation) == ((method, path) == ("post", "/config"))
    setting = api["MethodSettings"][0]
    assert (setting["ThrottlingRateLimit"], setting["ThrottlingBurstLimit"]) == ("RateLimit", "BurstLimit")
