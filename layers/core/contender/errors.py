"""Every error that Contender raises on purpose.

::

    ContenderError
    ├── BadInput            what a caller sent is wrong; names each field and its fix
    ├── NotFound            the thing asked for does not exist
    ├── NotYet              the thing asked for may be on its way; ask again later
    ├── Conflict            the thing exists in a state that forbids the change
    ├── NoModel             no variant can serve
    ├── ModelUnusable       a model file is corrupt, too large, or not of the agreed face
    ├── StoreUnavailable    S3, DynamoDB, SSM, ECS or MLflow refused or did not answer
    └── TrainingFailed      no candidate survived, or the data cannot be trained on

Adapters translate what their libraries raise into these; nobody else sees a botocore error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input.

    Attributes:
        field: Path of the offending field, as the caller wrote it (``features.dep_delay``).
        reason: What is wrong with it, in one clause.
        fix: What to send instead, in one clause.
    """

    field: str
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}; {self.fix}"


class ContenderError(Exception):
    """Base of all errors raised on purpose."""


class BadInput(ContenderError):
    """Something a caller sent is wrong.

    Attributes:
        problems: At least one problem, in the order of the input's fields.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        if not problems:
            raise ValueError("BadInput needs at least one problem")
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))

    @classmethod
    def of(cls, field: str, reason: str, fix: str) -> BadInput:
        """Shorthand for a single problem."""
        return cls([Problem(field, reason, fix)])


class NotFound(ContenderError):
    """The thing asked for does not exist."""


class NotYet(ContenderError):
    """The thing asked for is not there, but may be on its way: asking again later may find it."""


class Conflict(ContenderError):
    """The thing exists in a state that forbids the change."""


class NoModel(ContenderError):
    """No variant can serve; the message says why."""


class ModelUnusable(ContenderError):
    """A model file is corrupt, too large, or lacks the agreed inputs and outputs."""


class StoreUnavailable(ContenderError):
    """A service behind an adapter refused or did not answer.

    Attributes:
        service: Which one (``s3``, ``dynamodb``, ``ssm``, ``ecs``, ``mlflow``).
    """

    def __init__(self, service: str, detail: str) -> None:
        self.service = service
        super().__init__(f"{service}: {detail}")


class TrainingFailed(ContenderError):
    """No candidate survived the search, or the data cannot be trained on."""
