"""Experiments and their history on DynamoDB, in one table: key ``kind`` and ``entry``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from botocore.exceptions import ClientError

from contender.adapters._aws import CONDITION_FAILED, Client, code_of, translated
from contender.adapters.dynamo_log import Attribute, attribute
from contender.domain.lifecycle import Deed, ExperimentRecord, HistoryEntry, Stage
from contender.errors import Conflict, StoreUnavailable

EXPERIMENT, HISTORY, BOOKMARK, CLAIM = "experiment", "history", "bookmark", "claim"
"""Partitions: experiments by their id, deeds by their key, which both sort by time; the others by name."""


class DynamoExperiments:
    """Implements :class:`contender.experiment_ports.Experiments` and :class:`contender.ports.Bookmarks`.

    Args:
        client: A boto3 DynamoDB client.
        table: The table's name; its key is ``kind`` (hash) and ``entry`` (range).
    """

    def __init__(self, client: Client, table: str) -> None:
        self._client = client
        self._table = table

    def get(self, experiment_id: str) -> ExperimentRecord | None:
        """Reads an experiment, consistently. Raises ``StoreUnavailable``."""
        with translated("dynamodb", f"get {self._table}/{experiment_id}"):
            answer = self._client.get_item(
                TableName=self._table, Key=_key(EXPERIMENT, experiment_id), ConsistentRead=True
            )
        item = answer.get("Item")
        return None if item is None else _experiment(item)

    def recent(self, limit: int) -> Sequence[ExperimentRecord]:
        """Reads the latest experiments, newest first, consistently. Raises ``StoreUnavailable``."""
        return [_experiment(item) for item in self._newest(EXPERIMENT, limit)]

    def save(self, record: ExperimentRecord) -> ExperimentRecord:
        """Stores a record over the revision that it was made from; gives it with its new revision.

        Raises:
            Conflict: When another revision is there.
            StoreUnavailable: When DynamoDB does not answer.
        """
        saved = replace(record, revision=record.revision + 1)
        item: dict[str, Attribute] = _key(EXPERIMENT, record.experiment_id)
        for field in fields(saved):
            value = getattr(saved, field.name)
            if value != "" and value != b"":
                item[field.name] = {"B": value} if isinstance(value, bytes) else attribute(value)
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(revision)"}
        if record.revision:
            condition = {
                "ConditionExpression": "revision = :revision",
                "ExpressionAttributeValues": {":revision": attribute(record.revision)},
            }
        if not self._put(item, condition):
            raise Conflict(f"experiment {record.experiment_id} was changed by another program meanwhile")
        return saved

    def append(self, entry: HistoryEntry) -> bool:
        """Adds to the history unless the deed is told of already. Raises ``StoreUnavailable``."""
        item = _key(HISTORY, entry.key)
        for field in fields(entry):
            item[field.name] = attribute(getattr(entry, field.name))
        return self._put(item, {"ConditionExpression": "attribute_not_exists(kind)"})

    def history(self, limit: int) -> Sequence[HistoryEntry]:
        """Reads the latest deeds, newest first, consistently. Raises ``StoreUnavailable``."""
        return [_entry(item) for item in self._newest(HISTORY, limit)]

    def bookmark(self, name: str) -> float | None:
        """Gives a bookmark, in epoch seconds, consistently. Raises ``StoreUnavailable``."""
        with translated("dynamodb", f"get {self._table}/{name}"):
            answer = self._client.get_item(
                TableName=self._table, Key=_key(BOOKMARK, name), ConsistentRead=True
            )
        item = answer.get("Item")
        return None if item is None else float(item["read_until"]["N"])

    def set_bookmark(self, name: str, at: float) -> None:
        """Moves a bookmark. Raises ``StoreUnavailable``."""
        self._put({**_key(BOOKMARK, name), "read_until": attribute(at)}, {})

    def claim(self, name: str, owner: str, now: float, until: float) -> str:
        """Takes a claim; gives who has it if it cannot be had. Raises ``StoreUnavailable``."""
        mine = {**_key(CLAIM, name), "claimed_by": attribute(owner), "claimed_until": attribute(until)}
        condition = {
            "ConditionExpression": "attribute_not_exists(kind) OR claimed_by = :owner "
            "OR claimed_until <= :now",
            "ExpressionAttributeValues": {":owner": attribute(owner), ":now": attribute(now)},
        }
        if self._put(mine, condition):
            return ""
        with translated("dynamodb", f"get {self._table}/{name}"):
            answer = self._client.get_item(TableName=self._table, Key=_key(CLAIM, name), ConsistentRead=True)
        return str(answer["Item"]["claimed_by"]["S"]) if "Item" in answer else "another program"

    def let_go(self, name: str, owner: str) -> None:
        """Gives a claim back if it is the owner's. Raises ``StoreUnavailable``."""
        free = {**_key(CLAIM, name), "claimed_by": attribute(owner), "claimed_until": attribute(0)}
        condition = {
            "ConditionExpression": "claimed_by = :owner",
            "ExpressionAttributeValues": {":owner": attribute(owner)},
        }
        self._put(free, condition)

    def _put(self, item: Mapping[str, Attribute], condition: Mapping[str, Any]) -> bool:
        with translated("dynamodb", f"put {self._table}/{item['entry']['S']}"):
            try:
                self._client.put_item(TableName=self._table, Item=dict(item), **condition)
            except ClientError as error:
                if code_of(error) != CONDITION_FAILED:
                    raise
                return False
        return True

    def _newest(self, kind: str, limit: int) -> list[dict[str, Attribute]]:
        with translated("dynamodb", f"query {self._table}/{kind}"):
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="kind = :kind",
                ExpressionAttributeValues={":kind": {"S": kind}},
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=limit,
            )
        return list(answer["Items"])


def _key(kind: str, entry: str) -> dict[str, Attribute]:
    return {"kind": {"S": kind}, "entry": {"S": entry}}


def _value(stored: Attribute) -> Any:
    if "N" in stored:
        return int(stored["N"])
    return next(iter(stored.values()))


def _members(kind: type[Any], item: Mapping[str, Attribute]) -> dict[str, Any]:
    return {field.name: _value(item[field.name]) for field in fields(kind) if field.name in item}


def _experiment(item: Mapping[str, Attribute]) -> ExperimentRecord:
    try:
        known = _members(ExperimentRecord, item)
        return ExperimentRecord(**{**known, "stage": Stage(known["stage"])})
    except (KeyError, TypeError, ValueError) as error:
        raise StoreUnavailable("dynamodb", f"an experiment is not readable: {error!r}") from error


def _entry(item: Mapping[str, Attribute]) -> HistoryEntry:
    try:
        known = _members(HistoryEntry, item)
        return HistoryEntry(**{**known, "deed": Deed(known["deed"])})
    except (KeyError, TypeError, ValueError) as error:
        raise StoreUnavailable("dynamodb", f"an entry of the history is not readable: {error!r}") from error
