"""Carries out a verdict: the challenger becomes champion, or is retired. Safe to do again from anywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from contender.domain.dataset import Dataset
from contender.domain.lifecycle import ACTING, Deed, ExperimentRecord, HistoryEntry, Stage
from contender.domain.split import format_share
from contender.errors import Conflict, NotFound
from contender.experiment_ports import SAVE_TRIES, Experiments
from contender.ports import ObjectStore, Observer, Parameters, Registry, read_parameter
from contender.usecases.claims import REGISTRY, Claim
from contender.usecases.predict import iso_utc
from contender.usecases.publish import publish
from contender.usecases.queue import CHALLENGER, CHAMPION, MOVED_BY, PROMOTED, QUEUE, RETIRED, call_next


@dataclass(frozen=True, slots=True)
class Carried:
    """What was done.

    Attributes:
        stage: Where the experiment stands now.
        detail: The same for people.
    """

    stage: Stage
    detail: str


class Promote:
    """The use case behind the task that ``evaluate`` launches.

    The order of the steps keeps every crash harmless. Moving the alias ``champion`` is one write, so there
    are never two champions; everything after it is found undone by the next try and done; the history is
    written before the record says that all is done. Of two tasks at once each does every step, even if the
    other has finished: what the slower one undoes by an outdated look it does again itself.

    Against a rollback it holds the claim on the registry, and before each step looks whether it was called
    off. It then stops: the rollback waits for the claim, and puts in order what is half-way.

    Args:
        registry: The model registry.
        artifacts: The artifact bucket.
        parameters: Live configuration.
        experiments: Experiments and history.
        observer: Where steps are reported.
        dataset: Reads the declaration that the release pins.
        release_parameter: Name of the parameter that points to the release.
        split_parameter: Name of the parameter that holds the share of B.
        initial_split: Share with which the next challenger begins, in [0, 1]: it has yet to earn more, and
            without one the split has no effect.
        clock: Epoch seconds.
    """

    def __init__(
        self,
        registry: Registry,
        artifacts: ObjectStore,
        parameters: Parameters,
        experiments: Experiments,
        observer: Observer,
        dataset: Callable[[], Dataset],
        release_parameter: str,
        split_parameter: str,
        initial_split: float,
        clock: Callable[[], float],
    ) -> None:
        self._registry = registry
        self._artifacts = artifacts
        self._parameters = parameters
        self._experiments = experiments
        self._observer = observer
        self._dataset = dataset
        self._release_parameter = release_parameter
        self._split_parameter = split_parameter
        self._initial_split = initial_split
        self._clock = clock

    def __call__(self, experiment_id: str) -> Carried:
        """Carries out what was decided of an experiment.

        Args:
            experiment_id: The experiment.

        Returns:
            What was done; of one that is settled, that nothing was.

        Raises:
            NotFound: When there is no such experiment, or a model's file is gone.
            Conflict: When nothing was decided of it, or a rollback is at work.
            StoreUnavailable: When a service does not answer; the next try goes on.
        """
        record = self._read(experiment_id)
        if record.stage is Stage.RUNNING:
            raise Conflict(f"nothing was decided of experiment {experiment_id}: it is running")
        if record.stage not in ACTING:
            return Carried(record.stage, f"{record.stage.value} already: {record.detail}")
        claim = Claim(self._experiments, REGISTRY, f"the end of experiment {experiment_id}", self._clock)
        with claim.held():
            return self._carry_out(record, claim)

    def _carry_out(self, record: ExperimentRecord, claim: Claim) -> Carried:
        strangers = self._strangers(record)
        if strangers:
            return self._end(record, Stage.SUPERSEDED, Deed.SUPERSEDED, record.release, strangers)
        old, new = record.champion_version, record.challenger_version
        promotes = record.stage is Stage.PROMOTING
        steps = (self._move_champion, self._free_challenger, self._tag, self._reset_split, self._call_next)
        for step in steps:
            if called_off := self._called_off(record, claim):
                return called_off
            step(record)
        if called_off := self._called_off(record, claim):
            return called_off
        published = publish(
            self._registry, self._artifacts, self._parameters, self._dataset(), self._release_parameter
        )
        self._observer.note("published", summary=published.summary)
        if called_off := self._called_off(record, claim):
            return called_off  # the rollback points the parameter back once it has the claim
        done, deed = (Stage.PROMOTED, Deed.PROMOTED) if promotes else (Stage.RETIRED, Deed.RETIRED)
        told = f"version {new} is champion, version {old} was"
        if not promotes:
            told = f"version {old} stays champion, version {new} goes"
        if record.decided_by:
            told = f"{record.sentence}; {told}"
        return self._end(record, done, deed, published.digest, f"{told}; {published.summary}")

    def _read(self, experiment_id: str) -> ExperimentRecord:
        record = self._experiments.get(experiment_id)
        if record is None:
            raise NotFound(f"there is no experiment {experiment_id}")
        return record

    def _called_off(self, record: ExperimentRecord, claim: Claim) -> Carried | None:
        """Looks, with the claim renewed, whether a person went back to an earlier release meanwhile."""
        claim.keep()
        now = self._read(record.experiment_id)
        return Carried(now.stage, now.detail) if now.stage is Stage.SUPERSEDED else None

    def _strangers(self, record: ExperimentRecord) -> str:
        """Names what stands in the way: somebody has pointed the alias elsewhere since the decision."""
        champion = self._registry.by_alias(CHAMPION)
        allowed = {record.champion_version}
        if record.stage is Stage.PROMOTING:
            allowed.add(record.challenger_version)  # an earlier try has moved it
        if champion is not None and champion.model_version in allowed:
            return ""
        named = "no version" if champion is None else f"version {champion.model_version}"
        return f"nothing was done: {CHAMPION} names {named} now, and not version {record.champion_version}"

    def _move_champion(self, record: ExperimentRecord) -> None:
        if record.stage is Stage.PROMOTING:
            self._registry.set_alias(CHAMPION, record.challenger_version)

    def _free_challenger(self, record: ExperimentRecord) -> None:
        found = self._registry.by_alias(CHALLENGER)
        if found is not None and found.model_version == record.challenger_version:
            self._registry.remove_alias(CHALLENGER)

    def _tag(self, record: ExperimentRecord) -> None:
        goes, stays = record.challenger_version, record.champion_version
        if record.stage is Stage.PROMOTING:
            goes, stays = stays, goes
            why = {"promoted_at": record.decided_at, "promoted_because": record.sentence}
            self._registry.tag(stays, {MOVED_BY: record.experiment_id, QUEUE: PROMOTED, **why})
        why = {"retired_at": record.decided_at, "retired_because": record.sentence}
        self._registry.tag(goes, {MOVED_BY: record.experiment_id, QUEUE: RETIRED, **why})

    def _call_next(self, record: ExperimentRecord) -> None:
        call_next(self._registry, record.experiment_id)

    def _reset_split(self, record: ExperimentRecord) -> None:
        if self._read(record.experiment_id).stage not in ACTING:
            return  # another task has finished: a person may have changed the split since
        wanted = format_share(self._initial_split)
        found = read_parameter(self._parameters, self._split_parameter)
        if found is None or found.value.strip() != wanted:
            self._parameters.put(self._split_parameter, wanted)

    def _end(
        self, record: ExperimentRecord, stage: Stage, deed: Deed, to_release: str, detail: str
    ) -> Carried:
        self._experiments.append(
            HistoryEntry(
                at=record.decided_at,
                deed=deed,
                who=record.decided_by or "evaluate",
                from_release=record.release,
                to_release=to_release,
                experiment_id=record.experiment_id,
                evidence=record.evidence,
                detail=detail,
            )
        )
        for _ in range(SAVE_TRIES):
            now = iso_utc(self._clock())
            try:
                self._experiments.save(replace(record, stage=stage, ended_at=now, detail=detail))
                break
            except Conflict:
                record = self._read(record.experiment_id)
                if record.stage not in ACTING:
                    break
        self._observer.note("settled", experiment=record.experiment_id, stage=stage.value, detail=detail)
        return Carried(stage, detail)
