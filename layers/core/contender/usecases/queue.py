"""One experiment at a time: what a new model does that is ready while another is being tried."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from contender.domain.assignment import Variant
from contender.domain.release import ALIASES, release_key
from contender.errors import NotFound
from contender.experiment_ports import Experiments
from contender.ports import Parameters, Registry, read_parameter

QUEUE = "queue"
"""Tag of a version that has passed its gate."""
WAITING, CHALLENGING = "waiting", "challenging"
PASSED_OVER, REPLACED, PROMOTED, RETIRED = "passed_over", "replaced", "promoted", "retired"
WITHDRAWN = "withdrawn"
"""Of one that served until a person went back to an earlier release."""
STATES = (WAITING, CHALLENGING, PASSED_OVER, REPLACED, PROMOTED, RETIRED, WITHDRAWN)
MOVED_BY = "queue_moved_by"
"""Tag beside it: the experiment whose end moved it, so that an end that is called off can be undone."""
BY_HAND = "by hand"
CHAMPION, CHALLENGER = ALIASES[Variant.A], ALIASES[Variant.B]


class QueueRule(StrEnum):
    """What a new model does while another is being tried."""

    WAIT = "wait"
    """It waits until the experiment has ended; of several the newest comes next."""
    REPLACE = "replace"
    """It takes the other's place, whose experiment ends without a verdict."""


class Placed(NamedTuple):
    """Where a new model was put.

    Attributes:
        challenges: Whether it is the challenger now.
        replaced: Version whose experiment ended thereby; empty without one.
        waits_for: Version whose experiment it waits for; empty when it does not wait.
    """

    challenges: bool
    replaced: str = ""
    waits_for: str = ""


def enter(registry: Registry, version: str, rule: QueueRule, stopped: bool) -> Placed:
    """Gives a new model its place.

    Args:
        registry: Its alias ``challenger`` says whether another is being tried.
        version: The new model, which has passed its gate.
        rule: What it does then.
        stopped: Whether that experiment was stopped by a guardrail: it gets no traffic and can have no
            verdict any more, so nobody waits for it.

    Returns:
        Where it is. Doing it again changes nothing.

    Raises:
        StoreUnavailable: When the registry does not answer.
    """
    tried = being_tried(registry)
    if tried in ("", version) or rule is QueueRule.REPLACE or stopped:
        return Placed(challenges=True, replaced=_try(registry, version, tried))
    registry.tag(version, {QUEUE: WAITING})
    # The experiment may have ended before the tag was there, so that nobody found it: look once more.
    if not being_tried(registry):
        return Placed(challenges=True, replaced=_try(registry, version, ""))
    return Placed(challenges=False, waits_for=tried)


def is_stopped(experiments: Experiments, parameters: Parameters, release_parameter: str) -> bool:
    """Tells whether a guardrail has stopped the experiment in force.

    Raises:
        StoreUnavailable: When a service does not answer.
    """
    pointer = read_parameter(parameters, release_parameter)
    return any(
        record.stopped_at and pointer is not None and release_key(record.release) == pointer.value.strip()
        for record in experiments.recent(1)
    )


class Settled(NamedTuple):
    """What putting the registry in order did.

    Attributes:
        changed: Whether anything was not as it should be.
        waiting: Versions that wait, newest first.
    """

    changed: bool
    waiting: tuple[str, ...]


