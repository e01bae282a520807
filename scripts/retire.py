"""Retires the challenger of the experiment in force, as the verdict KEEP would.

For a challenger that a guardrail has stopped, or that nobody wants any more. The experiment is marked as
being retired, and the same task as after a verdict takes the alias away, publishes a release without it, sets
the split back, calls the next version that waits, and writes the reason into the history. A task that dies is
launched again by the next evaluation; doing it twice changes nothing.
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
import time
from collections.abc import Sequence

from rich.console import Console

from contender.adapters.dynamo_experiments import DynamoExperiments
from contender.adapters.s3_objects import S3Objects
from contender.adapters.ssm_parameters import SsmParameters
from contender.domain.lifecycle import Stage
from contender.errors import ContenderError, NotFound
from contender.usecases.retire import Retire
from scripts.evaluation import Evaluation
from scripts.loop import LoopFailed
from scripts.running_stack import adopt_running_stack, aws_client, aws_session, required


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.retire",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Needs ARTIFACT_BUCKET, RELEASE_PARAMETER and EXPERIMENTS_TABLE (a running local stack is "
        "found by itself), and EVALUATE_FUNCTION to have it carried out at once instead of by the next "
        "evaluation.",
    )
    parser.add_argument("--reason", required=True, help="why, for the history and the version's tags")
    parser.add_argument("--by", default="", help="who wants it, for the history (default: your user name)")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Retires; gives the exit code: 0 done or decided, 1 not done, 130 interrupted."""
    options = _arguments(argv)
    console = Console(stderr=True)
    adopt_running_stack(os.environ)
    try:
        table = required(os.environ, "EXPERIMENTS_TABLE")
        retire = Retire(
            artifacts=S3Objects(aws_client("s3"), required(os.environ, "ARTIFACT_BUCKET")),
            parameters=SsmParameters(aws_client("ssm")),
            experiments=DynamoExperiments(aws_client("dynamodb"), table),
            release_parameter=required(os.environ, "RELEASE_PARAMETER"),
            clock=time.time,
        )
        me = options.by or getpass.getuser()
        record = retire(options.reason, me)
        print(
            f"experiment {record.experiment_id}: version {record.challenger_version} is being retired, "
            f"version {record.champion_version} stays champion ({record.sentence})"
        )
        who = record.decided_by or "evaluate"
        if not record.sentence.endswith(f": {options.reason.strip()}") or who != me:
            print(f"note: {who} decided that before, so your reason is not written down")
        function = os.environ.get("EVALUATE_FUNCTION", "")
        if not function:
            print("the next evaluation carries it out (EVALUATE_FUNCTION is not set)")
            return 0
        with console.status("asking for the task that carries it out") as status:
            evaluation = Evaluation(aws_session(), function, table)
            evaluation.look()
            record = evaluation.wait_for_end(record.experiment_id, status.update)
    except NotFound as error:
        print(f"retire: {error}; see python -m scripts.rollback --list", file=sys.stderr)
        return 1
    except (ContenderError, LoopFailed) as error:
        print(f"retire: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped watching; what is decided is carried out all the same.", file=sys.stderr)
        return 130
    print(f"{record.stage.value}: {record.detail}")
    return 0 if record.stage is Stage.RETIRED else 1


if __name__ == "__main__":
    sys.exit(main())
