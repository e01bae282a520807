"""Commands to paste once the stack is up."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.local.info import StackInfo

_PLACEHOLDER = {"features": {"<feature>": "<value>"}}


def example_request(dataset: Mapping[str, Any] | None) -> dict[str, Any]:
    """The body of a valid ``POST /predict``: zeros and missing categories.

    Args:
        dataset: The content of ``dataset.json``; None gives a placeholder to fill in.
    """
    if not dataset:
        return _PLACEHOLDER
    kinds: Mapping[str, str] = dataset["features"]
    return {
        "features": {name: 0 if kind == "numeric" else None for name, kind in kinds.items()},
        "unit_id": "42",
    }


def read_dataset(stack: StackInfo) -> dict[str, Any] | None:
    """The stack's ``dataset.json``, if one was uploaded."""
    try:
        body = stack.client("s3").get_object(Bucket=stack.data_bucket, Key="dataset.json")["Body"].read()
    except ClientError:
        return None
    document: dict[str, Any] = json.loads(body)
    return document


def commands(stack: StackInfo, root: Path) -> str:
    """Where everything is and what to do with it, as text for a terminal.

    Args:
        stack: The running stack.
        root: The project's folder.
    """
    aws = _relative(stack.aws_cli, root)
    python = ".venv/bin/python"
    body = shlex.quote(json.dumps(example_request(read_dataset(stack))))
    exports = "\n".join(f"export {name}={shlex.quote(value)}" for name, value in stack.env.items())
    return f"""\
API      {stack.api_url}
MLflow   {stack.mlflow_url}
AWS      {stack.endpoint_url}
logs     {_relative(stack.state_dir, root)}/logs

# 1. tell every tool where this stack is
{exports}

# 2. predict, and read what serves
curl -s -X POST "$CONTENDER_API_URL/predict" -H 'Content-Type: application/json' -d {body}
curl -s "$CONTENDER_API_URL/release"

# 3. change the share of variant B, either way
{aws} ssm put-parameter --name "$SPLIT_PARAMETER" --value 0.5 --overwrite
curl -s -X POST "$CONTENDER_API_URL/config" -H 'Content-Type: application/json' -d '{{"ab_split_b": 0.3}}'

# 4. check the newest window for drift, as the schedule does
mkdir -p out
{aws} lambda invoke --function-name {stack.detect_drift_function} out/check.json && cat out/check.json

# 5. send traffic, export the log and compare the variants
{python} -m scripts.traffic --n 100
{python} -m scripts.export
{python} -m scripts.analyze

# 6. judge the experiment by what is new in the log, as the schedule does; retire the challenger; go back
{aws} lambda invoke --function-name {stack.evaluate_function} out/verdict.json && cat out/verdict.json
{python} -m scripts.retire --reason "nobody wants it"
{python} -m scripts.rollback --list

# stop everything: make down"""


def _relative(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else path
