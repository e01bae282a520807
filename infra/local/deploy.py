"""Builds and deploys ``template.yaml`` with the very commands that deploy it to AWS."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from infra.local import tools
from infra.local.processes import run
from infra.profiles import as_override, read_profile

PROFILE = "local"
"""Profile of ``samconfig.toml`` for an emulator."""
LAYER_PYTHON = {PROFILE: "3.11"}
"""Profile → interpreter for which layers are built: the emulator's own; for other profiles it is Lambda's."""


@contextmanager
def build_folder() -> Iterator[None]:
    """Lets one stack at a time use the build folder, so that a demo and a test run do not mix theirs."""
    folder = tools.ROOT / ".aws-sam"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(env: Mapping[str, str], mark: str, log: Path, profile: str = PROFILE) -> None:
    """Runs ``sam build``.

    Args:
        env: Environment for sam.
        mark: Mark of the stack.
        log: Where the output goes.
        profile: Of ``samconfig.toml``; see :data:`LAYER_PYTHON`.

    Raises:
        LocalStackError: It failed.
    """
    command = [str(tools.SAM), "build", "--config-env", profile]
    layers = layer_variables(profile, env)
    run("sam build", command, {"AWS_DEFAULT_REGION": "us-east-1", **env, **layers}, mark, log)


def layer_variables(profile: str, env: Mapping[str, str]) -> dict[str, str]:
    """What ``layers/*.mk`` need to know of this machine.

    Args:
        profile: Of ``samconfig.toml``; see :data:`LAYER_PYTHON`.
        env: Environment of the build; what it says of an interpreter goes before.

    Returns:
        Variables for the environment of ``sam build``, without ``LAYER_COMPILER`` where this machine has no
        interpreter of the version that will import the layers.
    """
    found = {"LAYER_PIP_PYTHON": str(tools.SAM_PYTHON)}
    version = env.get("LAYER_PYTHON") or LAYER_PYTHON.get(profile)
    if version:
        found["LAYER_PYTHON"] = version
    compiler = env.get("LAYER_COMPILER") or tools.interpreter(version or lambda_python())
    if compiler:
        found["LAYER_COMPILER"] = compiler
    return found


def lambda_python() -> str:
    """Version of Python that the functions run on AWS, as ``3.12``."""
    return str(read_template()["Globals"]["Function"]["Runtime"]).removeprefix("python")


def deploy(parameters: Mapping[str, str], env: Mapping[str, str], mark: str, log: Path) -> None:
    """Runs ``sam deploy`` against the endpoint in ``env``.

    Args:
        parameters: Parameters of the template, beside those of the profile.
        env: Environment with ``AWS_ENDPOINT_URL``.
        mark: Mark of the stack.
        log: Where the output goes.

    Raises:
        LocalStackError: It failed.
    """
    given = {**read_profile(PROFILE).parameters, **parameters}
    overrides = [as_override(name, value) for name, value in given.items()]
    command = [str(tools.SAM), "deploy", "--config-env", PROFILE, "--no-progressbar"]
    run("sam deploy", [*command, "--parameter-overrides", *overrides], env, mark, log)


def stack_name() -> str:
    """The stack's name in the local profile."""
    return read_profile(PROFILE).stack_name


def outputs(cloudformation: Any) -> dict[str, str]:
    """The deployed stack's outputs, name → value.

    Args:
        cloudformation: A boto3 client.
    """
    stacks = cloudformation.describe_stacks(StackName=stack_name())["Stacks"]
    return {row["OutputKey"]: row["OutputValue"] for row in stacks[0]["Outputs"]}


def read_template() -> dict[str, Any]:
    """``template.yaml``, with CloudFormation's short functions as their plain content."""
    document: dict[str, Any] = yaml.load((tools.ROOT / "template.yaml").read_text(), Loader=_TemplateLoader)
    return document


def declared_routes() -> list[tuple[str, str]]:
    """The API's routes as ``template.yaml`` declares them: ("POST", "/predict"), …"""
    paths = read_template()["Resources"]["RouterApi"]["Properties"]["DefinitionBody"]["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


def create_declared_table(dynamodb: Any, resource: str, name: str) -> str:
    """Creates a table with the keys and indexes that ``template.yaml`` gives it; gives its name.

    Args:
        dynamodb: A boto3 DynamoDB client.
        resource: The table's name in the template.
        name: That of the one to make.
    """
    properties = read_template()["Resources"][resource]["Properties"]
    wanted = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
    dynamodb.create_table(TableName=name, **{part: properties[part] for part in wanted if part in properties})
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return name


class _TemplateLoader(yaml.SafeLoader):  # type: ignore[misc]
    """Reads CloudFormation's short functions (``!Ref`` …) as their plain content."""


def _plain(loader: yaml.SafeLoader, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_scalar(node)


_TemplateLoader.add_multi_constructor("!", _plain)
