"""Training tasks on ECS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from contender.adapters._aws import Client, translated
from contender.domain.records import PromotionJob, TaskEnd, TrainingJob
from contender.errors import NotFound, StoreUnavailable

MISSING = "MISSING"
"""ECS's word for a task that it does not know: not yet (it is eventually consistent), or not any more (it
forgets a stopped task after about an hour)."""

PROMOTE = ("python", "-m", "trainer.promote")
"""What a task runs, in the training's image, to carry out a verdict."""


def task_end(task: Mapping[str, Any]) -> TaskEnd | None:
    """Reads how a task ended.

    Args:
        task: A task as ``DescribeTasks`` and the event "ECS Task State Change" show it.

    Returns:
        Its end; ``None`` while it runs.
    """
    if task.get("lastStatus") != "STOPPED":
        return None
    containers = task.get("containers") or []
    reasons = [task.get("stoppedReason"), *(container.get("reason") for container in containers)]
    codes = [code for container in containers if (code := container.get("exitCode")) is not None]
    return TaskEnd(
        "; ".join(str(reason) for reason in reasons if reason) or "no reason given",
        int(codes[0]) if codes else None,  # the task has one container
    )


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

    def launch(self, job: TrainingJob | PromotionJob, token: str) -> str:
        """Starts a task and gives its ARN.

        Args:
            job: What the task is told, by environment.
            token: Idempotency token, at most 64 characters: ECS starts one task per token.

        Returns:
            The task's ARN.

        Raises:
            StoreUnavailable: When ECS refuses, has no capacity, or does not answer.
        """
        request: dict[str, Any] = {
            "cluster": self._cluster,
            "taskDefinition": self._task_definition,
            "launchType": "FARGATE",
            "count": 1,
            "clientToken": token,
            "startedBy": _started_by(job),
            "overrides": {"containerOverrides": [{"name": self._container, **_override(job)}]},
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

    def ended(self, task_arn: str) -> TaskEnd | None:
        """Tells how a task ended.

        Args:
            task_arn: The task.

        Returns:
            Its end; ``None`` while it runs.

        Raises:
            NotFound: When ECS does not know it, see :data:`MISSING`.
            StoreUnavailable: When ECS refuses or does not answer.
        """
        with translated("ecs", f"describe task {task_arn}"):
            answer = self._client.describe_tasks(cluster=self._cluster, tasks=[task_arn])
        if answer.get("tasks"):
            return task_end(answer["tasks"][0])
        reason = next((failure.get("reason") for failure in answer.get("failures", [])), None)
        if reason in (MISSING, None):
            raise NotFound(f"ECS does not know the task {task_arn}")
        raise StoreUnavailable("ecs", f"describe task {task_arn}: {reason}")

    def stop(self, task_arn: str, reason: str) -> None:
        """Ends a task: SIGTERM, and SIGKILL when it is still there after its stop timeout (30 s).

        Args:
            task_arn: The task.
            reason: Why, for whoever looks at the task.

        Raises:
            StoreUnavailable: When ECS refuses or does not answer.
        """
        with translated("ecs", f"stop task {task_arn}"):
            self._client.stop_task(cluster=self._cluster, task=task_arn, reason=reason)


def _started_by(job: TrainingJob | PromotionJob) -> str:
    """A training's run key, by which the event of its end finds the record; else what may stand there."""
    if isinstance(job, TrainingJob):
        return job.run_key
    return f"promotion-{job.experiment_id.rpartition('#')[2]}"


def _override(job: TrainingJob | PromotionJob) -> dict[str, Any]:
    if isinstance(job, PromotionJob):
        return {"command": list(PROMOTE), "environment": _environment({"EXPERIMENT_ID": job.experiment_id})}
    told = {
        "RUN_KEY": job.run_key,
        "REASON": job.reason.value,
        "TRAIN_PREFIX": job.train_prefix,
        "REPORT_KEY": job.report_key,
    }
    return {"environment": _environment(told)}  # the command is the task definition's own


def _environment(told: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in told.items()]
