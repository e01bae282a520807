"""Settings of the programs around an experiment: evaluation and promotion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contender.domain.experiment import Evidence, ExperimentSettings
from contender.domain.lifecycle import Mode
from contender.errors import BadInput
from contender.settings import Env


@dataclass(frozen=True, slots=True)
class EvaluateSettings:
    """What the evaluation needs.

    Attributes:
        artifact_bucket: Where releases lie.
        predictions_table: The prediction log.
        experiments_table: Experiments and history.
        router_log_group: The router's log, where predictions lie that the prediction log refused.
        release_parameter: Name of the parameter that points to the release.
        split_parameter: Name of the parameter that holds the share of B.
        cluster_arn: ECS cluster of the task that carries out a verdict.
        task_definition_arn: Its task definition, the training's.
        container_name: The container that is told what to do.
        subnets: Subnets of the task; empty leaves the network configuration out.
        security_groups: Its security groups.
        mode: What is done about a verdict.
        experiment: How experiments are judged.
    """

    artifact_bucket: str
    predictions_table: str
    experiments_table: str
    router_log_group: str
    release_parameter: str
    split_parameter: str
    cluster_arn: str
    task_definition_arn: str
    container_name: str
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    mode: Mode
    experiment: ExperimentSettings

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> EvaluateSettings:
        """Reads the environment. Raises ``BadInput`` naming each variable that is missing or wrong."""
        env = Env(environ)
        settings = cls(
            artifact_bucket=env.text("ARTIFACT_BUCKET"),
            predictions_table=env.text("PREDICTIONS_TABLE"),
            experiments_table=env.text("EXPERIMENTS_TABLE"),
            router_log_group=env.text("ROUTER_LOG_GROUP"),
            release_parameter=env.text("RELEASE_PARAMETER"),
            split_parameter=env.text("SPLIT_PARAMETER"),
            cluster_arn=env.text("CLUSTER_ARN"),
            task_definition_arn=env.text("TASK_DEFINITION_ARN"),
            container_name=env.text("CONTAINER_NAME", "trainer"),
            subnets=env.names("SUBNETS"),
            security_groups=env.names("SECURITY_GROUPS"),
            mode=Mode(env.choice("PROMOTION_MODE", tuple(Mode), Mode.ADVISE)),
            experiment=experiment_settings(
                environ.get("EXPERIMENT_SETTINGS", ""), env.number("MIN_EXPERIMENT_HOURS", 0.0, 0.0, 8760.0)
            ),
        )
        env.check()
        return settings


@dataclass(frozen=True, slots=True)
class PromoteSettings:
    """What the task needs that carries out a verdict.

    Attributes:
        experiment_id: The experiment.
        data_bucket: Where ``dataset.json`` lies.
        artifact_bucket: Where models and releases go.
        experiments_table: Experiments and history.
        release_parameter: Name of the parameter that points to the release.
        split_parameter: Name of the parameter that holds the share of B.
        initial_split: Share with which the next challenger begins.
        tracking_uri: The MLflow server.
        model_name: The registered model.
    """

    experiment_id: str
    data_bucket: str
    artifact_bucket: str
    experiments_table: str
    release_parameter: str
    split_parameter: str
    initial_split: float
    tracking_uri: str
    model_name: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> PromoteSettings:
        """Reads the environment. Raises ``BadInput`` naming each variable that is missing or wrong."""
        env = Env(environ)
        settings = cls(
            experiment_id=env.text("EXPERIMENT_ID"),
            data_bucket=env.text("DATA_BUCKET"),
            artifact_bucket=env.text("ARTIFACT_BUCKET"),
            experiments_table=env.text("EXPERIMENTS_TABLE"),
            release_parameter=env.text("RELEASE_PARAMETER"),
            split_parameter=env.text("SPLIT_PARAMETER"),
            initial_split=env.number("INITIAL_SPLIT", 0.2, 0.0, 1.0),
            tracking_uri=env.text("MLFLOW_TRACKING_URI"),
            model_name=env.text("MODEL_NAME", "contender"),
        )
        env.check()
        return settings


def experiment_settings(text: str, min_hours: float = 0.0) -> ExperimentSettings:
    """Reads how experiments are judged.

    Args:
        text: A JSON object of fields of ``ExperimentSettings`` that replace its defaults; may be empty.
        min_hours: The field of that name where the text has none.

    Raises:
        BadInput: When it is none.
    """
    name, fix = "EXPERIMENT_SETTINGS", "give a JSON object of settings"
    given = {"min_hours": min_hours, **experiment_fields(text, name, fix)}
    try:
        return ExperimentSettings(**given)
    except (TypeError, ValueError) as error:
        raise BadInput.of(name, f"is not usable: {error}", fix) from error


def experiment_fields(text: str, name: str, fix: str) -> dict[str, Any]:
    """Reads fields of ``ExperimentSettings``, whose names and ranges are not checked yet.

    Args:
        text: A JSON object of them; may be empty.
        name: What the text is called where it is given, for the error.
        fix: What to give instead.

    Raises:
        BadInput: When it is no JSON object, or ``decide_by`` is none.
    """
    try:
        found = json.loads(text or "{}")
        if not isinstance(found, dict):
            raise ValueError(f"{text} is no object")
        if "decide_by" in found:
            found["decide_by"] = Evidence(found["decide_by"])
    except ValueError as error:
        raise BadInput.of(name, f"is not usable: {error}", fix) from error
    return found
