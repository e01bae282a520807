"""What can go wrong with the local stack."""

from __future__ import annotations


class LocalStackError(Exception):
    """The local stack cannot do what was asked.

    Args:
        problem: What is wrong.
        next_step: What to do about it.
    """

    def __init__(self, problem: str, next_step: str) -> None:
        super().__init__(f"{problem}\n{next_step}")
        self.problem = problem
        self.next_step = next_step


class AlreadyUp(LocalStackError):
    """A stack already runs in this state folder."""
