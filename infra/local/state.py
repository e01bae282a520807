"""The state file of a stack: enough to find it again, and to end it after a crash."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import psutil

from infra.local import processes
from infra.local.info import StackInfo
from infra.local.processes import Service
from infra.local.services import TaskEngine


@dataclass(frozen=True, slots=True)
class Owner:
    """A process without which a stack is of no use.

    Attributes:
        pid: Its process id.
        born: When it started, in seconds since the epoch; tells it from a later process of the same id.
    """

    pid: int
    born: float

    @classmethod
    def this_process(cls) -> Owner:
        """The process that asks."""
        return cls(os.getpid(), psutil.Process().create_time())

    def is_alive(self) -> bool:
        """Whether this very process still runs."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.born) < 1.0  # s; the clock may have been set since
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.Error:
            return False


@dataclass(frozen=True, slots=True)
class State:
    """What the state file says.

    Attributes:
        mark: Mark of all the stack's processes.
        owner: Who starts it or, later, who uses it; None if it stays until someone takes it down.
        services: What runs all the time.
        info: Names and addresses, once it is deployed.
        engine: What runs its tasks.
    """

    mark: str
    owner: Owner | None
    services: tuple[Service, ...] = ()
    info: StackInfo | None = None
    engine: TaskEngine = TaskEngine.PROCESS

    def deployed(self, services: list[Service], info: StackInfo, keep: bool) -> State:
        """The same stack, ready. ``keep``: it outlives its owner."""
        return replace(self, services=tuple(services), info=info, owner=None if keep else self.owner)

    def is_starting(self) -> bool:
        """Whether someone is starting it right now."""
        return self.info is None and self.owner is not None and self.owner.is_alive()

    def is_up(self) -> bool:
        """Whether it is deployed, all its services run, and its owner, if it has one, is there."""
        owned = self.owner is None or self.owner.is_alive()
        return (
            self.info is not None
            and owned
            and all(processes.is_alive(one, self.mark) for one in self.services)
        )

    def write(self, state_dir: Path) -> None:
        """Replaces the state file at once: a reader never sees half of it."""
        document = {
            "mark": self.mark,
            "owner": {"pid": self.owner.pid, "born": self.owner.born} if self.owner else None,
            "services": [{"name": one.name, "pid": one.pid, "log": str(one.log)} for one in self.services],
            "info": self.info.to_json() if self.info else None,
            "engine": self.engine.value,
        }
        new = state_dir / "state.json.new"
        new.write_text(json.dumps(document, indent=2))
        new.replace(_path(state_dir))

    @classmethod
    def read(cls, state_dir: Path) -> Self | None:
        """None if there is no state file, or none that can be read."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            document: dict[str, Any] = json.loads(_path(state_dir).read_text())
            return cls(
                mark=document["mark"],
                owner=Owner(**document["owner"]) if document["owner"] else None,
                services=tuple(Service(x["name"], x["pid"], Path(x["log"])) for x in document["services"]),
                info=StackInfo.from_json(document["info"]) if document["info"] else None,
                engine=TaskEngine(document["engine"]),
            )
        return None

    @staticmethod
    def forget(state_dir: Path) -> None:
        """Removes the state file."""
        _path(state_dir).unlink(missing_ok=True)


def _path(state_dir: Path) -> Path:
    return state_dir / "state.json"
