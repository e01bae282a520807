"""Tells of stopped ECS tasks, where the emulator does not.

ECS sends "ECS Task State Change" to EventBridge; ministack 1.5.33 does not, and refuses events of source
`aws.ecs` from others, as AWS does. So this program looks every second which tasks have stopped, and delivers
the event that ECS would send to every Lambda target whose deployed rule matches; the emulator says which do.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.local.info import ACCOUNT, REGION, client

POLL_S = 1.0
"""Seconds between two looks. ECS takes some seconds, too."""


class TaskEvents:
    """Finds tasks that have stopped since the last look, and tells of each once.

    Args:
        ecs: A boto3 client, as the others.
        events: EventBridge.
        functions: Lambda.
        cluster: ARN of the cluster.
    """

    def __init__(self, ecs: Any, events: Any, functions: Any, cluster: str) -> None:
        self._ecs = ecs
        self._events = events
        self._functions = functions
        self._cluster = cluster
        self._told: set[str] = set()

    def tell(self) -> list[str]:
        """Tells of every task that stopped; gives their ARNs."""
        tasks = [task for task in self._stopped() if task["taskArn"] not in self._told]
        for task in tasks:
            event = state_change(task)
            for function in self._listeners(event):
                self._functions.invoke(
                    FunctionName=function, InvocationType="Event", Payload=json.dumps(event).encode()
                )
            self._told.add(task["taskArn"])
        return [task["taskArn"] for task in tasks]

    def _stopped(self) -> list[dict[str, Any]]:
        found = self._ecs.list_tasks(cluster=self._cluster, desiredStatus="STOPPED")["taskArns"]
        new = [arn for arn in found if arn not in self._told]
        if not new:
            return []
        tasks = self._ecs.describe_tasks(cluster=self._cluster, tasks=new)["tasks"]
        return [task for task in tasks if task["lastStatus"] == "STOPPED"]

    def _listeners(self, event: dict[str, Any]) -> Iterator[str]:
        for rule in self._events.list_rules()["Rules"]:
            if rule["State"] != "ENABLED" or not rule.get("EventPattern"):
                continue
            pattern, document = rule["EventPattern"], json.dumps(event)
            if self._events.test_event_pattern(EventPattern=pattern, Event=document)["Result"]:
                for target in self._events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
                    if ":lambda:" in target["Arn"]:
                        yield target["Arn"]


def state_change(task: dict[str, Any]) -> dict[str, Any]:
    """The event that ECS sends about a task.

    Args:
        task: The task, as ``DescribeTasks`` shows it.
    """
    detail = json.loads(json.dumps(task, default=_text))
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": ACCOUNT,
        "time": detail.get("stoppedAt", ""),
        "region": REGION,
        "resources": [task["taskArn"]],
        "detail": detail,
    }


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def main(arguments: Sequence[str] | None = None) -> int:
    """Tells of tasks until it is stopped; what fails is tried again."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.task_events", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--endpoint-url", required=True, help="address of the emulator")
    parser.add_argument("--cluster", required=True, help="ARN of the cluster")
    options = parser.parse_args(arguments)
    ecs, events, functions = (client(name, options.endpoint_url) for name in ("ecs", "events", "lambda"))
    watch = TaskEvents(ecs, events, functions, options.cluster)
    print("watching", flush=True)
    try:
        while True:
            try:
                for task in watch.tell():
                    print(f"told of {task}", flush=True)
            except (BotoCoreError, ClientError) as problem:
                print(f"not told: {problem}", file=sys.stderr, flush=True)
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
