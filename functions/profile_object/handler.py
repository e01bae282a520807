"""A step of the map that profiles a large window: parse the event, do it, reply."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from contender.adapters.profile_map import ProfileMap
from contender.errors import BadInput


@cache
def _map() -> ProfileMap:
    """Wires the steps once per worker, on its first event."""
    return build(os.environ)


def build(environ: Mapping[str, str]) -> ProfileMap:
    """Makes clients and the steps.

    Args:
        environ: See :class:`contender.settings.ProfileSettings`.

    Raises:
        BadInput: Naming each variable that is missing or wrong.
    """
    import boto3

    from contender.adapters.kept_profiles import KeptProfiles
    from contender.adapters.s3_objects import S3Objects
    from contender.settings import ProfileSettings

    settings = ProfileSettings.read(environ)
    s3 = boto3.client("s3")
    return ProfileMap(
        S3Objects(s3, settings.data_bucket), KeptProfiles(S3Objects(s3, settings.artifact_bucket))
    )


def handler(event: Mapping[str, Any], context: Any) -> dict[str, str]:
    """Answers the state machine of ``infra/profile-map.yaml``.

    Args:
        event: ``step`` and what it needs: ``reference``; ``profile`` with ``reference_profile`` and ``key``;
            ``merge`` with ``reference_profile`` and ``window``.
        context: The Lambda context; not used.

    Returns:
        ``profile``: the key of what was made.

    Raises:
        BadInput: When the event or the data is wrong.
    """
    if not isinstance(event, Mapping):
        raise BadInput.of("event", f"is of type {type(event).__name__}", 'send {"step": …}')
    step = event.get("step")
    if step == "reference":
        return {"profile": _map().reference("reference/")}
    if step == "profile":
        return {"profile": _map().profile(_text(event, "reference_profile"), _text(event, "key"))}
    if step == "merge":
        window = _text(event, "window").strip("/")
        return {"profile": _map().merge(_text(event, "reference_profile"), f"current/{window}/")}
    raise BadInput.of("step", f"is {step!r}", "send reference, profile or merge")


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value.strip("/"):
        raise BadInput.of(name, f"is {value!r}", "send a text")
    return value
