"""A step of the map that profiles a large window: parse the event, do it, reply."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from contender.adapters.profile_map import ProfileMap
from contender.errors import BadInput


class Steps(NamedTuple):
    """What the events are answered by.

    Attributes:
        map: Profiles, and merges profiles.
        measured_against: Tells the prefix of the window that the drift check will compare with.
    """

    map: ProfileMap
    measured_against: Callable[[], str]


@cache
def _steps() -> Steps:
    """Wires the steps once per worker, on its first event."""
    return build(os.environ)


def build(environ: Mapping[str, str]) -> Steps:
    """Makes clients and the steps.

    Args:
        environ: See :class:`contender.settings.ProfileSettings`.

    Raises:
        BadInput: Naming each variable that is missing or wrong.
    """
    import boto3

    from contender.adapters.kept_profiles import KeptProfiles
    from contender.adapters.s3_objects import S3Objects
    from contender.adapters.ssm_parameters import SsmParameters
    from contender.adapters.telemetry import JsonLines
    from contender.settings import ProfileSettings
    from contender.usecases.measured_against import measured_against, release_in_force

    settings = ProfileSettings.read(environ)
    s3 = boto3.client("s3")
    data, artifacts = S3Objects(s3, settings.data_bucket), S3Objects(s3, settings.artifact_bucket)
    parameters = SsmParameters(boto3.client("ssm"))
    observer = JsonLines(sys.stdout, "profile_object", environ.get("CONTENDER_STAGE", ""))

    def prefix() -> str:
        release = release_in_force(parameters, settings.release_parameter)
        return measured_against(release, data, artifacts, observer)

    return Steps(ProfileMap(data, KeptProfiles(artifacts)), prefix)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, str]:
    """Answers the state machine of ``infra/profile-map.yaml``.

    Args:
        event: ``step`` and what it needs: ``reference`` with ``window``; ``profile`` with
            ``reference_profile`` and ``key``; ``merge`` with ``reference_profile`` and ``window``.
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
        _window(event)  # before hundreds of objects are profiled, or none is found
        return {"profile": _steps().map.reference(_steps().measured_against())}
    if step == "profile":
        return {"profile": _steps().map.profile(_text(event, "reference_profile"), _text(event, "key"))}
    if step == "merge":
        prefix = f"current/{_window(event)}/"
        return {"profile": _steps().map.merge(_text(event, "reference_profile"), prefix)}
    raise BadInput.of("step", f"is {step!r}", "send reference, profile or merge")


def _window(event: Mapping[str, Any]) -> str:
    """Takes no slashes, not even at the ends: the state machine lists the objects by this very text."""
    window = _text(event, "window")
    if "/" in window:
        raise BadInput.of(
            "window", f"is {window!r}", "send the name of a folder in current/, without slashes"
        )
    return window


def _text(event: Mapping[str, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value.strip("/"):
        raise BadInput.of(name, f"is {value!r}", "send a text")
    return value
