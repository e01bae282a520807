"""Builds the training image and pushes it to Amazon ECR under a tag made of its content.

Prints the image's URI for `make deploy`. The same sources give the same tag, and a tag that is already there
is not pushed again. Needs Docker, and AWS credentials that may describe and push to the repository.
"""

from __future__ import annotations

import argparse
import base64
import sys
from collections.abc import Sequence
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError

from contender.adapters._aws import translated
from contender.errors import ContenderError
from infra.local import docker_engine
from infra.local.docker_engine import TRAINING_IMAGE
from infra.local.errors import LocalStackError
from scripts.training_image import build, content_tag

REPOSITORY = "contender-training"


class NoRepository(ContenderError):
    """The repository does not exist."""


def repository_uri(ecr: Any, name: str, create: bool) -> str:
    """Finds a repository.

    Args:
        ecr: A boto3 ECR client.
        name: The repository.
        create: Whether to create it when it is not there: with a scan of every pushed image, and tags that
            never move, so that a deployed URI always means the same image.

    Returns:
        Its URI, without a tag.

    Raises:
        NoRepository: It is not there and was not to be created.
        StoreUnavailable: ECR refuses or does not answer.
    """
    with translated("ecr", f"describe repository {name}"):
        try:
            return str(ecr.describe_repositories(repositoryNames=[name])["repositories"][0]["repositoryUri"])
        except ecr.exceptions.RepositoryNotFoundException:
            if not create:
                raise NoRepository(
                    f"there is no ECR repository {name} in {ecr.meta.region_name}; add --create, or name "
                    "another by --repository"
                ) from None
    with translated("ecr", f"create repository {name}"):
        made = ecr.create_repository(
            repositoryName=name,
            imageTagMutability="IMMUTABLE",
            imageScanningConfiguration={"scanOnPush": True},
            encryptionConfiguration={"encryptionType": "AES256"},
        )
    return str(made["repository"]["repositoryUri"])


def has_tag(ecr: Any, name: str, tag: str) -> bool:
    """Tells whether a repository has a tag. Raises ``StoreUnavailable``."""
    with translated("ecr", f"describe image {name}:{tag}"):
        try:
            answer = ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": tag}])
        except ecr.exceptions.ImageNotFoundException:
            return False
    return bool(answer["imageDetails"])  # some emulators answer an unknown tag with none


def log_in(ecr: Any, uri: str) -> None:
    """Lets the engine push to a repository's registry. Raises ``StoreUnavailable``, ``LocalStackError``."""
    with translated("ecr", "get an authorization token"):
        data = ecr.get_authorization_token()["authorizationData"][0]
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    registry = uri.partition("/")[0]
    docker_engine.run("login", "--username", user, "--password-stdin", registry, given=password)


def push(ecr: Any, name: str, create: bool) -> str:
    """Brings the image of these sources to a repository.

    Args:
        ecr: A boto3 ECR client.
        name: The repository.
        create: Whether to create it when it is not there.

    Returns:
        URI of the image, with its tag.

    Raises:
        NoRepository: It is not there and was not to be created.
        StoreUnavailable: ECR refuses or does not answer.
        LocalStackError: There is no engine, or build, login or push failed.
    """
    tag = content_tag()
    uri = repository_uri(ecr, name, create)
    image = f"{uri}:{tag}"
    if has_tag(ecr, name, tag):
        print(f"{image} is already there", file=sys.stderr)
        return image
    build()
    log_in(ecr, uri)
    docker_engine.run("tag", TRAINING_IMAGE, image)
    docker_engine.run("push", image)
    return image


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program; gives the exit code: 0 done, 1 not done, 130 interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.push_image",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--repository", default=REPOSITORY, help="ECR repository (default: %(default)s)")
    parser.add_argument("--create", action="store_true", help="create the repository if it is not there")
    parser.add_argument("--region", help="AWS region (default: that of your AWS configuration)")
    options = parser.parse_args(argv)
    try:
        image = push(boto3.client("ecr", region_name=options.region), options.repository, options.create)
    except LocalStackError as error:
        print(f"{error.problem}\n→ {error.next_step}", file=sys.stderr)
        return 1
    except (ContenderError, BotoCoreError) as error:
        print(f"push_image: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    print(f'make deploy STAGE=prod PARAMS="TrainingImage={image}"')
    return 0


if __name__ == "__main__":
    sys.exit(main())
