"""Run records on DynamoDB, with conditional writes: the same drift never trains twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from botocore.exceptions import ClientError

from contender.adapters._aws import CONDITION_FAILED, Client, code_of, translated
from contender.adapters.dynamo_log import Attribute, attribute
from contender.domain.records import RunRecord, RunState
from contender.errors import Conflict, NotFound, StoreUnavailable


class DynamoRunRecords:
    """Implements :class:`contender.ports.RunRecords`.

    Args:
        client: A boto3 DynamoDB client.
        table: The table's name; its key is ``run_key``.
    """

    def __init__(self, client: Client, table: str) -> None:
        self._client = client
        self._table = table

    def get(self, run_key: str) -> RunRecord | None:
        """Reads a record, consistently. Raises ``StoreUnavailable``."""
        with translated("dynamodb", f"get {self._table}/{run_key}"):
            answer = self._client.get_item(
                TableName=self._table, Key={"run_key": {"S": run_key}}, ConsistentRead=True
            )
        item = answer.get("Item")
        return None if item is None else _from_item(item)

    def create(self, record: RunRecord) -> bool:
        """Stores a record unless its key is taken; tells whether it did. Raises ``StoreUnavailable``."""
        with translated("dynamodb", f"put {self._table}/{record.run_key}"):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=_to_item(record),
                    ConditionExpression="attribute_not_exists(run_key)",
                )
            except ClientError as error:
                if code_of(error) == CONDITION_FAILED:
                    return False
                raise
        return True

    def move(self, run_key: str, expected: RunRecord | Sequence[RunState], **changes: object) -> RunRecord:
        """Changes fields of a record if it still stands as expected, and gives the new one.

        Raises:
            Conflict: When it moved meanwhile.
            NotFound: When it does not exist.
            StoreUnavailable: When DynamoDB does not answer.
        """
        names: dict[str, str] = {"#state": "state"}
        values: dict[str, Attribute] = {}
        if isinstance(expected, RunRecord):
            condition = "#state = :state AND attempt = :attempt"
            values |= {":state": attribute(expected.state.value), ":attempt": attribute(expected.attempt)}
        else:
            marks = [f":state{index}" for index in range(len(expected))]
            condition = f"#state IN ({', '.join(marks)})"
            values |= {mark: attribute(state.value) for mark, state in zip(marks, expected, strict=True)}
        sets = []
        for index, (field, value) in enumerate(changes.items()):
            names[f"#f{index}"] = field
            values[f":f{index}"] = attribute(value)
            sets.append(f"#f{index} = :f{index}")
        with translated("dynamodb", f"update {self._table}/{run_key}"):
            try:
                answer = self._client.update_item(
                    TableName=self._table,
                    Key={"run_key": {"S": run_key}},
                    UpdateExpression=f"SET {', '.join(sets)}",
                    ConditionExpression=condition,
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues=values,
                    ReturnValues="ALL_NEW",
                )
            except ClientError as error:
                if code_of(error) == CONDITION_FAILED:
                    if self.get(run_key) is None:
                        raise NotFound(f"there is no run {run_key}") from error
                    raise Conflict(f"run {run_key} does not stand as expected") from error
                raise
        return _from_item(answer["Attributes"])

    def recent(self, limit: int) -> Sequence[RunRecord]:
        """Reads the records of the latest checks, newest first. Raises ``StoreUnavailable``.

        By a scan: there is about one record a day, and only a launch rule that looks back asks.
        """
        with translated("dynamodb", f"scan {self._table}"):
            pages = self._client.get_paginator("scan").paginate(TableName=self._table, ConsistentRead=True)
            records = [_from_item(item) for page in pages for item in page["Items"]]
        return sorted(records, key=lambda record: record.checked_at, reverse=True)[:limit]


def _to_item(record: RunRecord) -> dict[str, Attribute]:
    return {
        field.name: attribute(value)
        for field in fields(record)
        if (value := getattr(record, field.name)) is not None
    }


def _from_item(item: dict[str, Attribute]) -> RunRecord:
    known = {}
    for field in fields(RunRecord):
        stored = item.get(field.name)
        if stored is None or "NULL" in stored:
            continue
        known[field.name] = int(stored["N"]) if "N" in stored else stored["S"]
    try:
        return RunRecord(**{**known, "state": RunState(known["state"])})  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError) as error:
        raise StoreUnavailable("dynamodb", f"a run record is not readable: {error!r}") from error
