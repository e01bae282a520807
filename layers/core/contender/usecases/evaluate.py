"""One look at the experiment in force: read what is new, judge, and act as far as the mode allows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from contender.domain.evidence import evidence
from contender.domain.experiment import ExperimentSettings, Finding, read
from contender.domain.experiment.metrics import VALUE
from contender.domain.lifecycle import (
    ACTING,
    Deed,
    ExperimentRecord,
    HistoryEntry,
    Mode,
    Stage,
    begun_by_rollback,
    stage_after,
)
from contender.domain.release import Release
from contender.domain.split import format_share, parse_share
from contender.errors import BadInput, Conflict
from contender.experiment_ports import ExperimentLog, Experiments
from contender.ports import Launcher, ObjectStore, Observer, Parameter, Parameters
from contender.usecases.act import Act
from contender.usecases.in_force import experiment_in_force
from contender.usecases.new_records import PART_LIMIT
from contender.usecases.predict import iso_utc
from contender.usecases.take_in import SKEW_S, Counted, TakeIn

RECENT = 5
"""Experiments that are looked back at for one whose end was decided but not carried out: one at a time runs,
so that more than one or two cannot be open."""

IN_ONE = (
    " A value told in a second feedback, when an evaluation had met the first, is not counted here but by "
    "the analysis of an export: send outcome and value in one."
)
"""Told where the custom value decides: the log's index meets a record once, at its first feedback."""


class Outcome(StrEnum):
    """What an evaluation led to."""

    NOTHING = "nothing"
    """There is no experiment, or it goes on."""
    ADVISED = "advised"
    """A verdict is there and a person has to act."""
    ACTING = "acting"
    """A task promotes or retires the challenger."""
    STOPPED = "stopped"
    """A guardrail was breached and the split was set to 0."""
    SETTLED = "settled"
    """This experiment is over; only another release begins another."""
    OVERTAKEN = "overtaken"
    """Another evaluation was faster; nothing was counted twice."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found and did.

    Attributes:
        outcome: What it led to.
        experiment_id: The experiment; empty without one.
        stage: Where it stands.
        finding: Of the latest look; empty without one.
        reason: The same in plain words.
        requests: New records that were taken in.
        outcomes: New feedback.
        reads: Parts of the log that were asked for.
        task_arn: The task at work, if one is.
    """

    outcome: Outcome
    experiment_id: str
    stage: str
    finding: str
    reason: str
    requests: int = 0
    outcomes: int = 0
    reads: int = 0
    task_arn: str = ""


