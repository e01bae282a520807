"""Functions in real Lambda containers, by ``sam local``, against a local stack that runs already.

`sam local` gives a function only variables that the template declares, and only values that it can work out
by itself. So it gets the built template with AWS_ENDPOINT_URL added, and the stack's names as a file.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from infra.local import deploy, docker_engine, processes, tools
from infra.local.info import StackInfo
from infra.local.processes import Service

PROFILE = "prod"
"""Profile of ``samconfig.toml`` whose layers fit Lambda's own Python."""
RUNTIME_IMAGE = "public.ecr.aws/lambda/python:3.12-x86_64"
"""What `sam local` runs functions in."""
START_S = 300.0
"""Longest start of `sam local start-api` in seconds: it may have to pull the runtime's image."""
_ENDPOINT = "AWS_ENDPOINT_URL"


@dataclass(frozen=True, slots=True)
class SamLocal:
    """Everything that `sam local` needs.

    Attributes:
        template: The built template with the endpoint added.
        variables: File of environment variables.
        env: Environment for sam itself: credentials and region, which it hands to the functions.
        options: Command line options that every subcommand takes.
    """

    template: Path
    variables: Path
    env: dict[str, str]
    options: tuple[str, ...]

    def start_api(self, port: int) -> list[str]:
        """The command that serves the router.

        Args:
            port: Of 127.0.0.1. Containers stay warm between requests, as on Lambda.
        """
        serve = ["start-api", "--host", "127.0.0.1", "--port", str(port), "--warm-containers", "LAZY"]
        return [str(tools.SAM), "local", *serve, *self.options]

    def invoke(self, function: str, event: Path) -> list[str]:
        """The command that invokes a function once.

        Args:
            function: Its name in the template.
            event: JSON file with its event.
        """
        return [str(tools.SAM), "local", "invoke", function, "--event", str(event), *self.options]


def prepare(stack: StackInfo, folder: Path, mark: str) -> SamLocal:
    """Builds for Lambda's own Python and writes what `sam local` needs.

    Args:
        stack: The stack that functions shall talk to.
        folder: Where logs and the file of variables go.
        mark: Mark of processes that are started.

    Raises:
        LocalStackError: There is no engine, or the build failed.
    """
    tools.require()
    docker_engine.require_engine()
    folder.mkdir(parents=True, exist_ok=True)
    env = {**tools.clean_environment(os.environ), **stack.env, "DOCKER_HOST": docker_engine.host()}
    with deploy.build_folder():
        deploy.build(env, mark, folder / "sam-build.log", PROFILE)
        template = _with_endpoint(tools.ROOT / ".aws-sam" / PROFILE / "build" / "template.yaml")
    variables = folder / "variables.json"
    variables.write_text(json.dumps({"Parameters": function_variables(stack)}, indent=1))
    options = ["--template", str(template), "--env-vars", str(variables)]
    options += ["--parameter-overrides", f"Stage={stack.stage} TrainingImage={docker_engine.TRAINING_IMAGE}"]
    # The network that the emulator's address belongs to; and no wait for a registry that has nothing newer.
    if docker_engine.has_image(RUNTIME_IMAGE):
        options.append("--skip-pull-image")
    return SamLocal(template, variables, env, tuple(options))


def function_variables(stack: StackInfo) -> dict[str, str]:
    """What the functions' environment holds on this stack, with the emulator where a container reaches it."""
    port = stack.endpoint_url.rsplit(":", 1)[1]
    address = docker_engine.bridge_address()
    # An address where there is one: by a name, S3 would be asked for as bucket.name, which no one resolves.
    host = docker_engine.HOST if address == docker_engine.LOOPBACK else address
    return {
        _ENDPOINT: f"http://{host}:{port}",
        "CONTENDER_STAGE": stack.stage,
        "DATA_BUCKET": stack.data_bucket,
        "ARTIFACT_BUCKET": stack.artifact_bucket,
        "PREDICTIONS_TABLE": stack.predictions_table,
        "RUNS_TABLE": stack.runs_table,
        "RELEASE_PARAMETER": stack.release_parameter,
        "SPLIT_PARAMETER": stack.split_parameter,
        "CLUSTER_ARN": stack.cluster_arn,
        "TASK_DEFINITION_ARN": stack.task_definition_arn,
        "SUBNETS": "",
        "SECURITY_GROUPS": "",
    }


def reach(stack: StackInfo, mark: str, log: Path) -> Service | None:
    """Lets containers reach the stack's emulator, unless they already can.

    Args:
        stack: The stack.
        mark: Mark of the process that does it.
        log: Its log.

    Returns:
        What was started; None where nothing had to be.
    """
    address = docker_engine.bridge_address()
    port = stack.endpoint_url.rsplit(":", 1)[1]
    health = f"http://{address}:{port}/_ministack/health"
    if processes.answers(health):
        return None
    command = [sys.executable, "-m", "infra.local.forward", "--address", address, port]
    service = processes.spawn("bridge", command, tools.clean_environment(os.environ), mark, log)
    processes.wait_for(service, mark, lambda: processes.answers(health), 30.0)
    return service


def _with_endpoint(built: Path) -> Path:
    document: dict[str, Any] = yaml.safe_load(built.read_text())
    variables: Mapping[str, Any] = document["Globals"]["Function"]["Environment"]["Variables"]
    document["Globals"]["Function"]["Environment"]["Variables"] = {**variables, _ENDPOINT: ""}
    path = built.with_name("sam-local.yaml")  # beside it: paths in it are relative
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path
