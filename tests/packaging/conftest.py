"""What `sam build` makes for AWS: the very folders that `sam deploy` zips."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from infra.local import deploy, tools

PROFILE = "prod"


@dataclass(frozen=True)
class Package:
    """A function as Lambda unpacks it.

    Attributes:
        name: Its name in the template.
        code: Folder of its own code (`/var/task`).
        layers: Layer → folder (unpacked over each other into `/opt`).
    """

    name: str
    code: Path
    layers: dict[str, Path]

    @property
    def folders(self) -> dict[str, Path]:
        """Its own folder and its layers', by name."""
        return {self.name: self.code, **self.layers}

    @property
    def path(self) -> list[str]:
        """What Lambda puts on `sys.path` for it."""
        return [str(self.code), *(str(folder / "python") for folder in self.layers.values())]


def function_names() -> list[str]:
    """Every zip function of the template."""
    return [
        name
        for name, one in deploy.read_template()["Resources"].items()
        if one["Type"] == "AWS::Serverless::Function"
    ]


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Package]:
    """Every function of the template, built with layers for Lambda's own Python."""
    env = tools.clean_environment(os.environ)
    log = tmp_path_factory.mktemp("build") / "sam-build.log"
    with deploy.build_folder():
        deploy.build(env, f"test-{secrets.token_hex(8)}", log, PROFILE)
    built = tools.ROOT / ".aws-sam" / PROFILE / "build"
    resources: dict[str, Any] = yaml.safe_load((built / "template.yaml").read_text())["Resources"]
    found = {}
    for name in function_names():
        properties = resources[name]["Properties"]
        layers = [layer["Ref"] for layer in properties.get("Layers", [])]
        found[name] = Package(
            name,
            (built / properties["CodeUri"]).resolve(),
            {layer: built / resources[layer]["Properties"]["ContentUri"] for layer in layers},
        )
    return found
