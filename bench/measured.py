"""What a measured process says about itself; standard library only: peers have other environments."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def measured() -> Iterator[dict[str, object]]:
    """Measures a block and prints one JSON line at its end.

    Yields:
        A dict to put answers into; printed with ``seconds`` (wall), ``cpu_s`` (over all threads) and
        ``peak_mb`` (largest resident size of the process so far, imports included).
    """
    answers: dict[str, object] = {}
    wall, cpu = time.perf_counter(), time.process_time()
    yield answers
    seconds = {"seconds": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    print(json.dumps({**seconds, "peak_mb": peak_mb(), **answers}), flush=True)


def peak_mb() -> float:
    """Gives the largest resident size of this process in MB."""
    # ru_maxrss of a fresh process starts at that of its parent; VmHWM does not, but only Linux has it.
    try:
        status = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024 / 1e6
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
