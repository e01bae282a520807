"""What `template.yaml` promises to the code that it deploys."""

from __future__ import annotations

from typing import Any

import pytest

from contender.experiment_settings import EvaluateSettings, PromoteSettings
from contender.settings import CheckSettings, RouterSettings, SettleSettings, TrainerSettings
from infra.local.deploy import declared_routes, read_template

TEMPLATE = read_template()
RESOURCES: dict[str, dict[str, Any]] = TEMPLATE["Resources"]
GLOBAL_ENV: dict[str, Any] = TEMPLATE["Globals"]["Function"]["Environment"]["Variables"]
RUN_ENV = {"RUN_KEY": "k", "TRAIN_PREFIX": "reference/", "REASON": "drift", "REPORT_KEY": "r"}


DEFAULTS = {name: str(one.get("Default", "")) or "set" for name, one in TEMPLATE["Parameters"].items()}


def _value(given: Any) -> str:
    """The value, where it is a parameter with a default; another text otherwise."""
    return DEFAULTS.get(given, "set") if isinstance(given, str) else "set"


def _function_env(name: str) -> dict[str, str]:
    own = RESOURCES[name]["Properties"].get("Environment", {}).get("Variables", {})
    return {variable: _value(given) for variable, given in {**GLOBAL_ENV, **own}.items()}


def _task_env() -> dict[str, str]:
    container = RESOURCES["TrainingTask"]["Properties"]["ContainerDefinitions"][0]
    return {row["Name"]: _value(row["Value"]) for row in container["Environment"]}


def test_the_api_has_the_contracts_routes_and_no_catch_all() -> None:
    assert sorted(declared_routes()) == [
        ("GET", "/config"),
        ("GET", "/health"),
        ("GET", "/release"),
        ("POST", "/config"),
        ("POST", "/feedback"),
        ("POST", "/predict"),
    ]


def test_every_program_finds_its_settings_in_the_environment_that_the_template_gives() -> None:
    RouterSettings.read(_function_env("RouterFunction"))
    CheckSettings.read(_function_env("DetectDriftFunction"))
    SettleSettings.read(_function_env("TaskStoppedFunction"))
    TrainerSettings.read({**_task_env(), **RUN_ENV})
    EvaluateSettings.read(_function_env("EvaluateFunction"))
    PromoteSettings.read({**_task_env(), "EXPERIMENT_ID": "x"})


def test_the_drift_check_starts_the_container_that_the_task_has() -> None:
    container = RESOURCES["TrainingTask"]["Properties"]["ContainerDefinitions"][0]
    variables = RESOURCES["DetectDriftFunction"]["Properties"]["Environment"]["Variables"]
    assert variables["CONTAINER_NAME"] == container["Name"]


def test_no_function_has_two_layers_that_bring_the_same_package() -> None:
    layers = {
        name: set(resource["Properties"]["Layers"])
        for name, resource in RESOURCES.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert layers == {
        "DetectDriftFunction": {"CoreLayer", "StatsLayer"},
        "EvaluateFunction": {"CoreLayer", "StatsLayer"},
        "RouterFunction": {"CoreLayer", "ServingLayer"},
        "TaskStoppedFunction": {"CoreLayer"},
    }


@pytest.mark.parametrize("name", [n for n, r in RESOURCES.items() if r["Type"] == "AWS::S3::Bucket"])
def test_buckets_are_private_encrypted_and_kept(name: str) -> None:
    bucket = RESOURCES[name]
    assert all(bucket["Properties"]["PublicAccessBlockConfiguration"].values())
    assert bucket["Properties"]["BucketEncryption"]
    assert bucket["DeletionPolicy"] == "Retain"
