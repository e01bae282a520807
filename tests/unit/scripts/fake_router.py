"""A router of a few lines, on a real socket of this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any]


class FakeRouter:
    """Remembers what it was sent.

    Attributes:
        url: Its address.
        requests: Path and body of each request, in the order of arrival.
        connections: Client ports that were seen.
    """

    def __init__(self, answer: Callable[[str, Any, int], Answer]) -> None:
        self.requests: list[tuple[str, Any]] = []
        self.connections: set[int] = set()
        self.url = ""
        self._answer = answer
        self._lock = threading.Lock()

    def handle(self, path: str, body: Any, port: int) -> Answer:
        with self._lock:
            number = len(self.requests)
            self.requests.append((path, body))
            self.connections.add(port)
        return self._answer(path, body, number)

    def bodies(self, path: str) -> list[Any]:
        return [body for where, body in self.requests if where == path]


def usual(path: str, body: Any, number: int) -> Answer:
    """Answers as the router's contract says: every fifth to B."""
    if path.endswith("/feedback"):
        return 204, None
    variant, model = ("B", "challenger") if number % 5 == 4 else ("A", "champion")
    return 200, {
        "request_id": f"r{number}",
        "variant": variant,
        "prediction": 1,
        "probabilities": {"0": 0.25, "1": 0.75},
        "model_version": "1",
        "model_used": model,
    }


@contextmanager
def running(answer: Callable[[str, Any, int], Answer] = usual) -> Iterator[FakeRouter]:
    """Serves until the block ends."""
    router = FakeRouter(answer)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            status, document = router.handle(
                self.path, json.loads(self.rfile.read(length)), self.client_address[1]
            )
            content = b"" if document is None else json.dumps(document).encode()
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    router.url = f"http://127.0.0.1:{server.server_port}/stage"
    try:
        yield router
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
