"""Records that reach the prediction log later than their requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from contender.adapters._aws import CONDITION_FAILED, Client, code_of, translated
from contender.adapters.dynamo_log import LOGGED_AT, attribute
from contender.adapters.logged_item import Malformed, observation
from contender.errors import BadInput


class DynamoLateRecords:
    """Implements :class:`contender.ports.LateRecords`.

    Apart from the router's adapter because it reads records as the statistics do, which need SciPy.

    Args:
        client: A boto3 DynamoDB client.
        table: The prediction log.
    """

    def __init__(self, client: Client, table: str) -> None:
        self._client = client
        self._table = table

    def add(self, record: Mapping[str, Any], at: str) -> bool:
        """Stores a record unless its id is there; tells whether it did.

        It bears the time of its request as ``at``, and ``at`` as the time by which evaluations meet it.

        Raises:
            BadInput: When it is no record of a prediction.
            StoreUnavailable: When DynamoDB does not answer.
        """
        try:
            item = {name: attribute(value) for name, value in record.items() if value is not None}
            item[LOGGED_AT] = attribute(at)
            observation(item)
            if "S" not in item["log_shard"]:
                raise Malformed("log_shard is not of type S")
        except (Malformed, KeyError, TypeError, ValueError) as error:
            name = str(record.get("request_id"))[:40]
            raise BadInput.of(f"spilled record {name}", f"cannot be read ({error})", "look at it") from error
        with translated("dynamodb", f"put {self._table}/{record['request_id']}"):
            try:
                self._client.put_item(
                    TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(request_id)"
                )
            except ClientError as error:
                if code_of(error) != CONDITION_FAILED:
                    raise
                return False
        return True
