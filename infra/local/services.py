"""The three services of a local stack, and how each is told who the others are."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from infra.local import docker_engine, processes, tools
from infra.local.info import REGION
from infra.local.processes import Service

MAX_TASK_S = 1800.0
"""Longest life of a training task in seconds: several times what a whole demo may take."""
TEMPORARY = "tmp"
"""Folder in the state folder that goes with the stack."""
_START_S = 60.0
"""Longest start of a service in seconds: MLflow takes 5 to 10 on two busy cores."""


class TaskEngine(StrEnum):
    """What runs ECS tasks."""

    PROCESS = "process"
    """A process of this machine: no Docker needed."""
    DOCKER = "docker"
    """A Docker engine, found as every Docker client finds it (DOCKER_HOST)."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a stack lives.

    Attributes:
        state_dir: Its folder.
        mark: Mark of all its processes.
        endpoint_url: Address that the emulator gets.
        mlflow_url: Address that the MLflow server gets.
        env: Environment of its tools, with the emulator as AWS.
    """

    state_dir: Path
    mark: str
    endpoint_url: str
    mlflow_url: str
    env: dict[str, str]

    def start_task_engine(self) -> Service:
        """Starts the process engine and waits until it listens."""
        image_env = {
            "PYTHONPATH": os.pathsep.join(str(tools.ROOT / part) for part in ("layers/core", "training")),
            "PYTHONUNBUFFERED": "1",
            "AWS_REGION": REGION,  # Fargate sets these two
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "NO_PROXY": "127.0.0.1,localhost",
            "OMP_WAIT_POLICY": "PASSIVE",  # idle threads of LightGBM would spin and starve the others
            "MPLBACKEND": "Agg",
            processes.MARK: self.mark,
        }
        command = [
            sys.executable, "-m", "infra.local.task_engine",
            "--socket", str(self.socket), "--work-dir", str(self.state_dir / "tasks"),
            "--python", sys.executable, "--max-seconds", str(MAX_TASK_S),
        ]  # fmt: skip
        for name, value in image_env.items():
            command += ["--env", f"{name}={value}"]
        service = processes.spawn("task engine", command, self.env, self.mark, self.log("task-engine"))
        processes.wait_for(service, self.mark, self.socket.exists, _START_S)
        return service

    def start_emulator(self, engine: TaskEngine) -> Service:
        """Starts the emulator and waits until it answers."""
        # Handlers inherit the emulator's environment: it gets nothing that AWS would not give them.
        env = {
            name: value for name, value in self.env.items() if name in ("PATH", "HOME", "LANG", "NO_PROXY")
        }
        env |= {
            "GATEWAY_PORT": self.endpoint_url.rsplit(":", 1)[1],
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "TMPDIR": str(self.state_dir / TEMPORARY),
            "STATE_DIR": str(self.state_dir / TEMPORARY / "state"),
            # Objects are written as files too, so that reports and models can be read after the end.
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.state_dir / "s3"),
        }
        if engine is TaskEngine.PROCESS:
            env["DOCKER_HOST"] = f"unix://{self.socket}"
        else:
            env["DOCKER_HOST"] = docker_engine.host()
        service = processes.spawn("emulator", [str(tools.MINISTACK)], env, self.mark, self.log("emulator"))
        health = f"{self.endpoint_url}/_ministack/health"
        processes.wait_for(service, self.mark, lambda: processes.answers(health), _START_S)
        return service

    def start_forward(self) -> Service | None:
        """Lets containers reach emulator and MLflow; None where the engine does that by itself."""
        address = docker_engine.bridge_address()
        if address == docker_engine.LOOPBACK:
            return None
        ports = [url.rsplit(":", 1)[1] for url in (self.endpoint_url, self.mlflow_url)]
        command = [sys.executable, "-m", "infra.local.forward", "--address", address, *ports]
        return processes.spawn("bridge", command, self.env, self.mark, self.log("bridge"))

    def start_task_events(self, cluster_arn: str) -> Service:
        """Starts what tells of stopped tasks, which the emulator does not."""
        command = [sys.executable, "-m", "infra.local.task_events"]
        command += ["--endpoint-url", self.endpoint_url, "--cluster", cluster_arn]
        return processes.spawn("task events", command, self.env, self.mark, self.log("task-events"))

    def mlflow_url_for_tasks(self, engine: TaskEngine) -> str:
        """Address by which training tasks reach the MLflow server."""
        if engine is TaskEngine.PROCESS:
            return self.mlflow_url
        return f"http://{docker_engine.HOST}:{self.mlflow_url.rsplit(':', 1)[1]}"

    def start_mlflow(self, artifact_bucket: str) -> Service:
        """Starts the MLflow server, which needs some seconds: see ``wait_for_mlflow``."""
        host, port = self.mlflow_url.removeprefix("http://").split(":")
        command = [
            sys.executable, "-m", "mlflow", "server", "--host", host, "--port", port, "--workers", "1",
            "--backend-store-uri", f"sqlite:///{self.state_dir / 'mlflow' / 'mlflow.db'}",
            "--no-serve-artifacts", "--default-artifact-root", f"s3://{artifact_bucket}/mlflow",
        ]  # fmt: skip
        env = {
            **self.env,
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            # Everything that may stand in a Host header, against DNS rebinding.
            "MLFLOW_SERVER_ALLOWED_HOSTS": f"127.0.0.1:{port},localhost:{port},{docker_engine.HOST}:{port}",
        }
        return processes.spawn("MLflow", command, env, self.mark, self.log("mlflow"))

    def wait_for_mlflow(self, service: Service) -> None:
        """Waits until the MLflow server answers."""
        processes.wait_for(
            service, self.mark, lambda: processes.answers(f"{self.mlflow_url}/health"), _START_S
        )

    @property
    def socket(self) -> Path:
        """Where the process engine listens."""
        inside = self.state_dir / "engine.sock"
        # The system allows 107 bytes for the path of a socket.
        if len(os.fsencode(inside)) < 100:
            return inside
        return Path(tempfile.gettempdir()) / f"contender-{self.mark}.sock"

    def log(self, name: str) -> Path:
        """The log of a service or tool."""
        return self.state_dir / "logs" / f"{name}.log"
