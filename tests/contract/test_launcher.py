from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from contender.adapters.ecs_launcher import EcsLauncher
from contender.domain.records import PromotionJob, Reason, TaskEnd, TrainingJob
from contender.errors import NotFound, StoreUnavailable
from contender.ports import Launcher
from tests.contract.conftest import MakeClient
from tests.support.fakes import FakeLauncher

JOB = TrainingJob("f" * 64, Reason.DRIFT, "current/june/", "reports/june/x.json")
TOKEN = "f" * 48 + "-1"
ENVIRONMENT = [
    {"name": "RUN_KEY", "value": "f" * 64},
    {"name": "REASON", "value": "drift"},
    {"name": "TRAIN_PREFIX", "value": "current/june/"},
    {"name": "REPORT_KEY", "value": "reports/june/x.json"},
]


def ecs_launcher(ecs: Any, cluster: str, definition: str, subnets: list[str]) -> EcsLauncher:
    return EcsLauncher(ecs, cluster, definition, "trainer", subnets, ["sg-1"] if subnets else [])


@pytest.fixture
def launcher(backend: str, client: MakeClient, unique: str) -> Launcher:
    if backend == "fake":
        return FakeLauncher()
    ecs = client("ecs")
    cluster = ecs.create_cluster(clusterName=unique)["cluster"]["clusterArn"]
    definition = ecs.register_task_definition(
        family=unique,
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "trainer", "image": "trainer", "memory": 512}],
    )["taskDefinition"]["taskDefinitionArn"]
    subnets = client("ec2").describe_subnets()["Subnets"] if backend == "moto" else []
    return ecs_launcher(ecs, cluster, definition, [subnet["SubnetId"] for subnet in subnets[:1]])


def test_a_task_is_started_and_named(launcher: Launcher) -> None:
    assert launcher.launch(JOB, TOKEN).startswith("arn:")


def test_a_task_that_runs_has_not_ended(launcher: Launcher) -> None:
    assert launcher.ended(launcher.launch(JOB, TOKEN)) is None


def test_a_stopped_task_has_ended_for_the_reason_given(launcher: Launcher) -> None:
    task = launcher.launch(JOB, TOKEN)
    launcher.stop(task, "it took too long")
    end = launcher.ended(task)
    assert end is not None
    assert "it took too long" in end.reason


def test_a_task_that_nobody_knows_is_an_error(launcher: Launcher, unique: str) -> None:
    known = launcher.launch(JOB, TOKEN)
    with pytest.raises(NotFound, match="does not know the task"):
        launcher.ended(known.rsplit("/", 1)[0] + "/" + "0" * 32)


@pytest.mark.usefixtures("_credentials")
class TestEnd:
    """What is made of ECS's own words; moto's tasks never end by themselves."""

    @pytest.mark.parametrize(
        ("task", "end"),
        [
            ({"lastStatus": "RUNNING", "containers": [{"lastStatus": "RUNNING"}]}, None),
            ({"lastStatus": "DEPROVISIONING", "stoppedReason": "Essential container in task exited"}, None),
            (
                {
                    "lastStatus": "STOPPED",
                    "stoppedReason": "Essential container in task exited",
                    "containers": [{"exitCode": 137, "reason": "OutOfMemoryError: Container killed"}],
                },
                TaskEnd("Essential container in task exited; OutOfMemoryError: Container killed", 137),
            ),
            (
                {"lastStatus": "STOPPED", "stoppedReason": "CannotPullContainerError", "containers": [{}]},
                TaskEnd("CannotPullContainerError"),
            ),
            ({"lastStatus": "STOPPED", "containers": [{"exitCode": 0}]}, TaskEnd("no reason given", 0)),
            ({"lastStatus": "STOPPED"}, TaskEnd("no reason given")),
        ],
    )
    def test_reasons_and_exit_code(self, task: dict[str, object], end: TaskEnd | None) -> None:
        import boto3

        ecs = boto3.client("ecs")
        with Stubber(ecs) as stub:
            asked = {"cluster": "arn:cluster", "tasks": ["arn:task/1"]}
            stub.add_response("describe_tasks", {"tasks": [task]}, asked)
            assert ecs_launcher(ecs, "arn:cluster", "arn:definition", []).ended("arn:task/1") == end

    @pytest.mark.parametrize(
        ("reason", "error"), [("MISSING", NotFound), ("ACCESS_DENIED", StoreUnavailable)]
    )
    def test_a_task_that_is_not_described_is_no_end(self, reason: str, error: type[Exception]) -> None:
        import boto3

        ecs = boto3.client("ecs")
        with Stubber(ecs) as stub:
            stub.add_response("describe_tasks", {"failures": [{"arn": "arn:task/1", "reason": reason}]})
            with pytest.raises(error, match="task"):
                ecs_launcher(ecs, "arn:cluster", "arn:definition", []).ended("arn:task/1")


