"""botocore sessions for programs whose start somebody waits for."""

from __future__ import annotations

from botocore.loaders import Loader
from botocore.session import Session


class _KnownServices(Loader):  # type: ignore[misc]  # botocore ships no types
    """Knows which services it will be asked for, instead of looking through the folders of all 400."""

    def __init__(self, services: tuple[str, ...]) -> None:
        super().__init__()
        self._services = list(services)

    def list_available_services(self, type_name: str) -> list[str]:
        """Gives the known ones, of whatever type: botocore looks for the files of each itself."""
        return self._services


def session_of(*services: str) -> Session:
    """Makes a session that makes clients of some services only.

    botocore checks a service's name by listing the folders of all services and their versions: thousands of
    calls to the file system, two fifths of the time that the first client takes. boto3's own additions are
    left out too, because importing them takes another sixth of what importing botocore takes.

    Args:
        services: Names of services, as ``create_client`` takes them.

    Returns:
        A session; ``create_client`` of another service raises botocore's ``UnknownServiceError``.
    """
    session = Session()
    session.register_component("data_loader", _KnownServices(services))
    return session
