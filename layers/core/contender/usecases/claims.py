"""One at a time: neither MLflow's aliases nor the release parameter can be written on a condition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from contender.errors import Conflict, StoreUnavailable
from contender.experiment_ports import Experiments

ROLLBACK, REGISTRY = "rollback", "registry"
"""Claims: of a rollback against other rollbacks, and of whoever moves aliases, tags and the queue."""
HOLD_S = 60.0
"""How long a claim outlives its owner who dies, in seconds. Renewed before every step, each of which is a few
calls; short, because whoever goes back to an earlier release after that death is in a hurry."""


class Claim:
    """A claim that is held.

    Args:
        experiments: Where claims are.
        name: What is claimed.
        owner: Who claims it; two with the same name share it.
        clock: Epoch seconds.
    """

    def __init__(self, experiments: Experiments, name: str, owner: str, clock: Callable[[], float]) -> None:
        self._experiments = experiments
        self._name = name
        self._owner = owner
        self._clock = clock

    def take(self) -> str:
        """Takes or renews it; gives who else has it, empty when it is taken. Raises ``StoreUnavailable``."""
        now = self._clock()
        return self._experiments.claim(self._name, self._owner, now, now + HOLD_S)

    def keep(self) -> None:
        """Takes or renews it.

        Raises:
            Conflict: When another has it, also one who took it after it had expired.
            StoreUnavailable: When the table does not answer.
        """
        holder = self.take()
        if holder:
            raise Conflict(f"{holder} is at work on the {self._name}")

    @contextmanager
    def held(self) -> Iterator[None]:
        """Gives it back at the end; one that cannot be given back expires. Raises as :meth:`keep`."""
        self.keep()
        try:
            yield
        finally:
            with suppress(StoreUnavailable):
                self._experiments.let_go(self._name, self._owner)
