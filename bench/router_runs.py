"""Who is measured, each run in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from bench.runs import check_ended
from contender.errors import ContenderError
from infra.local import processes
from infra.local.tools import ROOT

PEERS_PYTHON = ROOT / ".venv-bench-models/bin/python"


class Subject(StrEnum):
    """Who is measured."""

    HANDLER = "handler"
    LOGGED = "logged"
    HTTP = "http"
    MODEL = "model"
    COLD = "cold"
    COLD_MODEL = "cold-model"
    SERVE = "mlflow models serve"
    SKLEARN = "sklearn"
    PYFUNC = "pyfunc"
    PYCARET = "pycaret"
    PEER_COLD = "peer-cold"


CALLS: Mapping[Subject, int] = {
    Subject.HANDLER: 5_000,
    Subject.LOGGED: 1_500,
    Subject.HTTP: 3_000,
    Subject.MODEL: 5_000,
    Subject.COLD: 1,
    Subject.COLD_MODEL: 1,
    Subject.SERVE: 1_000,
    Subject.SKLEARN: 1_000,
    Subject.PYFUNC: 500,
    Subject.PYCARET: 30,
    Subject.PEER_COLD: 1,
}
"""Timed calls of each in a round."""

SERVERS = {Subject.HTTP: "contender", Subject.SERVE: "mlflow"}
FRESH = frozenset({Subject.COLD, Subject.COLD_MODEL, Subject.PEER_COLD})
"""Asked about the first row alone."""
PEERS = frozenset({Subject.SKLEARN, Subject.PYFUNC, Subject.PYCARET, Subject.PEER_COLD})
LOGGING = frozenset({Subject.LOGGED, Subject.COLD})
"""Those whose every call is a record in the table."""


class Run(NamedTuple):
    """One run of a process.

    Attributes:
        figures: ``p50_ms`` and ``p99_ms`` of its calls, or ``seconds`` from its start to its answer and
            ``peak_mb``, its largest resident size.
        answers: What it answered about each row.
        rows: How many rows it was to answer about.
        calls: Calls in all, timed and untimed.
        stored: Records that the table has more than before; ``None`` where that was not counted.
    """

    figures: Mapping[str, float]
    answers: Sequence[Any]
    rows: int
    calls: int
    stored: int | None = None


class Medians(NamedTuple):
    """Several runs of one subject.

    Attributes:
        figures: Medians, but of memory the largest.
        runs: The runs.
    """

    figures: Mapping[str, float]
    runs: Sequence[Run]

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Medians:
        """Sums runs up."""
        figures = {
            name: (max if name == "peak_mb" else median)(run.figures[name] for run in runs)
            for name in runs[0].figures
        }
        return cls(figures, tuple(runs))


class Runner:
    """Runs subjects on one folder of model and rows.

    Args:
        folder: What ``bench.router_model`` wrote.
        env: Environment of our processes; the peers get none of our packages.
    """

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.folder, self.env = folder, env
        self._peers = {
            **{name: env[name] for name in ("HOME", "LANG", "NO_PROXY") if name in env},
            "PATH": f"{PEERS_PYTHON.parent}:{env.get('PATH', '')}",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }

    def run(self, subject: Subject, share: float = 1.0) -> Run:
        """Runs a subject once.

        Args:
            subject: Who.
            share: Share of its calls, in (0, 1].

        Raises:
            ContenderError: When the process fails.
        """
        calls = max(1, int(CALLS[subject] * share))
        every = len(json.loads((self.folder / "rows.json").read_text()))
        # Peers that are no servers are asked about no more rows than calls. Timed calls come on top.
        rows = 1 if subject in FRESH else min(calls, every) if subject in PEERS else every
        asked, names = 1 if subject in FRESH else rows + calls, ("p50_ms", "p99_ms")
        if subject in SERVERS:
            with self.server(subject) as (port, _):
                command = [sys.executable, "-m", "bench.router_client", SERVERS[subject], str(port)]
                told = self.told([*command, str(self.folder), str(calls)], self.env)
        else:
            if subject in PEERS:
                peer, env = "cold" if subject is Subject.PEER_COLD else subject.value, self._peers
                command = [str(PEERS_PYTHON), str(ROOT / "bench/router_peers.py"), peer]
            else:
                command, env = [sys.executable, "-m", "bench.router_ours", subject.value], dict(self.env)
            told = self.told([*command, str(self.folder), str(calls)], env)
        if subject in FRESH:
            names = ("seconds", "peak_mb")
        return Run({name: told[name] for name in names}, told["answers"], rows, asked)

    def told(self, command: Sequence[str], env: Mapping[str, str]) -> dict[str, Any]:
        """Runs a process and gives the JSON of its last line, with ``seconds`` from its start to that line.

        Raises:
            ContenderError: When it fails.
        """
        name = Path(command[2 if "-m" in command else 1]).name
        line, answered = "", 0.0
        log = self.folder / "logs" / f"{name}-{uuid.uuid4().hex}.log"
        log.parent.mkdir(exist_ok=True)
        # Into a file: a pipe that nobody reads fills up, and who writes into it waits for ever.
        with log.open("wb") as complaints:
            started = time.monotonic()
            try:
                process = subprocess.Popen(
                    command, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=complaints, text=True
                )
            except OSError as error:
                raise ContenderError(f"{name} does not start: {error}; run `make bench-router`") from error
            with process:
                assert process.stdout is not None
                try:
                    for told in process.stdout:
                        line, answered = told, time.monotonic()
                except BaseException:
                    process.kill()
                    raise
        check_ended(name, process.returncode, log.read_text(errors="replace"))
        try:
            return {"seconds": answered - started, **json.loads(line)}
        except ValueError as error:
            raise ContenderError(f"{name} told nothing: {line[:200]!r}\n{processes.tail(log)}") from error

    @contextmanager
    def server(self, subject: Subject) -> Iterator[tuple[int, Path]]:
        """Starts a server on a free port and ends it orderly.

        Yields:
            Its port, and the file of its output, which is complete afterwards.

        Raises:
            LocalStackError: When it does not start.
        """
        mark, port = uuid.uuid4().hex, processes.free_port()
        log = self.folder / "logs" / f"{SERVERS[subject]}-{port}.log"
        if subject is Subject.SERVE:
            env, path = self._peers, "/ping"
            program = str(PEERS_PYTHON.parent / "mlflow")
            command = [program, "models", "serve", "--env-manager", "local", "--model-uri"]
            command += [str(self.folder / "mlflow"), "--host", "127.0.0.1", "--port", str(port)]
        else:
            env, path = dict(self.env), "/health"
            command = [sys.executable, "-m", "bench.router_ours", "serve", str(self.folder), str(port)]
        try:
            service = processes.spawn(SERVERS[subject], command, env, mark, log)
            url = f"http://127.0.0.1:{port}{path}"
            processes.wait_for(service, mark, lambda: processes.answers(url), seconds=90)
            yield port, log
        finally:
            processes.stop_marked(mark, grace_s=20)
