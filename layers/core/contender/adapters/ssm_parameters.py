"""SSM Parameter Store as live configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contender.adapters._aws import Client, translated
from contender.ports import Parameter


class SsmParameters:
    """Implements :class:`contender.ports.Parameters`.

    Args:
        client: A boto3 SSM client.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def get(self, names: Sequence[str]) -> Mapping[str, Parameter]:
        """Reads up to ten parameters in one call; unknown names are absent. Raises ``StoreUnavailable``."""
        with translated("ssm", f"get {', '.join(names)}"):
            answer = self._client.get_parameters(Names=list(names))
        return {
            entry["Name"]: Parameter(entry["Value"], entry["Version"], entry["LastModifiedDate"].timestamp())
            for entry in answer["Parameters"]
        }

    def put(self, name: str, value: str) -> int:
        """Writes a parameter and gives its new version. Raises ``StoreUnavailable``."""
        with translated("ssm", f"put {name}"):
            answer = self._client.put_parameter(Name=name, Value=value, Type="String", Overwrite=True)
        return int(answer["Version"])

    def history(self, name: str) -> Sequence[Parameter]:
        """Gives the values that a parameter had, newest first; SSM keeps the last 100.

        Raises ``NotFound``, ``StoreUnavailable``.
        """
        with translated("ssm", f"history of {name}"):
            pages = self._client.get_paginator("get_parameter_history").paginate(Name=name)
            entries = [entry for page in pages for entry in page["Parameters"]]
        found = [
            Parameter(entry["Value"], entry["Version"], entry["LastModifiedDate"].timestamp())
            for entry in entries
        ]
        return sorted(found, key=lambda parameter: parameter.version, reverse=True)
