# ruff: noqa: N803 - the fakes take boto3's own argument names
"""Stopped tasks are told of once, to the rules that match, as ECS would tell."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from infra.local.task_events import TaskEvents, state_change

STOPPED = {
    "taskArn": "arn:task/1",
    "lastStatus": "STOPPED",
    "startedBy": "key",
    "stoppedAt": datetime(2026, 1, 5, 6, tzinfo=UTC),
    "containers": [{"exitCode": 137}],
}
RULES = [
    {"Name": "ours", "State": "ENABLED", "EventPattern": '{"source": ["aws.ecs"]}'},
    {"Name": "off", "State": "DISABLED", "EventPattern": '{"source": ["aws.ecs"]}'},
    {"Name": "other", "State": "ENABLED", "EventPattern": '{"source": ["aws.s3"]}'},
    {"Name": "schedule", "State": "ENABLED"},
]


class FakeAws:
    """ECS, EventBridge and Lambda."""

    def __init__(self, *tasks: dict[str, Any]) -> None:
        self.tasks = list(tasks)
        self.invoked: list[tuple[str, dict[str, Any]]] = []

    def list_tasks(self, cluster: str, desiredStatus: str) -> dict[str, Any]:
        assert desiredStatus == "STOPPED"
        return {"taskArns": [task["taskArn"] for task in self.tasks]}

    def describe_tasks(self, cluster: str, tasks: list[str]) -> dict[str, Any]:
        return {"tasks": [task for task in self.tasks if task["taskArn"] in tasks]}

    def list_rules(self) -> dict[str, Any]:
        return {"Rules": RULES}

    def test_event_pattern(self, EventPattern: str, Event: str) -> dict[str, Any]:
        return {"Result": json.loads(Event)["source"] in json.loads(EventPattern)["source"]}

    def list_targets_by_rule(self, Rule: str) -> dict[str, Any]:
        return {"Targets": [{"Arn": f"arn:aws:lambda:x:function:{Rule}"}, {"Arn": "arn:aws:sqs:x:queue"}]}

    def invoke(self, FunctionName: str, InvocationType: str, Payload: bytes) -> None:
        assert InvocationType == "Event"
        self.invoked.append((FunctionName, json.loads(Payload)))


def watch(aws: FakeAws) -> TaskEvents:
    return TaskEvents(aws, aws, aws, "arn:cluster")


def test_a_stopped_task_is_told_of_once_and_only_where_a_rule_matches() -> None:
    aws = FakeAws(STOPPED)
    events = watch(aws)
    assert (events.tell(), events.tell()) == (["arn:task/1"], [])
    ((function, event),) = aws.invoked
    assert function.endswith(":ours")
    assert (event["source"], event["detail-type"]) == ("aws.ecs", "ECS Task State Change")
    assert event["detail"] == {**STOPPED, "stoppedAt": "2026-01-05T06:00:00+00:00"}


def test_a_task_that_is_only_about_to_stop_is_told_of_when_it_has() -> None:
    aws = FakeAws({**STOPPED, "lastStatus": "DEPROVISIONING"})
    events = watch(aws)
    assert events.tell() == []
    aws.tasks = [STOPPED]
    assert events.tell() == ["arn:task/1"]


def test_the_event_names_the_task_as_its_resource() -> None:
    assert state_change(STOPPED)["resources"] == ["arn:task/1"]
