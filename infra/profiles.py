"""Deploy profiles, as ``samconfig.toml`` has them: one per stage."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIG = Path(__file__).resolve().parents[1] / "samconfig.toml"


class NoProfile(LookupError):
    """There is no profile of this name; says which there are."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What ``sam deploy`` is told for a stage.

    Attributes:
        name: Name of the profile.
        stack_name: Name of the CloudFormation stack.
        parameters: Parameters of the template that the profile sets, name → value. ``sam`` drops all of
            them as soon as one is given on its command line, so whoever gives one has to give these too.
    """

    name: str
    stack_name: str
    parameters: dict[str, str]


def read_profile(name: str, config: Path = CONFIG) -> Profile:
    """Reads a profile.

    Args:
        name: The profile.
        config: The file.

    Raises:
        NoProfile: The file has none of this name that deploys.
    """
    document: dict[str, Any] = tomllib.loads(config.read_text())
    profiles = [key for key, value in document.items() if isinstance(value, dict) and "deploy" in value]
    if name not in profiles:
        there = ", ".join(sorted(profiles))
        raise NoProfile(
            f"{config.name} has no profile {name!r}; it has {there}. Copy one, and give it a stack_name."
        )
    deploy = document[name]["deploy"]["parameters"]
    parameters = dict(parse_parameter(text) for text in deploy.get("parameter_overrides", []))
    return Profile(name, deploy["stack_name"], parameters)


def parse_parameter(text: str) -> tuple[str, str]:
    """Splits ``Name=value``. Raises ``ValueError`` saying what is expected."""
    name, mark, value = text.partition("=")
    if not mark or not name.isalnum():
        raise ValueError(f"{text!r} is no parameter: write Name=value, without spaces around =")
    return name, value


def as_override(name: str, value: str) -> str:
    """Writes a parameter for ``sam deploy --parameter-overrides``, which splits at spaces outside quotes."""
    escaped = value.replace('"', '\\"')
    return f'{name}="{escaped}"'
