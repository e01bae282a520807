"""Goes back to an earlier release in one command; routers follow within 10 s.

Points the release parameter at the older manifest, moves the aliases in MLflow to match if MLflow answers,
and writes it into the history. The share of B is left as it is. An experiment that this begins is judged like
any other, but in no mode promoted or retired by itself. Models that wait for their turn go on waiting. Of two
rollbacks at once the second is refused.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
import time
import uuid
from collections.abc import Sequence

from contender.adapters.dynamo_experiments import DynamoExperiments
from contender.adapters.mlflow_registry import MlflowRegistry
from contender.adapters.s3_objects import S3Objects
from contender.adapters.ssm_parameters import SsmParameters
from contender.errors import ContenderError
from contender.usecases.rollback import PREVIOUS, RollBack, ServesAlready
from scripts.running_stack import adopt_running_stack, aws_client, required

HISTORY = 20
"""Deeds that ``--list`` shows."""


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.rollback",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Needs ARTIFACT_BUCKET, RELEASE_PARAMETER and EXPERIMENTS_TABLE (a running local stack is "
        "found by itself), and MLFLOW_TRACKING_URI to move the aliases.",
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--list", action="store_true", help="show the releases and what was done")
    which.add_argument("--to", metavar="DIGEST", help=f"start of a release's digest, or {PREVIOUS}")
    parser.add_argument("--by", default="", help="who wants it, for the history (default: your user name)")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Goes back; gives the exit code: 0 done, 1 not done, 130 interrupted."""
    options = _arguments(argv)
    adopt_running_stack(os.environ)
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # whoever rolls back is in a hurry
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    try:
        table = required(os.environ, "EXPERIMENTS_TABLE")  # before any client, which may lack a region
        bucket = required(os.environ, "ARTIFACT_BUCKET")
        release_parameter = required(os.environ, "RELEASE_PARAMETER")
        experiments = DynamoExperiments(aws_client("dynamodb"), table)
        uri = os.environ.get("MLFLOW_TRACKING_URI", "")
        roll_back = RollBack(
            artifacts=S3Objects(aws_client("s3"), bucket),
            parameters=SsmParameters(aws_client("ssm")),
            experiments=experiments,
            registry=MlflowRegistry(uri, os.environ.get("MODEL_NAME", "contender")) if uri else None,
            release_parameter=release_parameter,
            clock=time.time,
            sleep=time.sleep,
            token=uuid.uuid4().hex[:8],
        )
        if options.list:
            _show(roll_back, experiments)
            return 0
        done = roll_back(options.to, options.by or getpass.getuser())
    except ServesAlready as error:
        print(f"rollback: {error}; nothing to do")
        return 0
    except ContenderError as error:
        print(f"rollback: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(
        f"release {done.digest[:12]} serves within 10 s: {_said(done.versions)}; before: {done.before[:12]}"
    )
    if done.aliases_moved:
        print("MLflow's aliases say the same")
    for note in done.notes:
        print(f"note: {note}")
    return 0


def _show(roll_back: RollBack, experiments: DynamoExperiments) -> None:
    releases = roll_back.releases()
    for release in releases:
        mark = "*" if release.in_force else " "
        print(f"{mark} {release.digest[:12]}  {release.published_at}  {_said(release.versions)}")
    if not releases:
        print("no release yet: train a first model")
    for entry in experiments.history(HISTORY):
        print(f"{entry.at}  {entry.deed.value} by {entry.who}: {entry.detail}")


def _said(versions: dict[str, str]) -> str:
    return ", ".join(f"{variant} = version {version}" for variant, version in versions.items())


if __name__ == "__main__":
    sys.exit(main())
