"""Builds and deploys a stage: says first what it will make, and asks for what a first deployment needs.

A stage is a profile of samconfig.toml. AWS is found as every AWS tool finds it (AWS_PROFILE,
AWS_DEFAULT_REGION), an emulator by AWS_ENDPOINT_URL. Parameters are those of template.yaml. What a profile
sets counts unless it is given here; a stage that is deployed already keeps what neither names.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.local import tools
from infra.local.deploy import build_folder, layer_variables, read_template
from infra.profiles import CONFIG, NoProfile, Profile, as_override, parse_parameter, read_profile

ASKED = (
    "TrainingImage",
    "MlflowTrackingUri",
    "Subnets",
    "DriftSchedule",
    "InitialSplit",
    "LogRetentionDays",
    "AlarmEmail",
)
"""What a first deployment asks for, on a terminal, in this order."""
REQUIRED = "TrainingImage"
ALIAS = "live"
"""Alias that the API calls; see AutoPublishAlias in template.yaml."""
EXPORTED = {
    "CONTENDER_STAGE": "Stage",
    "CONTENDER_API_URL": "ApiUrl",
    "DATA_BUCKET": "DataBucketName",
    "ARTIFACT_BUCKET": "ArtifactBucketName",
    "PREDICTIONS_TABLE": "PredictionsTableName",
    "RUNS_TABLE": "RunsTableName",
    "RELEASE_PARAMETER": "ReleaseParameterName",
    "SPLIT_PARAMETER": "SplitParameterName",
    "DETECT_DRIFT_FUNCTION": "DetectDriftFunctionName",
    "EXPERIMENTS_TABLE": "ExperimentsTableName",
    "EVALUATE_FUNCTION": "EvaluateFunctionName",
    "ROUTER_LOG_GROUP": "RouterLogGroup",
    "MLFLOW_TRACKING_URI": "MlflowTrackingUri",
}
"""Variable by which the other programs find this stack → the stack's output."""


class CannotDeploy(Exception):
    """Says what is wrong and what to do."""


def main(
    argv: Sequence[str] | None = None,
    ask: Callable[[str], str] | None = None,
    run: Callable[[Sequence[str], Mapping[str, str]], int] | None = None,
) -> int:
    """Deploys; gives the exit code: 0 done, 1 not done, 130 interrupted.

    Args:
        argv: The command line.
        ask: Asks a person; by default the terminal, if there is one.
        run: Runs a command in an environment and gives its exit code.
    """
    arguments = _arguments(argv)
    if ask is None and sys.stdin.isatty():
        ask = input
    try:
        return _deploy(arguments, ask, run or _run)
    except (CannotDeploy, NoProfile, ValueError) as error:
        print(f"deploy: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, EOFError):
        print("\ndeploy: interrupted", file=sys.stderr)
        return 130


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.deploy",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parameters", nargs="*", metavar="Name=value", help="parameters of template.yaml")
    parser.add_argument("--stage", default="prod", help="profile of samconfig.toml (default: prod)")
    parser.add_argument("--yes", action="store_true", help="do not stop to show the change set")
    parser.add_argument("--template", help="a template that is built already: deploy it, build nothing")
    return parser.parse_args(argv)


def _deploy(
    arguments: argparse.Namespace,
    ask: Callable[[str], str] | None,
    run: Callable[[Sequence[str], Mapping[str, str]], int],
) -> int:
    declared: dict[str, Any] = read_template()["Parameters"]
    profile = read_profile(arguments.stage)
    given = dict(parse_parameter(text) for text in arguments.parameters)
    unknown = sorted({*given, *profile.parameters} - {*declared})
    if unknown:
        there = ", ".join(sorted(declared))
        raise CannotDeploy(f"template.yaml has no parameter {', '.join(unknown)}; it has {there}")
    tools.require()
    before = _deployed(profile.stack_name)
    if before is None:
        given = _complete(given, declared, ask)
    parameters = {**profile.parameters, "Stage": profile.name, **given}
    print(plan(profile, parameters, before or {}))
    env = {**os.environ, **layer_variables(profile.name, os.environ), "SAM_CLI_TELEMETRY": "0"}
    with build_folder():
        for command in commands(profile, parameters, template=arguments.template, confirm=not arguments.yes):
            code = run(command, env)
            if code:
                raise CannotDeploy(f"sam {command[1]} failed with exit code {code}; its output says why")
    outputs = _outputs(profile)
    version = use_settings(outputs["RouterFunctionName"])
    if version:
        print(f"The router's alias now points to version {version}, for its new settings.")
    print(_next_steps(profile, outputs))
    return 0


def _deployed(stack_name: str) -> dict[str, str] | None:
    """Parameters of the stack, if it is deployed."""
    try:
        stacks = boto3.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # how CloudFormation says that there is none
            return None
        raise CannotDeploy(f"AWS refuses: {error}. Look at the credentials, or set AWS_PROFILE.") from error
    except BotoCoreError as error:
        hint = "Set AWS_PROFILE and AWS_DEFAULT_REGION, as for the aws tool."
        raise CannotDeploy(f"AWS cannot be reached: {error}. {hint}") from error
    return {row["ParameterKey"]: row["ParameterValue"] for row in stacks[0].get("Parameters", [])}


