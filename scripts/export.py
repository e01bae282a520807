"""Exports the prediction log to S3, in the layout of DynamoDB's own export.

DynamoDB's point-in-time export is asked first: it reads a backup, so it costs the table nothing. Where that
cannot be (recovery off, an emulator) the table is scanned, and the same files are written. Records that the
log refused are read back from the router's own log and added, flagged as spilled.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from contender.adapters.export_layout import (
    FOLDER,
    DataFile,
    Export,
    Item,
    load_export,
    read_lines,
    write_data,
    write_manifests,
)
from contender.adapters.export_sources import CannotExport, describe, point_in_time_export, scan, spilled
from contender.adapters.s3_objects import S3Objects
from contender.errors import ContenderError
from scripts.running_stack import adopt_running_stack, aws_session, stack_outputs

POLL_SECONDS = 10.0
"""Between two looks at DynamoDB's export, which takes minutes."""
POLL_FIRST_SECONDS = 0.5
"""Before the first: an emulator is done at once."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported.

    Attributes:
        uri: The export's folder, ``s3://…``; what ``scripts.analyze`` reads.
        method: ``pitr`` or ``scan``.
        stored: Records from the table.
        spilled: Records from the router's log that the table does not have.
        files: Data files.
    """

    uri: str
    method: str
    stored: int
    spilled: int
    files: int


def export_log(
    session: Any,
    table: str,
    bucket: str,
    name: str,
    method: str = "auto",
    log_group: str = "",
    say: Callable[[str], None] = print,
    progress: Callable[[str], None] = lambda text: None,
) -> Exported:
    """Exports the log.

    Args:
        session: Makes boto3 clients.
        table: The prediction log.
        bucket: Where to; below ``exports/<name>/``.
        name: Name of the export.
        method: ``pitr``, ``scan``, or ``auto`` for the first that works.
        log_group: The router's log group; empty leaves spilled records out.
        say: Told each decision, once.
        progress: Told where it is, often.

    Returns:
        The export and its counts.

    Raises:
        CannotExport: Method ``pitr``, where DynamoDB cannot.
        StoreUnavailable: A service refuses or does not answer, or has no such table, bucket or log group.
    """
    dynamodb, store = session.client("dynamodb"), S3Objects(session.client("s3"), bucket)
    info = describe(dynamodb, table)
    prefix = f"exports/{name}"
    export: Export | None = None
    if method != "scan":
        try:
            progress("DynamoDB is asked to export the table")
            export = _point_in_time(dynamodb, info.arn, bucket, prefix, store, progress)
        except CannotExport as error:
            if method == "pitr":
                raise
            say(f"No point-in-time export ({error}): scanning the table instead, in the same layout.")
    used = "pitr" if export else "scan"
    if export is None:
        export = _scanned(dynamodb, table, info.arn, info.table_id, bucket, prefix, store, progress)
    stored = export.items
    found = 0
    if log_group:
        until = export.time if used == "pitr" else ""
        progress(f"looking for spilled records in {log_group}")
        export, found = _with_spilled(session.client("logs"), log_group, until, store, export, progress)
    return Exported(store.uri(export.root), used, stored, found, len(export.files))


def _point_in_time(
    client: Any, arn: str, bucket: str, prefix: str, store: S3Objects, progress: Callable[[str], None]
) -> Export:
    pause, started = POLL_FIRST_SECONDS, time.monotonic()

    def wait(status: str) -> None:
        nonlocal pause
        progress(f"DynamoDB exports: {status}, {time.monotonic() - started:.0f} s (minutes are usual)")
        time.sleep(pause)
        pause = min(POLL_SECONDS, 2 * pause)

    return load_export(store, point_in_time_export(client, arn, bucket, prefix, wait, store.exists))


def _scanned(
    client: Any,
    table: str,
    arn: str,
    table_id: str,
    bucket: str,
    prefix: str,
    store: S3Objects,
    progress: Callable[[str], None],
) -> Export:
    started = datetime.now(UTC)
    identity = f"{int(started.timestamp() * 1000):014d}-{secrets.token_hex(4)}"
    root = f"{prefix}/{FOLDER}/{identity}"
    count = 0

    def counted() -> Iterator[Item]:
        nonlocal count
        for item in scan(client, table):
            count += 1
            if count % 500 == 0:
                progress(f"scanning {table}: {count:,} records")
            yield item

    files = tuple(write_data(store, root, counted(), "scan"))
    # The fields of DynamoDB's own manifest; a scan shows no single moment, so its time is that of its end.
    summary = {
        "version": "2020-06-30",
        "exportArn": f"{arn}/export/{identity}",
        "startTime": _iso(started),
        "endTime": _iso(datetime.now(UTC)),
        "tableArn": arn,
        "tableId": table_id,
        "exportTime": _iso(datetime.now(UTC)),
        "s3Bucket": bucket,
        "s3Prefix": prefix,
        "outputFormat": "DYNAMODB_JSON",
        "exportType": "FULL_EXPORT",
    }
    export = Export(root, files, summary)
    write_manifests(store, export)
    return export


