"""Where an export's items come from: DynamoDB's own export, a scan of the table, the function's log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from botocore.exceptions import ClientError

from contender.adapters._aws import Client, code_of, translated
from contender.adapters.dynamo_log import attribute
from contender.adapters.export_layout import SUMMARY, Item
from contender.adapters.spilled_lines import SpilledLines
from contender.errors import StoreUnavailable

SPILLED_FLAG = "spilled"
"""Attribute that marks an item which came from the function's log."""

_CANNOT_EXPORT = frozenset(
    {
        "PointInTimeRecoveryUnavailableException",
        "UnknownOperationException",
        "NotImplemented",
        "InternalFailure",  # what emulators answer to an operation that they do not know
    }
)


class TableInfo(NamedTuple):
    """A table as DynamoDB describes it.

    Attributes:
        arn: Its ARN.
        table_id: Its id; empty where an emulator gives none.
        items: Rough number of items, some hours old.
    """

    arn: str
    table_id: str
    items: int


class CannotExport(Exception):
    """DynamoDB cannot export this table; the message says why, in one clause."""


def describe(client: Client, table: str) -> TableInfo:
    """Looks a table up. Raises ``StoreUnavailable``, also where there is none of that name."""
    with translated("dynamodb", f"describe table {table}"):
        found = client.describe_table(TableName=table)["Table"]
    return TableInfo(found["TableArn"], found.get("TableId", ""), int(found.get("ItemCount", 0)))


def point_in_time_export(
    client: Client,
    table_arn: str,
    bucket: str,
    prefix: str,
    wait: Callable[[str], None],
    written: Callable[[str], bool],
) -> str:
    """Asks DynamoDB to export a table and waits until it has.

    Args:
        client: A boto3 DynamoDB client.
        table_arn: The table; point-in-time recovery must be on.
        bucket: Where to.
        prefix: Key prefix.
        wait: Called with the status between two looks; it must sleep.
        written: Tells whether a key exists.

    Returns:
        Key of the export's folder.

    Raises:
        CannotExport: Recovery is off, the service does not know the call, or it says that it is done and has
            written nothing (emulators do).
        StoreUnavailable: DynamoDB refuses, does not answer, or the export failed.
    """
    with translated("dynamodb", f"export {table_arn}"):
        try:
            told = client.export_table_to_point_in_time(
                TableArn=table_arn, S3Bucket=bucket, S3Prefix=prefix, ExportFormat="DYNAMODB_JSON"
            )["ExportDescription"]
        except ClientError as error:
            if code_of(error) in _CANNOT_EXPORT:
                raise CannotExport(f"DynamoDB answers {code_of(error)}") from error
            raise
        while told["ExportStatus"] == "IN_PROGRESS":
            wait(told["ExportStatus"])
            told = client.describe_export(ExportArn=told["ExportArn"])["ExportDescription"]
    if told["ExportStatus"] != "COMPLETED":
        why = f"{told.get('FailureCode', 'no code')}: {told.get('FailureMessage', 'no message')}"
        raise StoreUnavailable("dynamodb", f"the export ended as {told['ExportStatus']}: {why}")
    manifest = str(told.get("ExportManifest", ""))
    if not manifest or not written(manifest):
        raise CannotExport(f"it answers COMPLETED, but there is no {SUMMARY}")
    return manifest.rpartition("/")[0]


def scan(client: Client, table: str) -> Iterator[Item]:
    """Reads a table page by page, in DynamoDB JSON.

    Consistent reads: an outcome posted before the scan began is in it. Raises ``StoreUnavailable``.
    """
    with translated("dynamodb", f"scan {table}"):
        for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
            yield from page["Items"]


def spilled(client: Client, log_group: str, until: str = "") -> Iterator[Item]:
    """Reads back the records that the prediction log refused, flagged ``spilled``.

    Args:
        client: A boto3 CloudWatch Logs client.
        log_group: The router's log group.
        until: Leaves out records made after this ISO 8601 time, which the table's export cannot have either;
            empty for no limit.

    Yields:
        Items in DynamoDB JSON, in no special order, perhaps one twice. Lines that only mention spilled
        records are skipped.

    Raises:
        StoreUnavailable: When CloudWatch does not answer, or has no such log group.
    """
    for record in SpilledLines(client, log_group).all():
        if not (until and str(record.get("at", "")) > until):
            yield {
                **{name: attribute(value) for name, value in record.items() if value is not None},
                SPILLED_FLAG: {"BOOL": True},
            }
