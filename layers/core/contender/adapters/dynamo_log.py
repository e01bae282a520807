"""The prediction log on DynamoDB."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

from contender.adapters._aws import CONDITION_FAILED, Client, code_of, translated
from contender.domain.records import Feedback, PredictionRecord
from contender.errors import Conflict, NotFound

LOGGED_AT = "logged_at"
"""When a record was logged, by which evaluations meet it: the time of its answer, unless it was brought back
later."""

Attribute = Mapping[str, Any]
"""A value in DynamoDB's JSON: ``{"S": "text"}``, ``{"N": "1.5"}``, …"""


def attribute(value: object) -> Attribute:
    """Writes a value as DynamoDB JSON.

    Numbers keep at most the 38 significant digits and the range (1e-130 to 1e125) that DynamoDB
    stores; a magnitude below that range becomes 0, as does a negative zero. Written by hand because
    boto3's serializer refuses floats and costs more than the prediction does.

    Raises:
        TypeError: For a type that the log has no place for.
        ValueError: For NaN and infinities, which DynamoDB does not hold.
    """
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"DynamoDB holds no {value}")
        return {"N": repr(value) if abs(value) >= 1e-130 else "0"}
    if isinstance(value, Mapping):
        return {"M": {name: attribute(member) for name, member in value.items()}}
    raise TypeError(f"no DynamoDB attribute for {type(value).__name__}")


def to_item(record: PredictionRecord) -> dict[str, Attribute]:
    """Writes a record as a DynamoDB item; what is ``None`` (``probabilities`` of a regression) is absent."""
    item = {
        "request_id": attribute(record.request_id),
        "at": attribute(record.at),
        LOGGED_AT: attribute(record.at),
        "unit_id": attribute(record.unit_id),
        "assigned": attribute(record.assigned),
        "served": attribute(record.served),
        "model_version": attribute(record.model_version),
        "release": attribute(record.release),
        "split": attribute(record.split),
        "split_version": attribute(record.split_version),
        "probability": attribute(record.probability),
        "features": attribute(record.features),
        "prediction": attribute(record.prediction),
        "latency_ms": attribute(record.latency_ms),
        "expires_at": attribute(record.expires_at),
        "log_shard": attribute(record.log_shard),
    }
    if record.probabilities is not None:
        item["probabilities"] = attribute(record.probabilities)
    if record.shadow is not None:
        item["shadow"] = attribute(record.shadow.to_dict())
    if record.shadow_ms is not None:
        item["shadow_ms"] = attribute(record.shadow_ms)
    return item


class DynamoPredictionLog:
    """Implements :class:`contender.ports.PredictionLog`.

    Args:
        client: A boto3 DynamoDB client.
        table: The table's name; its key is ``request_id``.
    """

    def __init__(self, client: Client, table: str) -> None:
        self._client = client
        self._table = table

    def put(self, record: PredictionRecord) -> None:
        """Stores a record. Raises ``StoreUnavailable``.

        Unconditional, so that botocore's retry of a write that did arrive is no error: ids are unique.
        """
        with translated("dynamodb", f"put {self._table}/{record.request_id}"):
            self._client.put_item(TableName=self._table, Item=to_item(record))

    def set_outcome(self, request_id: str, told: Feedback, at: str) -> None:
        """Adds what feedback tells about a prediction; the same again changes nothing.

        Raises ``NotFound`` for an unknown id, ``Conflict`` when another outcome or value is there,
        ``StoreUnavailable``.
        """
        given = {
            name: attribute(value)
            for name, value in (("outcome", told.outcome), ("value", told.value))
            if value is not None
        }
        with translated("dynamodb", f"update {self._table}/{request_id}"):
            while given:
                stored = self._add(request_id, given, at)
                if stored is None:
                    return
                if not stored:
                    raise NotFound(f"no prediction {request_id} is logged")
                for name in given.keys() & stored.keys():
                    if not _same(stored[name], given[name]):
                        raise Conflict(f"another {name} of {request_id} is already logged")
                known = given.keys() & stored.keys()
                if not known:
                    raise NotFound(f"no prediction {request_id} is logged")  # it arrived between the calls
                given = {name: value for name, value in given.items() if name not in known}

    def _add(
        self, request_id: str, given: Mapping[str, Attribute], at: str
    ) -> Mapping[str, Attribute] | None:
        """Adds attributes if none of them is there yet; else gives the item, empty when there is none."""
        key = {"request_id": {"S": request_id}}
        names = {f"#{name}": name for name in given}  # "value" is a word of DynamoDB's own
        absent = "".join(f" AND attribute_not_exists(#{name})" for name in given)
        try:
            self._client.update_item(
                TableName=self._table,
                Key=key,
                # The time of the first feedback stays: by it the evaluation meets the record, once.
                UpdateExpression="SET outcome_at = if_not_exists(outcome_at, :at), "
                + ", ".join(f"#{name} = :{name}" for name in given),
                ConditionExpression=f"attribute_exists(request_id){absent}",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues={
                    ":at": attribute(at),
                    **{f":{name}": value for name, value in given.items()},
                },
            )
        except ClientError as error:
            if code_of(error) != CONDITION_FAILED:
                raise
        else:
            return None
        answer = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        return dict(answer.get("Item") or {})


def _same(stored: Attribute, given: Attribute) -> bool:
    if "N" in stored and "N" in given:
        return Decimal(stored["N"]) == Decimal(given["N"])
    return dict(stored) == dict(given)
