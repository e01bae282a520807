"""The prediction log as an evaluation reads it: by two indexes, only what is new."""

from __future__ import annotations

from contender.adapters._aws import Client, translated
from contender.adapters.dynamo_log import LOGGED_AT
from contender.adapters.logged_item import Malformed, observation
from contender.domain.experiment import Observation
from contender.experiment_ports import LogPart

BY_LOGGED, BY_OUTCOME = "by_logged", "by_outcome"
"""Indexes of the table, both partitioned by ``log_shard``; sorted by ``logged_at`` and by ``outcome_at``."""


class DynamoLogReader:
    """Implements :class:`contender.experiment_ports.ExperimentLog`.

    Indexes are eventually consistent: whoever asks leaves out the latest seconds.

    Args:
        client: A boto3 DynamoDB client.
        table: The prediction log.
    """

    def __init__(self, client: Client, table: str) -> None:
        self._client = client
        self._table = table

    def requests(self, shard: str, after: str, until: str, limit: int) -> LogPart:
        """Reads records by the time at which they were logged. Raises ``StoreUnavailable``."""
        return self._read(BY_LOGGED, LOGGED_AT, shard, after, until, limit)

    def outcomes(self, shard: str, after: str, until: str, limit: int) -> LogPart:
        """Reads records by the time when their feedback came. Raises ``StoreUnavailable``."""
        return self._read(BY_OUTCOME, "outcome_at", shard, after, until, limit)

    def _read(self, index: str, sort: str, shard: str, after: str, until: str, limit: int) -> LogPart:
        request = {
            "TableName": self._table,
            "IndexName": index,
            "KeyConditionExpression": "log_shard = :shard AND #time BETWEEN :after AND :until",
            "ExpressionAttributeNames": {"#time": sort},
            "ExpressionAttributeValues": {
                ":shard": {"S": shard},
                # The smallest text above `after`: BETWEEN includes its ends.
                ":after": {"S": f"{after}0"},
                ":until": {"S": until},
            },
        }
        rows: list[tuple[str, Observation]] = []
        last, malformed, count = after, 0, 0
        while True:
            with translated("dynamodb", f"query {self._table}/{index} {shard}"):
                answer = self._client.query(**request, Limit=max(1, limit - count))
            for item in answer["Items"]:
                count, last = count + 1, item[sort]["S"]
                try:
                    rows.append((last, observation(item)[1]))
                except Malformed:
                    malformed += 1
            start = answer.get("LastEvaluatedKey")
            if start is None:
                return LogPart(rows, until, True, malformed)
            if count >= limit:
                break
            request["ExclusiveStartKey"] = start
        # Further records may bear the time of the last one: only what is before it is without a gap.
        complete = [row for row in rows if row[0] < last]
        upto = complete[-1][0] if complete else after
        return LogPart(complete, upto, False, malformed)
