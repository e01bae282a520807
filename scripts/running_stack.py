"""The local stack that runs, for programs that were told of no other."""

from __future__ import annotations

from collections.abc import MutableMapping
from pathlib import Path

from contender.errors import ContenderError
from infra.local.info import StackInfo
from infra.local.stack import find

STATE_ROOT = Path(".contender")
"""Where local stacks keep their state: directly in it, or each in a folder of its own."""

_SAYS_WHERE = ("AWS_ENDPOINT_URL", "CONTENDER_API_URL", "DATA_BUCKET", "ARTIFACT_BUCKET", "AWS_PROFILE")


def running_stack(root: Path = STATE_ROOT) -> StackInfo | None:
    """Finds the local stack that runs, if one does."""
    for state in sorted([*root.glob("state.json"), *root.glob("*/state.json")]):
        info = find(state.parent)
        if info is not None:
            return info
    return None


def adopt_running_stack(environ: MutableMapping[str, str], root: Path = STATE_ROOT) -> bool:
    """Completes an environment that names no stack with the variables of the one that runs here.

    Args:
        environ: Left alone when it already says where AWS, the API or a bucket is.
        root: Where local stacks keep their state.

    Returns:
        Whether there was one to adopt.
    """
    if any(environ.get(name) for name in _SAYS_WHERE):
        return False
    stack = running_stack(root)
    if stack is None:
        return False
    environ.update(stack.env)
    return True


def required(environ: MutableMapping[str, str], name: str) -> str:
    """Reads a variable that a stack's environment has.

    Raises:
        ContenderError: When it is not set, with what to do about it.
    """
    value = environ.get(name, "")
    if not value:
        raise ContenderError(f"{name} is not known: start the local stack with `make up`, or set it")
    return value
