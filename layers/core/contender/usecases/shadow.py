"""The other variant's answer to the same request: logged beside the one that was served, never served."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from contender.domain.assignment import Variant
from contender.domain.dataset import FeatureValue
from contender.domain.records import ShadowAnswer
from contender.ports import Model, Observer
from contender.usecases.scoring import finite
from contender.usecases.serving import Snapshot

LIMIT_S = 0.025
"""How long an answer may wait for its shadow, in seconds: a thousand times what a model usually takes, and a
quarter of what a caller notices."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""How long nothing is asked after a shadow that was too slow, in seconds; doubled each time that the next one
is too slow again. A hiccup of the machine costs one second of shadows, a model that is always slow delays
one answer a minute."""


class Shadowed(NamedTuple):
    """What came of asking.

    Attributes:
        answer: The other variant's; ``None`` when it was not asked, failed, or was too slow.
        ms: How long the request waited for it, in milliseconds; ``None`` when it was not asked.
    """

    answer: ShadowAnswer | None
    ms: float | None


NOT_ASKED = Shadowed(None, None)


class Shadow:
    """Scores a row with the variant that did not serve it, within a time limit.

    It runs in a thread of its own, because that alone can be left behind: a model inside native code cannot
    be stopped. Whatever goes wrong is reported and counted, and the answer goes out without a shadow.

    Args:
        observer: Where failing and slow shadows are reported.
        limit_s: Longest wait in seconds.
        clock: Monotonic seconds.
    """

    def __init__(
        self, observer: Observer, limit_s: float = LIMIT_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._observer = observer
        self._limit_s = limit_s
        self._clock = clock
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="shadow")
        self._pause_s = FIRST_PAUSE_S
        self._paused_until = float("-inf")

    def __call__(self, snapshot: Snapshot, served: Variant, row: Mapping[str, FeatureValue]) -> Shadowed:
        """Asks the other variant.

        Args:
            snapshot: What served the request.
            served: The variant that answered it.
            row: Its features; not changed.

        Returns:
            The other answer, if there is one; this never raises.
        """
        model = snapshot.models.get(served.other)
        started = self._clock()
        if model is None or snapshot.release is None or started < self._paused_until:
            return NOT_ASKED
        answer = None
        try:
            version = snapshot.release.variants[served.other].model_version
            waiting = self._pool.submit(_ask, model, served.other, version, row)
            answer = waiting.result(timeout=self._limit_s)
            self._pause_s = FIRST_PAUSE_S
        except TimeoutError:
            waiting.cancel()
            self._paused_until = self._clock() + self._pause_s
            self._observer.problem(
                "shadow_slow",
                f"{served.other}: no answer within {self._limit_s * 1000:g} ms; none is asked for "
                f"{self._pause_s:g} s",
            )
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        except Exception as error:  # whatever it is, the answer that was promised goes out
            self._observer.problem("shadow_failed", f"{served.other}: {error}")
        return Shadowed(answer, round((self._clock() - started) * 1000, 4))


def _ask(model: Model, variant: Variant, version: str, row: Mapping[str, FeatureValue]) -> ShadowAnswer:
    prediction = finite(model.predict_one(row))
    return ShadowAnswer(variant.value, version, prediction.value, prediction.probabilities)
