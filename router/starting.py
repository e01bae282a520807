"""How a worker starts that somebody waits for."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Keeps the garbage collector away while things are made that stay as long as the process.

    Modules, clients and the descriptions of their services are a hundred thousand objects. The collector
    looks through them again and again as they become more, finds next to nothing, and takes a seventh of a
    cold start for it. Afterwards they are set aside for good (:func:`gc.freeze`), or the first collection
    would look through all of them at once. Where the collector is off already, nothing is done.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
