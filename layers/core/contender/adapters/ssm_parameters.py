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
