"""Builds the training container's image and says how large it is: `make image`.

The image is the same for every stage; `python -m scripts.push_image` brings it to a registry.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from infra.local import docker_engine
from infra.local.docker_engine import TRAINING_IMAGE
from infra.local.errors import LocalStackError
from infra.local.tools import ROOT

DOCKERFILE = Path("training/Dockerfile")
CONTENT = ("training/requirements.txt", "training/trainer", "layers/core/contender")
"""What the Dockerfile copies; .dockerignore lets nothing else into the build."""
DIGITS = 16
"""Hex digits of a tag: more images than anyone keeps, without two alike."""


def content_files(root: Path = ROOT) -> Iterator[Path]:
    """Every file that the image depends on, relative to the project, in a fixed order.

    Args:
        root: The project's folder.
    """
    yield DOCKERFILE
    for part in CONTENT:
        found = [root / part] if (root / part).is_file() else (root / part).rglob("*")
        for path in sorted(found):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(root)


def content_tag(root: Path = ROOT) -> str:
    """Names what goes into the image: the same files always give the same tag.

    Base image and transitive packages are not part of it: a tag says which sources an image was built from.

    Args:
        root: The project's folder.

    Returns:
        ``DIGITS`` hex digits.
    """
    digest = sha256()
    for path in content_files(root):
        content = (root / path).read_bytes()
        digest.update(f"{path.as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:DIGITS]


def build(root: Path = ROOT) -> None:
    """Builds :data:`TRAINING_IMAGE`, with the engine's own output.

    Raises:
        LocalStackError: There is no engine, or the build failed.
    """
    docker_engine.require_engine()
    docker_engine.run("build", "--file", str(root / DOCKERFILE), "--tag", TRAINING_IMAGE, str(root))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program; gives the exit code."""
    argparse.ArgumentParser(
        prog="python -m scripts.training_image",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args(argv)
    start = time.monotonic()
    try:
        build()
        megabytes = docker_engine.image_bytes(TRAINING_IMAGE) / 1e6
    except LocalStackError as error:
        print(f"{error.problem}\n→ {error.next_step}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    seconds = time.monotonic() - start
    print(f"{TRAINING_IMAGE}: {megabytes:,.0f} MB, content {content_tag()}, ready after {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