def _complete(
    given: Mapping[str, str], declared: Mapping[str, Any], ask: Callable[[str], str] | None
) -> dict[str, str]:
    """Asks for what a first deployment needs to know and was not given."""
    answers = dict(given)
    for name in ASKED:
        if ask is None or name in answers:
            continue
        default = str(declared[name].get("Default", ""))
        print(f"\n{declared[name]['Description'].strip()}")
        answer = ask(f"{name} [{default or ('none' if name != REQUIRED else 'needed')}]: ").strip()
        if answer:
            answers[name] = answer
    if not answers.get(REQUIRED):
        raise CannotDeploy(
            f"{REQUIRED} is missing: push the image by `.venv/bin/python -m scripts.push_image --create`, "
            f"then give {REQUIRED}=<the URI that it prints>"
        )
    return answers


def plan(profile: Profile, parameters: Mapping[str, str], before: Mapping[str, str]) -> str:
    """Says in words what a deployment will do.

    Args:
        profile: The stage.
        parameters: Parameters that are given or set by the profile.
        before: Those of the deployed stack; empty for a first deployment.
    """
    together = {**before, **parameters}

    def on(name: str) -> bool:
        return together.get(name) == "true"

    network = "a VPC without NAT is made, at no cost"
    mlflow = "a SageMaker tracking server is made: 25 minutes, and it costs by the hour (docs/cost.md)"
    gradual = "a tenth of the traffic for 5 minutes first, rolled back on an alarm"
    lines = [f"{'Updates' if before else 'Creates'} {profile.stack_name}:"]
    if not together.get("Subnets"):
        without = "none; AWS cannot run training without one"
        lines.append(f"  network     {network if on('CreateNetwork') else without}")
    if not together.get("MlflowTrackingUri"):
        lines.append(f"  MLflow      {mlflow if on('CreateMlflow') else 'none; training fails without one'}")
    lines.append(f"  new router  {gradual if on('GradualDeployment') else 'takes all traffic at once'}")
    lines.append(f"  alarms      {together.get('AlarmEmail') or 'reach nobody: give AlarmEmail'}")
    return "\n".join([*lines, *(f"  {name}={value}" for name, value in sorted(parameters.items()))])


def commands(
    profile: Profile, parameters: Mapping[str, str], *, template: str | None, confirm: bool
) -> list[list[str]]:
    """The commands of a deployment.

    Args:
        profile: The stage.
        parameters: All parameters: ``sam`` drops the profile's own when any is on its command line.
        template: A template that is built already; without one it is built.
        confirm: Whether ``sam`` shows the change set and asks.
    """
    config = ["--config-file", str(CONFIG), "--config-env", profile.name]
    deploy = [str(tools.SAM), "deploy", *config, "--no-progressbar"]
    deploy += ["--template-file", template] if template else []
    deploy += [] if confirm else ["--no-confirm-changeset"]
    deploy += ["--parameter-overrides", *(as_override(name, value) for name, value in parameters.items())]
    return [deploy] if template else [[str(tools.SAM), "build", *config], deploy]


def _outputs(profile: Profile) -> dict[str, str]:
    stacks = boto3.client("cloudformation").describe_stacks(StackName=profile.stack_name)["Stacks"]
    return {row["OutputKey"]: row["OutputValue"] for row in stacks[0]["Outputs"]}


def use_settings(function: str) -> str | None:
    """Lets the alias point to a version with the function's present settings.

    SAM publishes a version when code or template change, not when only a parameter does; the alias would go
    on with the settings of the last version.

    Args:
        function: Name of the router's function.

    Returns:
        The version that was published for it; ``None`` when the alias had them already.
    """
    client = boto3.client("lambda")
    served = client.get_function_configuration(FunctionName=function, Qualifier=ALIAS)
    if served["Environment"] == client.get_function_configuration(FunctionName=function)["Environment"]:
        return None
    version = str(client.publish_version(FunctionName=function)["Version"])
    client.update_alias(FunctionName=function, Name=ALIAS, FunctionVersion=version)
    return version


def _next_steps(profile: Profile, outputs: Mapping[str, str]) -> str:
    lines = [
        f"\n{profile.stack_name} is deployed. With these, scripts.bring, traffic, export and publish find it:"
    ]
    lines += [f"  export {name}={outputs[key]}" for name, key in EXPORTED.items() if outputs.get(key)]
    if "ConfigKeyId" in outputs:
        show = "aws apigateway get-api-key --include-value --query value --output text --api-key"
        lines.append(f"The key for POST /config: {show} {outputs['ConfigKeyId']}")
    return "\n".join([*lines, "What to watch, and how to take it down: docs/operations.md"])


def _run(command: Sequence[str], env: Mapping[str, str]) -> int:
    return subprocess.run(command, env=dict(env), check=False, cwd=tools.ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
