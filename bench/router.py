"""The router against what users would serve a model with: MLflow's server, MLflow, scikit-learn, PyCaret.

The same LightGBM pipeline on both sides, fitted on the flights; ours as a release whose ONNX file the
training code converted. Each run is a process of its own. Then a minute of 1,000 requests a second over HTTP
while the split changes each second. Prints ratios of medians (of memory: of the largest) and import times,
checks that all gave the same answers, and writes out/bench-router.json and out/bench-router.png; with --quick
files of other names, without goals. It fails when answers differ or a request or a record is lost; times are
for reading. Takes about 5 minutes on two quiet cores.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
from rich.console import Console
from rich.status import Status
from rich.table import Table

from bench import report
from bench.local_s3 import client_environment, local_s3
from bench.router_answers import disagreements
from bench.router_chart import save_chart
from bench.router_imports import SHOWN, Imports, import_times, lines_of
from bench.router_rows import Load, rows_of
from bench.router_runs import LOGGING, PEERS_PYTHON, Medians, Run, Runner, Subject
from bench.router_traffic import traffic
from bench.runs import run_to_end
from contender.domain.release import parse_release, release_key
from infra.local.deploy import create_declared_table
from infra.local.tools import ROOT

BUCKET, TABLE = "bench-artifacts", "bench-predictions"
RELEASE, SPLIT = "/contender/bench/release", "/contender/bench/ab_split_b"
RATE, SECONDS = 1_000, 60
QUICK_SHARE, QUICK_SECONDS = 0.1, 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the benchmark. Gives the exit code: 1 when answers differ or a request is lost."""
    quick = "one round of a tenth of the calls, 5 s of traffic (1.5 minutes)"
    options = report.parser("router", __doc__, "runs of each", quick).parse_args(arguments)
    console = Console()
    if report.is_missing(PEERS_PYTHON, "router", console) or report.is_unwritable(options.out, console):
        return 2
    with report.working("router", console, "making the model") as (folder, status):
        found, load, imports = _measure(folder, status, console, options.rounds, options.quick)
    lines, name = rows_of(found, load), report.run_name("router", options)
    lines = lines if name == "router" else report.without_goals(lines)
    console.print(report.table("Router, medians, of MB the largest; ratio = peer / ours", lines))
    console.print(_table(f"Imports of the router: {imports.total:,.0f} ms, by package", imports.packages))
    console.print(_table("The slowest modules, each without what it imports", imports.modules))
    wrong = [*disagreements(found), *load.errors[:5], *load.faults]
    report.tell_problems(wrong, console)
    if not wrong:
        console.print("All gave the same answers, and every request was logged once.")
    lines = [*lines, *lines_of(imports)]
    report.keep(lines, lambda path: save_chart(found, path), name, options.out, console)
    return 1 if wrong else 0


def _measure(
    folder: Path, status: Status, console: Console, rounds: int, quick: bool
) -> tuple[dict[Subject, Medians], Load, Imports]:
    with local_s3(folder) as endpoint:
        env = _environment(endpoint)
        done = run_to_end("making the model", [sys.executable, "-m", "bench.router_model", str(folder)], env)
        console.print(f"The model: ONNX {done.stdout.strip()}", highlight=False)
        aws = boto3.Session("test", "test", region_name="us-east-1")
        salt = _publish(folder, aws, endpoint)
        runner, dynamodb = Runner(folder, env), aws.client("dynamodb", endpoint_url=endpoint)
        runs: dict[Subject, list[Run]] = {subject: [] for subject in Subject}
        for number in range(1 if quick else rounds):
            for subject in Subject:
                status.update(f"round {number + 1} of {1 if quick else rounds}: {subject}")
                before = _records(dynamodb) if subject in LOGGING else 0
                run = runner.run(subject, QUICK_SHARE if quick else 1.0)
                stored = _records(dynamodb) - before if subject in LOGGING else None
                runs[subject].append(run._replace(stored=stored))
        found = {subject: Medians.of(its) for subject, its in runs.items()}
        for subject, medians in found.items():
            told = ", ".join(f"{name} {value:,.3f}" for name, value in medians.figures.items())
            console.print(f"{subject}: {told}", highlight=False)
        seconds = QUICK_SECONDS if quick else SECONDS
        status.update(f"{RATE:,} requests a second for {seconds} s")
        ssm = aws.client("ssm", endpoint_url=endpoint)
        load = traffic(runner, ssm, SPLIT, salt, RATE, seconds)
        return found, load, import_times(env)


def _environment(endpoint: str) -> dict[str, str]:
    env = client_environment(endpoint)
    paths = [env["PYTHONPATH"], str(ROOT / "router"), str(ROOT / "training")]
    return {
        **env,
        "PYTHONPATH": os.pathsep.join(paths),
        "CONTENDER_STAGE": "bench",
        "ARTIFACT_BUCKET": BUCKET,
        "PREDICTIONS_TABLE": TABLE,
        "RELEASE_PARAMETER": RELEASE,
        "SPLIT_PARAMETER": SPLIT,
    }


def _publish(folder: Path, aws: Any, endpoint: str) -> str:
    """Puts the release where the router looks for it; gives its salt."""
    release = parse_release((folder / "release.json").read_bytes())
    s3, ssm, dynamodb = (aws.client(name, endpoint_url=endpoint) for name in ("s3", "ssm", "dynamodb"))
    s3.create_bucket(Bucket=BUCKET)
    content = (folder / "model.onnx").read_bytes()
    for model in release.variants.values():
        s3.put_object(Bucket=BUCKET, Key=model.model_key, Body=content)
    s3.put_object(Bucket=BUCKET, Key=release_key(release.digest), Body=release.to_json())
    ssm.put_parameter(Name=RELEASE, Value=release_key(release.digest), Type="String")
    ssm.put_parameter(Name=SPLIT, Value="0.5", Type="String")
    create_declared_table(dynamodb, "PredictionLog", TABLE)
    return release.salt


def _records(dynamodb: Any) -> int:
    pages = dynamodb.get_paginator("scan").paginate(TableName=TABLE, Select="COUNT", ConsistentRead=True)
    return sum(page["Count"] for page in pages)


def _table(title: str, times: Sequence[tuple[str, float]]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("imported")
    table.add_column("ms", justify="right")
    for name, own in times[:SHOWN]:
        table.add_row(name, f"{own:,.1f}")
    return table


if __name__ == "__main__":
    sys.exit(main())