def settle(
    registry: Registry, champion: str, challenger: str, called_off: Iterable[str], why: str
) -> Settled:
    """Makes aliases and tags say what a release says that a person went back to.

    Nobody is called: whoever goes back wants what that release says. Those that wait go on waiting, also
    those that an end moved which was called off half-way.

    Args:
        registry: Only what differs is written, the aliases last.
        champion: Version of A.
        challenger: Version of B; empty without one.
        called_off: Experiments whose ends were called off.
        why: For the tags.

    Returns:
        What was done. Doing it again changes nothing.

    Raises:
        NotFound: When a version is gone.
        StoreUnavailable: When the registry does not answer.
    """
    states = {version: state for state in STATES for version in registry.tagged(QUEUE, state)}
    moved = {version for ended in called_off for version in registry.tagged(MOVED_BY, ended)}
    wanted = dict(states)
    for version, state in states.items():
        if version in moved and state in (PASSED_OVER, CHALLENGING):
            wanted[version] = WAITING
        elif state in (CHALLENGING, PROMOTED) or (version in moved and state == RETIRED):
            wanted[version] = WITHDRAWN
    if champion in states:  # the very first champion bears no tag
        wanted[champion] = PROMOTED
    if challenger:
        wanted[challenger] = CHALLENGING
    changed = False
    for version, state in wanted.items():
        before = states.get(version)
        if before != state:
            told = {f"{before}_because": why} if version in moved and before in (PROMOTED, RETIRED) else {}
            told |= {f"{WITHDRAWN}_because": why} if state == WITHDRAWN else {}
            registry.tag(version, {**told, QUEUE: state})
            changed = True
    for alias, version in ((CHAMPION, champion), (CHALLENGER, challenger)):
        if _names(registry, alias) != version:
            if version:
                registry.set_alias(alias, version)
            else:
                registry.remove_alias(alias)
            changed = True
    waiting = sorted((v for v, state in wanted.items() if state == WAITING), key=int, reverse=True)
    return Settled(changed, tuple(waiting))


def call_next(registry: Registry, by: str = BY_HAND) -> str:
    """Makes the newest model that waits the challenger; others that wait are passed over.

    It is not judged by the gate once more, against the champion that may be new: the gate only keeps out
    what is clearly worse, for which the experiment that follows has its own verdict and guardrails.

    Args:
        registry: Nothing is done when its alias ``challenger`` is taken.
        by: The experiment whose end calls it.

    Returns:
        The version that challenges next; empty when none waits. Doing it again changes nothing.

    Raises:
        StoreUnavailable: When the registry does not answer.
    """
    waiting = registry.tagged(QUEUE, WAITING)
    # One that was called before, if a second task that was slower has taken its alias away.
    waiting = [*registry.tagged(QUEUE, CHALLENGING), *waiting]
    tried = being_tried(registry)
    if not waiting or (tried and tried not in waiting):
        return ""
    chosen = tried or waiting[0]
    registry.set_alias(CHALLENGER, chosen)
    for version in waiting:  # the chosen one last: until then a second try finds it again
        if version != chosen:
            registry.tag(version, {MOVED_BY: by, QUEUE: PASSED_OVER})
    registry.tag(chosen, {MOVED_BY: by, QUEUE: CHALLENGING})
    return chosen


def _try(registry: Registry, version: str, tried: str) -> str:
    """Makes a version the challenger; gives the one whose experiment ends thereby."""
    registry.set_alias(CHALLENGER, version)
    registry.tag(version, {QUEUE: CHALLENGING})
    for other in registry.tagged(QUEUE, CHALLENGING):  # also one whose alias a person has removed
        if other != version:
            registry.tag(other, {QUEUE: REPLACED})
    return "" if tried == version else tried


def _names(registry: Registry, alias: str) -> str | None:
    """The version behind an alias; empty without one, ``None`` where it is one that cannot be read."""
    try:
        found = registry.by_alias(alias)
    except NotFound:
        return None
    return "" if found is None else found.model_version


def being_tried(registry: Registry) -> str:
    """Gives the version that is being tried; empty without one (both aliases may name the champion).

    Raises:
        StoreUnavailable: When the registry does not answer.
    """
    challenger, champion = registry.by_alias(CHALLENGER), registry.by_alias(CHAMPION)
    if challenger is None or (champion is not None and champion.model_version == challenger.model_version):
        return ""
    return challenger.model_version
