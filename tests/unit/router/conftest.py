from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from contender.adapters.telemetry import JsonLines
from tests.support.gateway import Reply, lambda_reply, rest_event
from tests.support.world import ROW, World, release_of
from webapp.app import Services, create_app

HANDLER = Path(__file__).parents[3] / "router" / "handler.py"

Send = Callable[..., Reply]

BODY = {"features": ROW, "unit_id": "user-1"}


class Router:
    """The app on fakes, reached by Flask's client and by the Lambda handler, with its log at hand."""

    def __init__(self) -> None:
        self.world = World()
        self.output = io.StringIO()
        observer = JsonLines(self.output, "router", "test")
        self.app = create_app(Services(self.world.serving, self.world.predict, self.world.feedback, observer))
        spec = importlib.util.spec_from_file_location("router_handler", HANDLER)
        assert spec is not None
        assert spec.loader is not None
        self.handler: ModuleType = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.handler)
        self.handler._app = lambda: self.app  # type: ignore[attr-defined]

    def by_flask(self, method: str, path: str, body: Any = None, **more: Any) -> Reply:
        """Sends by Flask's test client; a body that is neither bytes nor text is written as JSON."""
        response = self.app.test_client().open(path, method=method, data=_written(body), **more)
        return Reply(response.status_code, dict(response.headers), response.data)

    def by_lambda(self, method: str, path: str, body: Any = None, **changes: Any) -> Reply:
        """Sends by an API Gateway event."""
        return self.invoke(rest_event(method, path, _written(body), **changes))

    def invoke(self, event: dict[str, Any]) -> Reply:
        """Sends an event as it is."""
        return lambda_reply(self.handler.handler(event, None))

    def lines(self) -> list[dict[str, Any]]:
        """Reads the log since the last call; every line must be a JSON object."""
        text = self.output.getvalue()
        self.output.seek(0)
        self.output.truncate()
        lines = [json.loads(line) for line in text.splitlines()]
        assert all(isinstance(line, dict) for line in lines)
        return lines


def _written(body: Any) -> Any:
    return body if body is None or isinstance(body, bytes | str) else json.dumps(body)


@pytest.fixture
def router() -> Router:
    router = Router()
    router.world.publish(release_of())
    return router


@pytest.fixture
def empty_router() -> Router:
    return Router()


@pytest.fixture(params=["flask", "lambda"])
def send(request: pytest.FixtureRequest, router: Router) -> Send:
    return router.by_flask if request.param == "flask" else router.by_lambda
