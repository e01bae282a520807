"""Serves the router in a real Lambda container, by `sam local start-api`, against the running local stack.

Needs a Docker engine. Ctrl-C ends it; the stack stays up.
"""

from __future__ import annotations

import argparse
import secrets
import subprocess
import sys
from collections.abc import Sequence

from infra.local import processes, sam_local, tools
from infra.local.errors import LocalStackError
from scripts.running_stack import running_stack

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
    try:
        print("building for Lambda's own Python …", flush=True)
        prepared = sam_local.prepare(stack, STATE, mark)
        sam_local.reach(stack, mark, STATE / "bridge.log")
        print(f"serving the router of {stack.endpoint_url} on http://127.0.0.1:{options.port}", flush=True)
        print(f"  curl -s http://127.0.0.1:{options.port}/release", flush=True)
        env = {**prepared.env, processes.MARK: mark}
        return subprocess.run(
            prepared.start_api(options.port), env=env, cwd=tools.ROOT, check=False
        ).returncode
    except LocalStackError as error:
        print(f"{error.problem}\n→ {error.next_step}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        processes.stop_marked(mark, grace_s=30.0)  # sam removes its containers at its end


if __name__ == "__main__":
    sys.exit(main())