def _with_spilled(
    client: Any, log_group: str, until: str, store: S3Objects, export: Export, progress: Callable[[str], None]
) -> tuple[Export, int]:
    """Adds the spilled records that the export lacks, as data files of their own.

    A write may time out and yet arrive: then the table has the record too, and only that one counts. Only ids
    are held in memory; the records wait on disk.
    """
    with tempfile.TemporaryDirectory(prefix="contender-spilled-") as folder:
        path = Path(folder) / "spilled.json.gz"
        missing: set[str] = set()
        with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as kept:
            for item in spilled(client, log_group, until):
                if item["request_id"]["S"] not in missing:
                    missing.add(item["request_id"]["S"])
                    kept.write(json.dumps(item) + "\n")
        if not missing:
            return export, 0
        progress(f"{len(missing):,} spilled records: looking which of them the table has after all")
        for file in export.files:
            for line in read_lines(store, file):
                missing.discard(json.loads(line)["Item"]["request_id"]["S"])
        with gzip.open(path, "rt", encoding="utf-8") as kept:
            items = (item for item in map(json.loads, kept) if item["request_id"]["S"] in missing)
            added: tuple[DataFile, ...] = tuple(write_data(store, export.root, items, "spilled"))
    whole = replace(export, files=(*export.files, *added))
    if added:
        write_manifests(store, whole)
    return whole, len(missing)


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _name(text: str) -> str:
    if not re.fullmatch(r"\w[\w.-]{0,99}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{text!r} is no name: use letters, digits, '.', '_' and '-'")
    return text


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stack-name", help="take table, bucket and log group from this stack's outputs")
    parser.add_argument("--table", help="prediction log (default: PREDICTIONS_TABLE)")
    parser.add_argument("--bucket", help="artifact bucket (default: ARTIFACT_BUCKET)")
    parser.add_argument(
        "--log-group", help="the router's log group, for spilled records (default: ROUTER_LOG_GROUP)"
    )
    parser.add_argument("--method", choices=("auto", "pitr", "scan"), default="auto")
    parser.add_argument("--name", type=_name, help="name of the export (default: the time, in UTC)")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Runs the export; gives the exit code."""
    args = _arguments(argv)
    console = Console(stderr=True)
    if not args.stack_name:
        adopt_running_stack(os.environ)
    try:
        session = aws_session()
        outputs = stack_outputs(session, args.stack_name) if args.stack_name else {}
        table = args.table or outputs.get("PredictionsTableName") or os.environ.get("PREDICTIONS_TABLE", "")
        bucket = args.bucket or outputs.get("ArtifactBucketName") or os.environ.get("ARTIFACT_BUCKET", "")
        log_group = args.log_group or outputs.get("RouterLogGroup") or os.environ.get("ROUTER_LOG_GROUP", "")
        for value, option, variable in (
            (table, "--table", "PREDICTIONS_TABLE"),
            (bucket, "--bucket", "ARTIFACT_BUCKET"),
        ):
            if not value:
                console.print(f"Which one? Give {option}, set {variable}, or give --stack-name.", style="red")
                return 2
        name = args.name or datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as display:
            task = display.add_task("starting")
            done = export_log(
                session,
                table,
                bucket,
                name,
                args.method,
                log_group,
                say=display.console.print,
                progress=lambda text: display.update(task, description=text),
            )
    except CannotExport as error:
        console.print(f"{error}: use --method scan, or turn PITR on.", style="red", markup=False)
        return 1
    except ContenderError as error:
        console.print(str(error), style="red", highlight=False, soft_wrap=True, markup=False)
        console.print("Is the stack up, and are names, region and AWS_ENDPOINT_URL the right ones?")
        return 1
    except KeyboardInterrupt:
        console.print("Stopped. Without its manifest what was written is no export; nothing will read it.")
        return 130
    console.print(
        f"Exported {done.stored:,} stored + {done.spilled:,} spilled records "
        f"in {done.files} files by {done.method}."
    )
    if not log_group:
        console.print("No --log-group: records that the log refused are not in it.", style="yellow")
    console.print(f"Next: python -m scripts.analyze --export {done.uri}", soft_wrap=True, highlight=False)
    print(done.uri)
    return 0


if __name__ == "__main__":
    sys.exit(main())
