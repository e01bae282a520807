"""What there is to know about a running stack."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from infra.local import tools

REGION = "us-east-1"
ACCOUNT = "000000000000"
"""The account that the emulator plays."""


def aws_environment(endpoint_url: str) -> dict[str, str]:
    """The variables by which any AWS SDK or tool talks to the emulator, and to nothing else.

    Args:
        endpoint_url: Address of the emulator.
    """
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def client(service: str, endpoint_url: str) -> Any:
    """A boto3 client of the emulator at this address."""
    return boto3.client(
        service,
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@dataclass(frozen=True, slots=True)
class StackInfo:
    """Names and addresses of a deployed stack.

    Attributes:
        stage: The stack's stage.
        region: AWS region.
        endpoint_url: Address of the emulator.
        api_url: Base URL of the router behind API Gateway, without a slash at the end.
        mlflow_url: Address of the MLflow server.
        data_bucket: ``dataset.json`` and the windows.
        artifact_bucket: Reports, models, releases, MLflow's artifacts, exports.
        predictions_table: The prediction log.
        runs_table: The run records.
        release_parameter: SSM parameter that points to the release.
        split_parameter: SSM parameter that holds the share of B.
        router_function: Name of the router's Lambda function.
        detect_drift_function: Name of the drift check's Lambda function.
        drift_schedule: Name of the schedule that starts the drift check.
        experiments_table: Experiments and the history of promotions and rollbacks.
        evaluate_function: Name of the evaluation's Lambda function.
        evaluation_schedule: Name of the schedule that starts the evaluation.
        cluster_arn: ECS cluster of the training task.
        task_definition_arn: Its task definition.
        router_logs: Log group of the router.
        detect_drift_logs: Log group of the drift check.
        training_logs: Log group of the training task.
        state_dir: Logs, MLflow's database and the emulator's S3 objects, as files.
        aws_cli: An ``aws`` program that works with ``env``.
    """

    stage: str
    region: str
    endpoint_url: str
    api_url: str
    mlflow_url: str
    data_bucket: str
    artifact_bucket: str
    predictions_table: str
    runs_table: str
    release_parameter: str
    split_parameter: str
    router_function: str
    detect_drift_function: str
    drift_schedule: str
    experiments_table: str
    evaluate_function: str
    evaluation_schedule: str
    cluster_arn: str
    task_definition_arn: str
    router_logs: str
    detect_drift_logs: str
    training_logs: str
    state_dir: Path
    aws_cli: Path

    @classmethod
    def from_outputs(
        cls, outputs: Mapping[str, str], endpoint_url: str, mlflow_url: str, state_dir: Path
    ) -> StackInfo:
        """Reads the outputs of ``template.yaml``.

        Args:
            outputs: Name → value.
            endpoint_url: Address of the emulator.
            mlflow_url: Address of the MLflow server.
            state_dir: Where the stack keeps its files.
        """
        # AWS's own host name for the API leads nowhere here: emulators serve it under their own address.
        api_url = f"{endpoint_url}/restapis/{outputs['ApiId']}/{outputs['Stage']}/_user_request_"
        return cls(
            stage=outputs["Stage"],
            region=REGION,
            endpoint_url=endpoint_url,
            api_url=api_url,
            mlflow_url=mlflow_url,
            data_bucket=outputs["DataBucketName"],
            artifact_bucket=outputs["ArtifactBucketName"],
            predictions_table=outputs["PredictionsTableName"],
            runs_table=outputs["RunsTableName"],
            release_parameter=outputs["ReleaseParameterName"],
            split_parameter=outputs["SplitParameterName"],
            router_function=outputs["RouterFunctionName"],
            detect_drift_function=outputs["DetectDriftFunctionName"],
            drift_schedule=outputs["DriftScheduleName"],
            experiments_table=outputs["ExperimentsTableName"],
            evaluate_function=outputs["EvaluateFunctionName"],
            evaluation_schedule=outputs["EvaluationScheduleName"],
            cluster_arn=outputs["ClusterArn"],
            task_definition_arn=outputs["TaskDefinitionArn"],
            router_logs=outputs["RouterLogGroup"],
            detect_drift_logs=outputs["DetectDriftLogGroup"],
            training_logs=outputs["TrainingLogGroup"],
            state_dir=state_dir,
            aws_cli=tools.AWS,
        )

    @property
    def env(self) -> dict[str, str]:
        """Variables for programs that work with this stack: AWS, MLflow, and the names of its resources."""
        return {
            **aws_environment(self.endpoint_url),
            "NO_PROXY": "127.0.0.1,localhost",
            "MLFLOW_TRACKING_URI": self.mlflow_url,
            "CONTENDER_STAGE": self.stage,
            "CONTENDER_API_URL": self.api_url,
            "DATA_BUCKET": self.data_bucket,
            "ARTIFACT_BUCKET": self.artifact_bucket,
            "PREDICTIONS_TABLE": self.predictions_table,
            "RUNS_TABLE": self.runs_table,
            "RELEASE_PARAMETER": self.release_parameter,
            "SPLIT_PARAMETER": self.split_parameter,
            "DETECT_DRIFT_FUNCTION": self.detect_drift_function,
            "DRIFT_SCHEDULE": self.drift_schedule,
            "EXPERIMENTS_TABLE": self.experiments_table,
            "EVALUATE_FUNCTION": self.evaluate_function,
            "ROUTER_LOG_GROUP": self.router_logs,
        }

    def client(self, service: str) -> Any:
        """A boto3 client of the emulator, whatever the process's own environment says."""
        return client(service, self.endpoint_url)

    def to_json(self) -> dict[str, str]:
        """Field → text, for the state file."""
        return {field.name: str(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @classmethod
    def from_json(cls, document: Mapping[str, str]) -> StackInfo:
        """The opposite of ``to_json``."""
        paths = {name: Path(document[name]) for name in ("state_dir", "aws_cli")}
        return cls(**{**document, **paths})  # type: ignore[arg-type]
