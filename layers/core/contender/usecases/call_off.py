"""Ends experiments because a person went back to an earlier release."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from contender.domain.lifecycle import ACTING, ExperimentRecord, Stage
from contender.errors import BadInput, Conflict, NotFound
from contender.experiment_ports import SAVE_TRIES, Experiments
from contender.ports import ObjectStore, Parameter
from contender.usecases.evaluate import RECENT
from contender.usecases.in_force import experiment_in_force
from contender.usecases.predict import iso_utc


def known_experiments(
    pointer: Parameter | None, artifacts: ObjectStore, experiments: Experiments
) -> list[ExperimentRecord]:
    """Gives the latest experiments, and the one in force even if nobody has looked at it yet.

    Args:
        pointer: The release parameter; ``None`` where there is none.
        artifacts: The artifact bucket. A release that cannot be read has no experiment.
        experiments: The experiments.

    Raises:
        StoreUnavailable: When a service does not answer.
    """
    known = list(experiments.recent(RECENT))
    try:
        found = experiment_in_force(pointer, artifacts, experiments)
    except (BadInput, NotFound):
        return known  # what serves is broken: all the more reason to go back
    return known if found is None or found[0] in known else [found[0], *known]


def call_off(
    experiments: Experiments,
    known: Sequence[ExperimentRecord],
    stages: AbstractSet[Stage],
    clock: Callable[[], float],
) -> list[str]:
    """Ends experiments: a verdict that is just being carried out must not publish over a rollback.

    Args:
        experiments: The experiments.
        known: Which ones.
        stages: Those that stand there are ended: ``superseded`` where something was decided, else ``ended``.
        clock: Epoch seconds.

    Returns:
        What a person has to know.

    Raises:
        StoreUnavailable: When the table does not answer.
    """
    notes = []
    for one in known:
        for _ in range(SAVE_TRIES):
            record = experiments.get(one.experiment_id) or one
            if record.stage not in stages:
                break
            acting = record.stage in ACTING
            detail = "a person went back to an earlier release before it was "
            detail += "carried out" if acting else "decided"
            stage = Stage.SUPERSEDED if acting else Stage.ENDED
            try:
                experiments.save(replace(record, stage=stage, ended_at=iso_utc(clock()), detail=detail))
            except Conflict:
                continue  # an evaluation or the task has written: look at what it says
            if acting:
                notes.append(f"experiment {record.experiment_id} was {record.stage.value}: called off")
            break
        else:
            notes.append(f"experiment {one.experiment_id} is changed all the time: look at what serves")
    return notes
