"""Serves the router in a real Lambda container, by `sam local start-api`, against the running local stack.

Needs a Docker engine. Ctrl-C ends it; the stack stays up.
"""

from __future__ import annotations

import argparse
import contextlib
import secrets
import signal
import subprocess
import sys
from collections.abc import Sequence

from infra.local import processes, sam_local, tools
from infra.local.errors import LocalStackError
from scripts.running_stack import running_stack

CLEAN_UP_S = 30.0
"""How long sam may take at its end, in seconds: it stops and removes its containers."""
STATE = tools.ROOT / ".contender" / "sam-local"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the program; gives the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.sam_local",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=3000, help="port of 127.0.0.1 (default: %(default)s)")
    options = parser.parse_args(argv)
    stack = running_stack()
    if stack is None:
        print("No local stack is running.\n→ Start one first: `make up`.", file=sys.stderr)
        return 1
    mark = secrets.token_hex(8)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        print("building for Lambda's own Python …", flush=True)
        prepared = sam_local.prepare(stack, STATE, mark)
        sam_local.reach(stack, mark, STATE / "bridge.log")
        print(f"serving the router of {stack.endpoint_url} on http://127.0.0.1:{options.port}", flush=True)
        print(f"  curl -s http://127.0.0.1:{options.port}/release", flush=True)
        env = {**prepared.env, processes.MARK: mark}
        return _serve(prepared.start_api(options.port), env)
    except LocalStackError as error:
        print(f"{error.problem}\n→ {error.next_step}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        processes.stop_marked(mark, grace_s=CLEAN_UP_S)


def _serve(command: Sequence[str], env: dict[str, str]) -> int:
    with subprocess.Popen(command, env=env, cwd=tools.ROOT) as sam:
        try:
            return sam.wait()
        except KeyboardInterrupt:
            # Ctrl-C reached sam as well; another signal would disturb it while it cleans up.
            with contextlib.suppress(subprocess.TimeoutExpired):
                sam.wait(CLEAN_UP_S)
            raise
        finally:
            sam.terminate()


if __name__ == "__main__":
    sys.exit(main())
