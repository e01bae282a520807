"""botocore sessions for programs whose start somebody waits for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.loaders import Loader
from botocore.session import Session

_ENDPOINTS = "endpoints"
"""botocore's list of every service's endpoints: 1.3 MB of JSON, 7 MB in memory."""


class _KnownServices(Loader):  # type: ignore[misc]  # botocore ships no types
    """Knows which services it will be asked for, and neither looks for nor keeps those of all 400."""

    def __init__(self, services: tuple[str, ...]) -> None:
        super().__init__()
        self._services = list(services)

    def list_available_services(self, type_name: str) -> list[str]:
        """Gives the known ones, of whatever type: botocore looks for the files of each itself."""
        return self._services

    def load_data_with_path(self, name: str) -> tuple[Any, str]:
        """Gives a data file and its path; of the list of all services' endpoints, those of the known ones."""
        if name != _ENDPOINTS:
            return super().load_data_with_path(name)  # type: ignore[no-any-return]
        # Read by a loader of its own, because a loader keeps whatever it has read.
        content, path = Loader().load_data_with_path(name)
        partitions = [
            {**partition, "services": self._known(partition["services"])}
            for partition in content["partitions"]
        ]
        return {**content, "partitions": partitions}, path

    def _known(self, services: Mapping[str, Any]) -> dict[str, Any]:
        return {name: services[name] for name in self._services if name in services}


def session_of(*services: str) -> Session:
    """Makes a session that makes clients of some services only.

    botocore checks a service's name by listing the folders of all services and their versions: thousands of
    calls to the file system, two fifths of the time that the first client takes. boto3's own additions are
    left out too, because importing them takes another sixth of what importing botocore takes. And of the
    endpoints of all services only those of these stay in memory.

    Args:
        services: Names of services, as ``create_client`` takes them.

    Returns:
        A session; ``create_client`` of another service raises botocore's ``UnknownServiceError``.
    """
    session = Session()
    session.register_component("data_loader", _KnownServices(services))
    return session
