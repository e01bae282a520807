"""Publishes what the aliases in MLflow say: run it after moving @champion or @challenger by hand.

Training publishes by itself. Copies the model files that are not in the artifact bucket yet, writes the
release manifest, and points the release parameter at it; routers follow within 10 s. Doing it again
changes nothing. With --next it makes the newest model that waits the challenger first, as the end of an
experiment does: a rollback leaves those that wait where they are.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from contender.adapters.mlflow_registry import MlflowRegistry
from contender.adapters.s3_objects import S3Objects
from contender.adapters.ssm_parameters import SsmParameters
from contender.errors import ContenderError
from contender.usecases.declaration import read_dataset
from contender.usecases.publish import publish
from contender.usecases.queue import being_tried, call_next
from scripts.running_stack import adopt_running_stack, aws_client

FLAGS = {
    "--data-bucket": ("DATA_BUCKET", "bucket that holds dataset.json"),
    "--artifact-bucket": ("ARTIFACT_BUCKET", "bucket of models and releases"),
    "--tracking-uri": ("MLFLOW_TRACKING_URI", "the MLflow server"),
    "--release-parameter": ("RELEASE_PARAMETER", "SSM parameter that points to the release"),
}


def _arguments(argv: Sequence[str] | None, environ: Mapping[str, str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.publish",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for flag, (variable, meaning) in FLAGS.items():
        default = environ.get(variable, "")
        parser.add_argument(
            flag, default=default, required=not default, help=f"{meaning} (default: ${variable})"
        )
    parser.add_argument(
        "--model-name",
        default=environ.get("MODEL_NAME", "contender"),
        help="registered model (default: $MODEL_NAME, else contender)",
    )
    parser.add_argument("--next", action="store_true", help="call the newest that waits; needs no challenger")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] | None = None) -> int:
    """Publishes; gives the exit code: 0 done, 1 not done, 130 interrupted."""
    adopt_running_stack(os.environ)
    arguments = _arguments(argv, os.environ if environ is None else environ)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")  # 7 would hide a dead server for minutes
    try:
        s3 = aws_client("s3")
        dataset = read_dataset(S3Objects(s3, arguments.data_bucket))
        registry = MlflowRegistry(arguments.tracking_uri, arguments.model_name)
        if arguments.next:
            tried = being_tried(registry)
            called = "" if tried else call_next(registry)
            why = f"version {tried} is being tried" if tried else "none waits"
            print(f"version {called} is @challenger" if called else f"no version is called: {why}")
        published = publish(
            registry,
            S3Objects(s3, arguments.artifact_bucket),
            SsmParameters(aws_client("ssm")),
            dataset,
            arguments.release_parameter,
        )
    except ContenderError as error:
        print(f"publish: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    for key in published.copied:
        print(f"copied {key}")
    print(published.summary)
    return 0


if __name__ == "__main__":
    sys.exit(main())
