"""An experiment's life: what is kept of it, and when something is done about its verdict.

::

    running ──► promoting ──► promoted
       │  └───► retiring  ──► retired    by a verdict, or because a person wants it
       ├──────► ended         another release took its place before anything was decided
       └─ (promoting, retiring) ──► superseded   someone moved an alias by hand meanwhile

One experiment is one period in which one release with a challenger is in force: a release that is taken up
again begins a new one, with records of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from contender.domain.experiment.verdict import Finding


class Mode(StrEnum):
    """What is done about a verdict."""

    ADVISE = "advise"
    """It is written down; a person acts."""
    AUTO = "auto"
    """``SHIP`` promotes the challenger, ``KEEP`` retires it."""


class Stage(StrEnum):
    """Where an experiment stands."""

    RUNNING = "running"
    PROMOTING = "promoting"
    PROMOTED = "promoted"
    RETIRING = "retiring"
    RETIRED = "retired"
    ENDED = "ended"
    SUPERSEDED = "superseded"


class Deed(StrEnum):
    """What the history tells of."""

    PROMOTED = "promoted"
    RETIRED = "retired"
    STOPPED = "stopped"
    """A guardrail set the split to 0."""
    ROLLED_BACK = "rolled_back"
    SUPERSEDED = "superseded"


ACTING = frozenset({Stage.PROMOTING, Stage.RETIRING})
"""Stages in which something is decided and not yet done."""


@dataclass(frozen=True, slots=True)
class ExperimentRecord:
    """One experiment.

    Attributes:
        experiment_id: See :func:`experiment_id`; ids sort by time.
        release: Digest of its release.
        champion_version: Model version of A.
        challenger_version: Model version of B.
        started_at: When the release came into force; ISO 8601 times, UTC.
        stage: Where it stands.
        revision: Grows with every write; a write that does not know the latest is refused.
        settings: By what it is judged, as JSON; other settings begin it anew.
        read_until: Up to when the log has been read.
        state: The statistics' state, compressed; empty before the first look.
        evaluated_at: The latest look.
        finding: What that found; empty before.
        sentence: The finding with its figures.
        evidence: The same as JSON, see :func:`contender.domain.evidence.evidence`.
        decided_at: When it was decided to act.
        decided_by: Who decided it; empty for the evaluation.
        stopped_at: When a guardrail set the split to 0.
        attempt: How often a task was launched to act.
        launched_at: When the last one was.
        task_arn: The last one.
        ended_at: When all was done.
        detail: What there is to say about its end.
    """

    experiment_id: str
    release: str
    champion_version: str
    challenger_version: str
    started_at: str
    stage: Stage = Stage.RUNNING
    revision: int = 0
    settings: str = ""
    read_until: str = ""
    state: bytes = b""
    evaluated_at: str = ""
    finding: str = ""
    sentence: str = ""
    evidence: str = ""
    decided_at: str = ""
    decided_by: str = ""
    stopped_at: str = ""
    attempt: int = 0
    launched_at: str = ""
    task_arn: str = ""
    ended_at: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One deed, and on which evidence; never changed.

    Attributes:
        at: When it was decided; ISO 8601, UTC.
        deed: What was done.
        who: Who decided it.
        from_release: Digest of the release before.
        to_release: Digest of the release after.
        experiment_id: The experiment that it is about; empty for a rollback.
        evidence: The verdict as JSON; empty where none was needed.
        detail: The same for people.
    """

    at: str
    deed: Deed
    who: str
    from_release: str
    to_release: str
    experiment_id: str = ""
    evidence: str = ""
    detail: str = ""

    @property
    def key(self) -> str:
        """Its place in the history: telling of one deed twice keeps one entry."""
        return f"{self.at}#{self.deed.value}#{self.from_release[:12]}"


def experiment_id(started_at: str, release: str) -> str:
    """Names the experiment of a release that came into force at a time.

    Args:
        started_at: ISO 8601, UTC, milliseconds: when the release parameter was written.
        release: Digest of the release.

    Returns:
        The same for everybody who looks, so that two evaluators cannot begin two.
    """
    return f"{started_at}#{release[:12]}"


def stage_after(finding: Finding, mode: Mode) -> Stage:
    """Says what a verdict leads to.

    Args:
        finding: Of the latest look.
        mode: What may be done about it.

    Returns:
        ``PROMOTING`` or ``RETIRING`` where something is to be done, else ``RUNNING``. ``INVALID`` never
        promotes and never retires: the figures are not to be trusted either way.
    """
    if mode is Mode.ADVISE:
        return Stage.RUNNING
    return {Finding.SHIP: Stage.PROMOTING, Finding.KEEP: Stage.RETIRING}.get(finding, Stage.RUNNING)


def begun_by_rollback(release: str, since: str, history: Iterable[HistoryEntry]) -> bool:
    """Tells whether a release is in force because a person went back to it.

    Such an experiment is judged like any other, but never acted on by itself: it would undo, sooner or
    later, what that person did.

    Args:
        release: Digest of the release.
        since: When it came into force; ISO 8601, UTC.
        history: The latest deeds.

    Returns:
        Whether one of them is a rollback to it since then.
    """
    return any(
        entry.deed is Deed.ROLLED_BACK and entry.to_release == release and entry.at >= since
        for entry in history
    )