@pytest.mark.usefixtures("_credentials")
class TestRequest:
    """What is asked of ECS, word for word; moto forgets most of it."""

    @pytest.fixture
    def ecs(self) -> Any:
        import boto3

        return boto3.client("ecs")

    def request(self, **more: object) -> dict[str, object]:
        return {
            "cluster": "arn:cluster",
            "taskDefinition": "arn:definition",
            "launchType": "FARGATE",
            "count": 1,
            "clientToken": TOKEN,
            "startedBy": "f" * 64,
            "overrides": {"containerOverrides": [{"name": "trainer", "environment": ENVIRONMENT}]},
            **more,
        }

    def test_the_job_is_told_by_the_containers_environment(self, ecs: Any) -> None:
        with Stubber(ecs) as stub:
            stub.add_response("run_task", {"tasks": [{"taskArn": "arn:task/1"}]}, self.request())
            assert ecs_launcher(ecs, "arn:cluster", "arn:definition", []).launch(JOB, TOKEN) == "arn:task/1"

    def test_with_subnets_the_task_gets_a_way_out(self, ecs: Any) -> None:
        network = {
            "awsvpcConfiguration": {
                "subnets": ["subnet-1"],
                "securityGroups": ["sg-1"],
                "assignPublicIp": "ENABLED",
            }
        }
        with Stubber(ecs) as stub:
            stub.add_response(
                "run_task",
                {"tasks": [{"taskArn": "arn:task/1"}]},
                self.request(networkConfiguration=network),
            )
            ecs_launcher(ecs, "arn:cluster", "arn:definition", ["subnet-1"]).launch(JOB, TOKEN)

    @pytest.mark.parametrize(
        ("answer", "reason"),
        [
            ({"tasks": [], "failures": [{"arn": "x", "reason": "RESOURCE:MEMORY"}]}, "RESOURCE:MEMORY"),
            ({"failures": [{"reason": "A"}, {"reason": "B"}]}, "A; B"),
            ({"tasks": [], "failures": [{"arn": "x"}]}, "unknown"),
            ({"tasks": [], "failures": []}, "no reason given"),
            ({}, "no reason given"),
        ],
    )
    def test_a_task_that_is_not_placed_is_an_error_with_ecs_reasons(
        self, ecs: Any, answer: dict[str, object], reason: str
    ) -> None:
        with Stubber(ecs) as stub:
            stub.add_response("run_task", answer)
            with pytest.raises(StoreUnavailable, match=f"no task was started: {reason}"):
                ecs_launcher(ecs, "arn:cluster", "arn:definition", []).launch(JOB, TOKEN)

    @pytest.mark.parametrize(
        "code", ["ClusterNotFoundException", "ThrottlingException", "ResourceNotFoundException"]
    )
    def test_a_refusal_is_an_error_with_its_code(self, ecs: Any, code: str) -> None:
        with Stubber(ecs) as stub:
            stub.add_client_error("run_task", code, "no")
            with pytest.raises(StoreUnavailable, match=code) as error:
                ecs_launcher(ecs, "arn:cluster", "arn:definition", []).launch(JOB, TOKEN)
        assert isinstance(error.value.__cause__, ClientError)


def test_without_a_service_it_is_told(nowhere: MakeClient) -> None:
    with pytest.raises(StoreUnavailable, match=r"^ecs: run task"):
        ecs_launcher(nowhere("ecs"), "arn:cluster", "arn:definition", []).launch(JOB, TOKEN)
    with pytest.raises(StoreUnavailable, match=r"^ecs: describe task"):
        ecs_launcher(nowhere("ecs"), "arn:cluster", "arn:definition", []).ended("arn:task/1")
    with pytest.raises(StoreUnavailable, match=r"^ecs: stop task"):
        ecs_launcher(nowhere("ecs"), "arn:cluster", "arn:definition", []).stop("arn:task/1", "why")

    def test_a_promotion_runs_another_command_of_the_same_container(self) -> None:
        import boto3

        ecs = boto3.client("ecs")
        asked = {
            "cluster": "arn:cluster",
            "taskDefinition": "arn:definition",
            "launchType": "FARGATE",
            "count": 1,
            "clientToken": "token-1",
            "startedBy": "promotion-abcdef012345",  # ECS takes letters, digits, hyphens and slashes only
            "overrides": {
                "containerOverrides": [
                    {
                        "name": "trainer",
                        "command": ["python", "-m", "trainer.promote"],
                        "environment": [
                            {"name": "EXPERIMENT_ID", "value": "2024-01-01T00:00:00.000Z#abcdef012345"}
                        ],
                    }
                ]
            },
        }
        with Stubber(ecs) as stub:
            stub.add_response("run_task", {"tasks": [{"taskArn": "arn:task/1"}]}, asked)
            launcher = ecs_launcher(ecs, "arn:cluster", "arn:definition", [])
            job = PromotionJob("2024-01-01T00:00:00.000Z#abcdef012345")
            assert launcher.launch(job, "token-1") == "arn:task/1"