class Evaluate:
    """The use case behind the scheduled function.

    Args:
        parameters: Live configuration.
        artifacts: The artifact bucket.
        log: The prediction log.
        experiments: The experiments.
        launcher: Starts tasks.
        observer: Where steps are reported.
        release_parameter: Name of the parameter that points to the release.
        split_parameter: Name of the parameter that holds the share of B.
        settings: How experiments are judged.
        mode: What is done about a verdict.
        clock: Epoch seconds.
        part_limit: Most records that are read of a shard at a time.
    """

    def __init__(
        self,
        parameters: Parameters,
        artifacts: ObjectStore,
        log: ExperimentLog,
        experiments: Experiments,
        launcher: Launcher,
        observer: Observer,
        release_parameter: str,
        split_parameter: str,
        settings: ExperimentSettings,
        mode: Mode,
        clock: Callable[[], float],
        part_limit: int = PART_LIMIT,
    ) -> None:
        self._parameters = parameters
        self._artifacts = artifacts
        self._experiments = experiments
        self._observer = observer
        self._release_parameter = release_parameter
        self._split_parameter = split_parameter
        self._settings = settings
        self._mode = mode
        self._clock = clock
        self._take_in = TakeIn(log, observer, settings, clock, part_limit)
        self._act = Act(experiments, launcher, observer, clock)

    def __call__(self, mode: Mode | None = None) -> Evaluation:
        """Looks once.

        Args:
            mode: What is done about the verdict this time, also about one that only a person may act on; by
                default as configured.

        Returns:
            What was found and done.

        Raises:
            BadInput: When the release cannot be read, or the settings do not fit its data.
            StoreUnavailable: When a service does not answer; the next evaluation goes on from where the last
                one stopped.
        """
        found = self._parameters.get([self._release_parameter, self._split_parameter])
        pointer = found.get(self._release_parameter)
        in_force = experiment_in_force(pointer, self._artifacts, self._experiments)
        self._look_after_others(None if in_force is None else in_force[0])
        if in_force is None:
            return Evaluation(Outcome.NOTHING, "", "", "", "no challenger is in force: nothing to evaluate")
        record, release = in_force
        try:
            return self._evaluate(record, release, found.get(self._split_parameter), mode)
        except Conflict:
            reason = "another evaluation was faster; what it read is not counted again"
            return Evaluation(
                Outcome.OVERTAKEN, record.experiment_id, record.stage.value, record.finding, reason
            )

    def _look_after_others(self, current: ExperimentRecord | None) -> None:
        """Takes up what was decided of others and not carried out; closes those that were never decided."""
        for record in self._experiments.recent(RECENT):
            if current is not None and record.experiment_id == current.experiment_id:
                continue
            if record.stage in ACTING:
                self._act(record)
            elif record.stage is Stage.RUNNING:
                detail = "another release took its place before anything was decided"
                ended = replace(record, stage=Stage.ENDED, ended_at=iso_utc(self._clock()), detail=detail)
                try:
                    self._experiments.save(ended)
                except Conflict:
                    continue  # another evaluation does the same

    def _evaluate(
        self, record: ExperimentRecord, release: Release, split: Parameter | None, mode: Mode | None
    ) -> Evaluation:
        if record.stage in ACTING:
            record = self._act(record)
            return _told(record, Outcome.ACTING, f"{record.stage.value}: {record.sentence}")
        if record.stage is not Stage.RUNNING:
            return _told(record, Outcome.SETTLED, f"{record.stage.value} already: {record.detail}")
        record, state, counted = self._take_in(record, release)
        look = read(state, self._settings)
        now = iso_utc(self._clock())
        record = replace(
            record,
            evaluated_at=now,
            finding=look.verdict.finding.value,
            sentence=look.verdict.sentence,
            evidence=json.dumps(evidence(look, self._settings)),
        )
        stopping = any(guardrail.breached for guardrail in look.guardrails) and not record.stopped_at
        if stopping:
            self._stop(split)
            record = replace(record, stopped_at=now)
        wanted = stage_after(look.verdict.finding, mode or self._mode)
        held = wanted in ACTING and mode is None and self._is_held(record)
        if wanted in ACTING and not held:
            record = replace(record, stage=wanted, decided_at=now)
        record = self._experiments.save(record)
        self._observer.note(
            "evaluated", experiment=record.experiment_id, finding=record.finding, **counted._asdict()
        )
        reason = f"{look.verdict.headline}. {look.verdict.sentence}"
        if self._settings.metric == VALUE.name:
            reason += IN_ONE
        if record.stage in ACTING:
            return _told(self._act(record), Outcome.ACTING, reason, counted)
        if stopping:
            self._tell_of_stop(record)
            return _told(record, Outcome.STOPPED, f"The split is 0 now. {reason}", counted)
        if held:
            reason += " A person went back to this release, so only a person promotes or retires."
        goes_on = look.verdict.finding is Finding.CONTINUE
        return _told(record, Outcome.NOTHING if goes_on else Outcome.ADVISED, reason, counted)

    def _is_held(self, record: ExperimentRecord) -> bool:
        since = datetime.fromisoformat(record.started_at).timestamp() - SKEW_S
        return begun_by_rollback(record.release, iso_utc(since), self._experiments.history(RECENT))

    def _stop(self, split: Parameter | None) -> None:
        """Sends all traffic to A, once: whoever raises the split afterwards knows why."""
        if split is None or not _is_zero(split.value):
            self._parameters.put(self._split_parameter, format_share(0.0))

    def _tell_of_stop(self, record: ExperimentRecord) -> None:
        self._observer.problem("guardrail_breached", f"{record.experiment_id}: {record.sentence}")
        self._experiments.append(
            HistoryEntry(
                at=record.stopped_at,
                deed=Deed.STOPPED,
                who="evaluate",
                from_release=record.release,
                to_release=record.release,
                experiment_id=record.experiment_id,
                evidence=record.evidence,
                detail=f"the split was set to 0: {record.sentence}",
            )
        )


def _is_zero(text: str) -> bool:
    try:
        return parse_share(text) == 0.0
    except BadInput:
        return False


def _told(
    record: ExperimentRecord, outcome: Outcome, reason: str, counted: Counted | None = None
) -> Evaluation:
    counted = counted or Counted()
    return Evaluation(
        outcome,
        record.experiment_id,
        record.stage.value,
        record.finding,
        reason,
        counted.requests,
        counted.outcomes,
        counted.reads,
        record.task_arn,
    )
