"""Training tasks on ECS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contender.adapters._aws import Client, translated
from contender.domain.records import TrainingJob
from contender.errors import StoreUnavailable


class EcsLauncher:
    """Implements :class:`contender.ports.Launcher` by ``RunTask`` on Fargate.

    Args:
        client: A boto3 ECS client.
        cluster: ARN of the cluster.
        task_definition: ARN of the task definition.
        container: Name of the container that gets the job's environment.
        subnets: Subnets of the task's network interface; empty leaves the network to the emulator.
        security_groups: Its security groups.
    """

    def __init__(
        self,
        client: Client,
        cluster: str,
        task_definition: str,
        container: str,
        subnets: Sequence[str],
        security_groups: Sequence[str],
    ) -> None:
        self._client = client
        self._cluster = cluster
        self._task_definition = task_definition
        self._container = container
        self._subnets = list(subnets)
        self._security_groups = list(security_groups)

    def launch(self, job: TrainingJob, token: str) -> str:
        """Starts a task and gives its ARN.

        Args:
            job: What the task is told, by environment.
            token: Idempotency token, at most 64 characters: ECS starts one task per token.

        Returns:
            The task's ARN.

        Raises:
            StoreUnavailable: When ECS refuses, has no capacity, or does not answer.
        """
        told = {
            "RUN_KEY": job.run_key,
            "REASON": job.reason.value,
            "TRAIN_PREFIX": job.train_prefix,
            "REPORT_KEY": job.report_key,
        }
        environment = [{"name": name, "value": value} for name, value in told.items()]
        request: dict[str, Any] = {
            "cluster": self._cluster,
            "taskDefinition": self._task_definition,
            "launchType": "FARGATE",
            "count": 1,
            "clientToken": token,
            "startedBy": job.run_key[:36],
            "overrides": {"containerOverrides": [{"name": self._container, "environment": environment}]},
        }
        if self._subnets:
            request["networkConfiguration"] = {
                "awsvpcConfiguration": {
                    "subnets": self._subnets,
                    "securityGroups": self._security_groups,
                    "assignPublicIp": "ENABLED",  # the way out to S3 and ECR without a NAT gateway
                }
            }
        with translated("ecs", f"run task {self._task_definition}"):
            answer = self._client.run_task(**request)
        if not answer.get("tasks"):
            failures = "; ".join(failure.get("reason", "unknown") for failure in answer.get("failures", []))
            raise StoreUnavailable("ecs", f"no task was started: {failures or 'no reason given'}")
        return str(answer["tasks"][0]["taskArn"])
