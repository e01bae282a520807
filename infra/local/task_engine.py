"""Lets an emulator run ECS tasks where there is no Docker.

Emulators launch ECS tasks through the Docker Engine API. This program answers the part of that API which
launching, watching and stopping a task needs, on a Unix socket, and runs each container's command as a
process of this machine, with a given Python interpreter (see ``task_processes``).

API: https://docs.docker.com/reference/api/engine/version/v1.41/
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import socketserver
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from infra.local.task_processes import STOP_GRACE_S, Container, Engine, follow_log

API_VERSION = "1.41"


class Handler(BaseHTTPRequestHandler):
    """The HTTP side: one method per call, errors as Docker words them."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Ping, version, containers and their logs."""
        path, query = self._target()
        if path == "/_ping":
            self._send(200, b"OK", "text/plain")
        elif path == "/version":
            self._json(200, {"ApiVersion": API_VERSION, "MinAPIVersion": "1.24", "Version": "process-engine"})
        elif path == "/containers/json":
            self._json(200, self._listing(query))
        elif match := re.fullmatch(r"/images/(.+)/json", path):
            self._json(200, {"Id": f"sha256:{'0' * 64}", "RepoTags": [match[1]]})
        elif container := self._container(path, "json"):
            self._json(200, container.describe())
        elif container := self._container(path, "logs"):
            self._logs(container, query)
        else:
            self._missing(path)

    do_HEAD = do_GET  # noqa: N815 (the base class looks for this name)

    def do_POST(self) -> None:
        """Create, start, wait, stop, kill; a pull of any image succeeds, since none is used."""
        path, query = self._target()
        engine = self.server.engine
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if path == "/images/create":
            self._json(200, {"status": "nothing to pull: tasks run as processes"})
        elif path == "/containers/create":
            created = engine.create(query.get("name", ""), json.loads(body or b"{}"))
            self._json(201, {"Id": created.id, "Warnings": []})
        elif container := self._container(path, "start"):
            engine.start(container)
            self._send(204)
        elif container := self._container(path, "wait"):
            container.done.wait()
            self._json(200, {"StatusCode": container.exit_code, "Error": None})
        elif container := self._container(path, "stop"):
            engine.stop(container, float(query.get("t", STOP_GRACE_S)))
            self._send(204)
        elif container := self._container(path, "kill"):
            engine.kill(container, _signal_number(query.get("signal", "SIGKILL")))
            self._send(204)
        else:
            self._missing(path)

    def do_DELETE(self) -> None:
        """Remove a container."""
        path, _ = self._target()
        if container := self._container(path, ""):
            self.server.engine.remove(container)
            self._send(204)
        else:
            self._missing(path)

    def _target(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        path = re.sub(r"^/v\d+\.\d+(?=/)", "", unquote(parts.path))
        return path, {name: values[-1] for name, values in parse_qs(parts.query).items()}

    def _container(self, path: str, verb: str) -> Container | None:
        match = re.fullmatch(r"/containers/([^/]+)" + (f"/{verb}" if verb else ""), path)
        return self.server.engine.find(match[1]) if match else None

    def _listing(self, query: dict[str, str]) -> list[dict[str, Any]]:
        wanted = json.loads(query.get("filters") or "{}").get("label", [])
        everything = query.get("all", "").lower() in ("1", "true")
        rows = []
        for container in self.server.engine.all():
            labels = container.spec.get("Labels") or {}
            pairs = {*labels, *(f"{name}={value}" for name, value in labels.items())}
            if pairs.issuperset(wanted) and (everything or container.status == "running"):
                rows.append(
                    {
                        "Id": container.id,
                        "Names": [f"/{container.name}"],
                        "Labels": labels,
                        "Image": container.spec.get("Image", ""),
                        "State": container.status,
                    }
                )
        return rows

    def _logs(self, container: Container, query: dict[str, str]) -> None:
        """Frames of a non-terminal log: stream number, three zero bytes, big-endian length, data."""
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.docker.raw-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for data in follow_log(container, query.get("follow", "").lower() in ("1", "true")):
                frame = struct.pack(">BxxxI", 1, len(data)) + data
                self.wfile.write(f"{len(frame):x}\r\n".encode() + frame + b"\r\n")
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")

    def _missing(self, path: str) -> None:
        self._json(404, {"message": f"no such thing here: {self.command} {path}"})

    def _json(self, status: int, document: object) -> None:
        self._send(status, json.dumps(document).encode() + b"\n", "application/json")

    def _send(self, status: int, body: bytes = b"", kind: str = "") -> None:
        self.send_response(status)
        self.send_header("Api-Version", API_VERSION)
        if kind:
            self.send_header("Content-Type", kind)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def address_string(self) -> str:
        """A Unix socket's client has no address."""
        return "local"

    def log_message(self, *_: object) -> None:
        """Calls are not logged: the emulator asks for a task's state ten times a second."""


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """One thread per call; a call that waits does not hold up the end."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, socket_path: str, engine: Engine) -> None:
        super().__init__(socket_path, Handler)
        self.engine = engine


def _signal_number(text: str) -> int:
    if text.isdigit():
        return int(text)
    return signal.Signals[text if text.startswith("SIG") else f"SIG{text}"].value


def main(arguments: list[str] | None = None) -> None:
    """Serves until SIGTERM, then ends every task."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.task_engine", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--socket", required=True, help="path of the Unix socket to listen on")
    parser.add_argument(
        "--work-dir", required=True, type=Path, help="folder for logs and working directories"
    )
    parser.add_argument("--python", default=sys.executable, help="interpreter for tasks (default: this one)")
    parser.add_argument(
        "--max-seconds", default=3600.0, type=float, help="longest life of a task (default: 3600)"
    )
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="what the image would set"
    )
    options = parser.parse_args(arguments)
    options.work_dir.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    base_env = {**kept, **dict(entry.split("=", 1) for entry in options.env)}
    engine = Engine(options.python, options.work_dir, base_env, options.max_seconds)
    Path(options.socket).unlink(missing_ok=True)
    with Server(options.socket, engine) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        end = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: end.set())
        end.wait()
        server.shutdown()
        engine.shut_down()
    Path(options.socket).unlink(missing_ok=True)


if __name__ == "__main__":
    main()
