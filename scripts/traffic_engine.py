"""Runs many HTTP calls a few at a time, and hands each result to the caller's own thread."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

import urllib3

CONNECT_TIMEOUT_S = 5.0
"""A router that does not even accept a connection for so long is down."""

READ_TIMEOUT_S = 60.0
"""Longer than API Gateway's own limit of 29 s, so that its answer is seen rather than ours."""

T = TypeVar("T")
R = TypeVar("R")


def drive(
    items: Iterable[T],
    call: Callable[[urllib3.PoolManager, int, T], R],
    concurrency: int,
    on_result: Callable[[R], None] | None,
    rate: float | None,
) -> list[R]:
    """Runs one call per item.

    Args:
        items: Taken one by one, each when a thread is free for it.
        call: Gets a pool of kept connections, the item's place from 0, and the item. Runs in a thread.
        concurrency: Calls under way at once, at least 1.
        on_result: Gets each result in this thread, in the order in which they come; ends the run by raising.
        rate: Most calls started per second; no limit by default.

    Returns:
        The results, in the order in which they came.

    Raises:
        ValueError: When ``concurrency`` or ``rate`` is too small.
        KeyboardInterrupt: After the calls under way are done and ``on_result`` has seen them.
    """
    if concurrency < 1:
        raise ValueError(f"concurrency is {concurrency}; give at least 1")
    if rate is not None and not rate > 0:
        raise ValueError(f"rate is {rate}; give a number above 0")
    source = enumerate(items)
    taking = threading.Lock()
    stop = threading.Event()
    results: queue.SimpleQueue[R | _End] = queue.SimpleQueue()
    started = time.perf_counter()
    # Nothing is retried: a prediction that was made but whose answer was lost would be logged twice.
    pool = urllib3.PoolManager(
        num_pools=1,
        maxsize=concurrency,
        block=True,
        retries=False,
        timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_S, read=READ_TIMEOUT_S),
    )

    def work() -> None:
        error: BaseException | None = None
        try:
            while not stop.is_set():
                with taking:
                    taken = next(source, None)
                if taken is None:
                    break
                index, item = taken
                if rate is not None and stop.wait(max(0.0, started + index / rate - time.perf_counter())):
                    break
                results.put(call(pool, index, item))
        except BaseException as caught:
            error = caught
        results.put(_End(error))

    done: list[R] = []

    def take(result: R) -> None:
        done.append(result)
        if on_result is not None:
            on_result(result)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(concurrency)]
    running = concurrency
    try:
        with _ending_on_ctrl_c(stop) as interrupted:
            for worker in workers:
                worker.start()
            while running:
                result = results.get()
                if not isinstance(result, _End):
                    take(result)
                elif result.error is not None:
                    raise result.error
                else:
                    running -= 1
        if interrupted.is_set():
            raise KeyboardInterrupt
    finally:
        stop.set()
        for worker in workers:
            if worker.ident is not None:
                worker.join()
        pool.clear()
    return done


class _End:
    """A worker's last word, with what stopped it if it did not run out of items."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


@contextmanager
def _ending_on_ctrl_c(stop: threading.Event) -> Iterator[threading.Event]:
    """Lets a first Ctrl-C end the calls in good order, so that no result is lost; a second ends at once.

    Args:
        stop: Set by the first.

    Yields:
        Set when it came.
    """
    interrupted = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield interrupted
        return

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()
        if interrupted.is_set():
            before(number, frame)
        interrupted.set()

    signal.signal(signal.SIGINT, end)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
