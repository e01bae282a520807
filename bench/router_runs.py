"""Who is measured, each run in a fresh process, and whether all of them gave the same answers."""

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

from contender.errors import ContenderError
from infra.local import processes
from infra.local.tools import ROOT

PEERS_PYTHON = ROOT / ".venv-bench-models/bin/python"
PROBABILITY_TOLERANCE = 1e-5
"""Largest difference of a probability, as in the training's own comparison."""


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


class Run(NamedTuple):
    """One run of a process, or the medians of several.

    Attributes:
        figures: ``p50_ms`` and ``p99_ms`` of its calls, or ``seconds`` from its start to its answer and
            ``peak_mb``, its largest resident size.
        answers: What it answered about each row.
    """

    figures: Mapping[str, float]
    answers: Sequence[Any]


def medians(runs: Sequence[Run]) -> Run:
    """Sums runs of one subject up: medians, but for memory the largest; the answers of the last."""
    return Run(
        {
            name: (max if name == "peak_mb" else median)(run.figures[name] for run in runs)
            for name in runs[0].figures
        },
        runs[-1].answers,
    )


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
        if subject in SERVERS:
            with self.server(subject) as (port, _):
                command = [sys.executable, "-m", "bench.router_client", SERVERS[subject], str(port)]
                return _timed(self.told([*command, str(self.folder), str(calls)], self.env))
        if subject in (Subject.SKLEARN, Subject.PYFUNC, Subject.PYCARET, Subject.PEER_COLD):
            peer = "cold" if subject is Subject.PEER_COLD else subject.value
            command = [str(PEERS_PYTHON), str(ROOT / "bench/router_peers.py"), peer]
            env = self._peers
        else:
            command, env = [sys.executable, "-m", "bench.router_ours", subject.value], self.env
        told = self.told([*command, str(self.folder), str(calls)], env)
        return _started(told) if "peak_mb" in told else _timed(told)

    def told(self, command: Sequence[str], env: Mapping[str, str]) -> dict[str, Any]:
        """Runs a process and gives the JSON of its last line, with ``seconds`` from its start to that line.

        Raises:
            ContenderError: When it fails.
        """
        name, started, line, answered = (
            Path(command[2 if "-m" in command else 1]).name,
            time.monotonic(),
            "",
            0.0,
        )
        try:
            with subprocess.Popen(
                command, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            ) as process:
                assert process.stdout is not None
                assert process.stderr is not None
                for told in process.stdout:
                    line, answered = told, time.monotonic()
                complaint = process.stderr.read()
            if process.returncode:
                raise ContenderError(f"{name} failed:\n{complaint[-2000:]}")
            return {"seconds": answered - started, **json.loads(line)}
        except OSError as error:
            raise ContenderError(f"{name} does not start: {error}; run `make bench-router`") from error
        except ValueError as error:
            raise ContenderError(f"{name} told nothing: {line[:200]!r}\n{complaint[-2000:]}") from error

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


def _timed(told: Mapping[str, Any]) -> Run:
    return Run({name: told[name] for name in ("p50_ms", "p99_ms")}, told["answers"])


def _started(told: Mapping[str, Any]) -> Run:
    return Run({name: told[name] for name in ("seconds", "peak_mb")}, told["answers"])


def disagreements(found: Mapping[Subject, Run]) -> list[str]:
    """Compares the answers of all subjects about each row.

    Args:
        found: Subject → its runs; the handler among them.

    Returns:
        What differs, in words. Empty when every label is the handler's and every probability lies within
        ``PROBABILITY_TOLERANCE`` of the handler's.
    """
    rows = _plain(Subject.HANDLER, found[Subject.HANDLER].answers)
    wrong = []
    for subject, run in found.items():
        answers = _plain(subject, run.answers)
        labels = sum(mine[0] != its[0] for mine, its in zip(rows, answers, strict=False))
        apart = max(
            (abs(mine[1] - its[1]) for mine, its in zip(rows, answers, strict=False) if its[1] is not None),
            default=0.0,
        )
        if labels:
            wrong.append(f"{subject} gives another label for {labels} of {len(answers)} rows")
        if not apart <= PROBABILITY_TOLERANCE:
            wrong.append(f"{subject} gives probabilities that are up to {apart:.2g} apart")
    return wrong


def _plain(subject: Subject, answers: Sequence[Any]) -> list[tuple[int, float | None]]:
    """Label, and the probability of class 1 where the subject tells it."""
    if subject in (Subject.HANDLER, Subject.LOGGED, Subject.HTTP, Subject.COLD):
        return [(answer["prediction"], answer["probabilities"]["1"]) for answer in answers]
    if subject in (Subject.MODEL, Subject.COLD_MODEL):
        return [(value, probabilities["1"]) for value, probabilities in answers]
    if subject is Subject.SKLEARN:
        return [(int(row[0][1] > row[0][0]), row[0][1]) for row in answers]
    if subject is Subject.SERVE:
        return [(answer["predictions"][0], None) for answer in answers]
    return [(answer[0] if isinstance(answer, list) else answer, None) for answer in answers]
