"""What a local stack needs of a Docker engine, asked for through the ``docker`` command."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from ipaddress import ip_network

from infra.local.errors import LocalStackError
from infra.local.info import REGION

TRAINING_IMAGE = "contender-training:local"
"""What `make image` builds."""
HOST = "host.docker.internal"
"""Name by which a container reaches this machine; the emulator gives it to the tasks that it starts."""
STACK_LABEL = "contender.stack"
"""Label of a stack's image, and so of its containers: the stack's mark."""
LOOPBACK = "127.0.0.1"
_TALK_S = 60.0
"""Longest wait for the engine, in seconds; none of these calls moves much data."""


_NO_COMMAND = LocalStackError(
    "There is no `docker` command on this machine.",
    "Install Docker. `make demo` and `make up` go without: leave ENGINE=docker out.",
)


def require_engine() -> None:
    """Checks that an engine answers.

    Raises:
        LocalStackError: There is no ``docker`` command, or no engine behind it.
    """
    _docker("version", "--format", "{{.Server.Version}}")


def require_image(image: str = TRAINING_IMAGE) -> None:
    """Checks that the engine has an image.

    Raises:
        LocalStackError: It has not, or there is no engine.
    """
    require_engine()
    if not has_image(image):
        raise LocalStackError(f"There is no image {image} on this machine.", "Build it first: `make image`.")


def has_image(image: str) -> bool:
    """Whether the engine has an image of that name."""
    return bool(_docker("images", "--quiet", image))


def host() -> str:
    """Where the engine listens, as DOCKER_HOST would say it."""
    return _docker("context", "inspect", "--format", "{{.Endpoints.docker.Host}}")


def bridge_address() -> str:
    """Address of this machine on which containers reach it.

    Returns:
        The gateway of the engine's default network where that is an address of this machine (Linux);
        127.0.0.1 where it is not: Docker Desktop leads ``host.docker.internal`` there by itself.
    """
    configured = json.loads(_docker("network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}"))
    for one in configured or []:
        # Not every engine says what the gateway is; it is the first address of the network then.
        gateway = one.get("Gateway") or str(ip_network(one["Subnet"])[1])
        if ":" not in gateway and _is_ours(gateway):
            return gateway
    return LOOPBACK


def _is_ours(address: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def image_for_stack(mark: str) -> str:
    """Makes the image that a stack's tasks run: the training image with what only an emulator needs.

    AWS hands a task its role's credentials, and S3 has a name for every bucket. The emulator's tasks
    get the credentials from an address that boto3 does not trust, and no bucket has a host name.

    Args:
        mark: The stack's mark, which image and containers carry as a label.

    Returns:
        The image's name.
    """
    name = f"contender-training:stack-{mark}"
    settings = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE": "path",
    }
    lines = [
        f"FROM {TRAINING_IMAGE}",
        f"LABEL {STACK_LABEL}={mark}",
        *(f"ENV {variable}={value}" for variable, value in settings.items()),
        r"RUN mkdir -p ~/.aws && printf '[default]\ns3 =\n  addressing_style = path\n' > ~/.aws/config",
    ]
    _docker("build", "--quiet", "--tag", name, "-", given="\n".join(lines))
    return name


def remove_stack(mark: str) -> None:
    """Removes the containers and the image of a stack; an engine that is gone has none."""
    try:
        containers = _docker("ps", "--all", "--quiet", "--filter", f"label={STACK_LABEL}={mark}").split()
        if containers:
            _docker("rm", "--force", "--volumes", *containers)
        images = _docker("images", "--quiet", "--filter", f"label={STACK_LABEL}={mark}").split()
        if images:
            _docker("rmi", "--force", *images)
    except LocalStackError:
        return


def container_of(task_arn: str) -> str | None:
    """Id of the container in which a task runs; None when none does."""
    found = _docker("ps", "--quiet", "--filter", f"label=com.amazonaws.ecs.task-arn={task_arn}").split()
    return found[0] if found else None


def kill(container: str) -> None:
    """Kills a container as ``kill -9`` would."""
    _docker("kill", "--signal", "KILL", container)


def image_bytes(image: str) -> int:
    """Size of an image, unpacked, as ``docker images`` gives it."""
    return int(_docker("image", "inspect", "--format", "{{.Size}}", image))


def run(*arguments: str, given: str | None = None) -> None:
    """Runs a ``docker`` command of any length, whose output the person sees.

    Args:
        arguments: After ``docker``.
        given: Its input.

    Raises:
        LocalStackError: It failed.
    """
    try:
        done = subprocess.run(["docker", *arguments], input=given, text=True, check=False)
    except FileNotFoundError:
        raise _NO_COMMAND from None
    if done.returncode:
        raise LocalStackError(
            f"`docker {arguments[0]}` failed with exit code {done.returncode}.", "Its output above says why."
        )


def _docker(*arguments: str, given: str | None = None) -> str:
    try:
        done = subprocess.run(
            ["docker", *arguments], input=given, capture_output=True, text=True, timeout=_TALK_S, check=False
        )
    except FileNotFoundError:
        raise _NO_COMMAND from None
    except subprocess.TimeoutExpired:
        raise LocalStackError(
            f"The Docker engine did not answer within {_TALK_S:g} s.",
            "Start it again: `docker info` must work.",
        ) from None
    if done.returncode:
        reason = re.sub(r"\s+", " ", done.stderr).strip()[-500:]
        raise LocalStackError(
            f"`docker {' '.join(arguments[:2])}` failed: {reason}",
            "`docker info` must work. `make demo` and `make up` go without: leave ENGINE=docker out.",
        )
    return done.stdout.strip()
