"""Retires a challenger because a person wants it, by the same steps as a verdict does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from contender.domain.lifecycle import ExperimentRecord, Stage
from contender.errors import BadInput, Conflict, NotFound
from contender.experiment_ports import SAVE_TRIES, Experiments
from contender.ports import ObjectStore, Parameters, read_parameter
from contender.usecases.in_force import experiment_in_force
from contender.usecases.predict import iso_utc

MAX_REASON = 500
"""Longest reason, in characters: it becomes a tag of the version in MLflow."""


class Retire:
    """The use case behind ``scripts/retire``.

    It only decides: the experiment is marked as ``retiring``, by which the next evaluation launches the task
    that carries it out, and launches it again should it die.

    Args:
        artifacts: The artifact bucket.
        parameters: Live configuration.
        experiments: The experiments.
        release_parameter: Name of the parameter that points to the release.
        clock: Epoch seconds.
    """

    def __init__(
        self,
        artifacts: ObjectStore,
        parameters: Parameters,
        experiments: Experiments,
        release_parameter: str,
        clock: Callable[[], float],
    ) -> None:
        self._artifacts = artifacts
        self._parameters = parameters
        self._experiments = experiments
        self._release_parameter = release_parameter
        self._clock = clock

    def __call__(self, reason: str, who: str) -> ExperimentRecord:
        """Decides that the challenger of the experiment in force is retired.

        Args:
            reason: Why, for the history and the registry.
            who: Who wants it.

        Returns:
            The experiment; of one that is being retired already as it stands, whoever decided it.

        Raises:
            BadInput: Without a reason, or when the release cannot be read.
            NotFound: When no challenger is in force, or its experiment is over.
            Conflict: When it is just being promoted.
            StoreUnavailable: When a service does not answer.
        """
        reason = reason.strip()
        if not 0 < len(reason) <= MAX_REASON:
            raise BadInput.of("reason", f"has {len(reason)} characters", f"say why in 1 to {MAX_REASON}")
        for _ in range(SAVE_TRIES):
            record = self._running()
            if record.stage is Stage.RETIRING:
                return record
            try:
                return self._experiments.save(
                    replace(
                        record,
                        stage=Stage.RETIRING,
                        decided_at=iso_utc(self._clock()),
                        decided_by=who,
                        sentence=f"Retired by hand: {reason}",
                    )
                )
            except Conflict:
                continue  # an evaluation has written: look at what it says
        raise Conflict(f"experiment {record.experiment_id} is changed all the time; try again")

    def _running(self) -> ExperimentRecord:
        pointer = read_parameter(self._parameters, self._release_parameter)
        found = experiment_in_force(pointer, self._artifacts, self._experiments)
        if found is None:
            raise NotFound("no challenger is in force: there is nothing to retire")
        record = found[0]
        if record.stage is Stage.PROMOTING:
            raise Conflict(
                f"version {record.challenger_version} is just being promoted; go back with scripts/rollback"
            )
        if record.stage not in (Stage.RUNNING, Stage.RETIRING):
            raise NotFound(f"the experiment in force is over, {record.stage.value}: {record.detail}")
        return record
