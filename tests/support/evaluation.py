"""An experiment to evaluate, in memory: a log filled at will, experiments, and the parts around them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from contender.adapters.dynamo_log import attribute, to_item
from contender.adapters.logged_item import observation
from contender.domain.assignment import Variant
from contender.domain.experiment import ExperimentSettings
from contender.domain.lifecycle import ExperimentRecord, HistoryEntry, Mode
from contender.domain.records import SPILLED, Feedback, PredictionRecord, ShadowAnswer, log_shard
from contender.domain.release import Release
from contender.errors import Conflict
from contender.experiment_ports import LogPart
from contender.usecases.evaluate import Evaluate
from contender.usecases.new_records import PART_LIMIT
from contender.usecases.predict import iso_utc
from tests.support.fakes import FakeLauncher, _Service
from tests.support.memory_log import MemoryPredictionLog
from tests.support.world import RELEASE, SPLIT, World, release_of

ENVIRON = {
    "ARTIFACT_BUCKET": "artifacts",
    "PREDICTIONS_TABLE": "predictions",
    "EXPERIMENTS_TABLE": "experiments",
    "ROUTER_LOG_GROUP": "/aws/lambda/router",
    "RELEASE_PARAMETER": "/release",
    "SPLIT_PARAMETER": "/split",
    "CLUSTER_ARN": "arn:cluster",
    "TASK_DEFINITION_ARN": "arn:definition",
}
"""What the evaluation's function needs of its environment."""

QUICK = ExperimentSettings(min_outcomes=30, planned_outcomes=200)
"""Decides within hundreds of outcomes when the difference is large."""


class MemoryExperiments(_Service):
    """A :class:`contender.experiment_ports.Experiments` in dicts."""

    def __init__(self) -> None:
        super().__init__("dynamodb")
        self.records: dict[str, ExperimentRecord] = {}
        self.entries: dict[str, HistoryEntry] = {}
        self.bookmarks: dict[str, float] = {}
        self.claims: dict[str, tuple[str, float]] = {}

    def get(self, experiment_id: str) -> ExperimentRecord | None:
        self._check()
        return self.records.get(experiment_id)

    def recent(self, limit: int) -> Sequence[ExperimentRecord]:
        self._check()
        return [self.records[key] for key in sorted(self.records, reverse=True)[:limit]]

    def save(self, record: ExperimentRecord) -> ExperimentRecord:
        self._check()
        stored = self.records.get(record.experiment_id)
        if (stored.revision if stored else 0) != record.revision:
            raise Conflict(f"experiment {record.experiment_id} was changed meanwhile")
        saved = replace(record, revision=record.revision + 1)
        self.records[record.experiment_id] = saved
        return saved

    def append(self, entry: HistoryEntry) -> bool:
        self._check()
        return self.entries.setdefault(entry.key, entry) is entry

    def bookmark(self, name: str) -> float | None:
        """Is :class:`contender.ports.Bookmarks`, too."""
        self._check()
        return self.bookmarks.get(name)

    def set_bookmark(self, name: str, at: float) -> None:
        self._check()
        self.bookmarks[name] = at

    def claim(self, name: str, owner: str, now: float, until: float) -> str:
        self._check()
        holder, expires = self.claims.get(name, ("", 0.0))
        if holder not in ("", owner) and expires > now:
            return holder
        self.claims[name] = (owner, until)
        return ""

    def let_go(self, name: str, owner: str) -> None:
        self._check()
        if self.claims.get(name, ("", 0.0))[0] == owner:
            del self.claims[name]

    def history(self, limit: int) -> Sequence[HistoryEntry]:
        self._check()
        return [self.entries[key] for key in sorted(self.entries, reverse=True)[:limit]]


class MemorySpilled(_Service):
    """A :class:`contender.ports.SpilledRecords` over lines as the router writes them, each at its time."""

    def __init__(self) -> None:
        super().__init__("logs")
        self.lines: list[tuple[float, str]] = []
        self.asked: list[tuple[float, float]] = []

    def between(self, since: float, until: float) -> Iterator[Mapping[str, Any]]:
        self._check()
        self.asked.append((since, until))
        for at, line in self.lines:
            if since <= at <= until:
                yield json.loads(line)[SPILLED]


class MemoryExperimentLog(_Service):
    """A :class:`contender.experiment_ports.ExperimentLog` over a log in memory; ``calls`` counts reads."""

    def __init__(self, log: MemoryPredictionLog) -> None:
        super().__init__("dynamodb")
        self._log = log
        self.calls = 0
        self.handed_over = 0
        self.before_read: Callable[[], None] = lambda: None

    def requests(self, shard: str, after: str, until: str, limit: int) -> LogPart:
        return self._read(shard, after, until, limit, lambda item: item["logged_at"]["S"])

    def outcomes(self, shard: str, after: str, until: str, limit: int) -> LogPart:
        return self._read(shard, after, until, limit, lambda item: item.get("outcome_at", {"S": ""})["S"])

    def _read(
        self, shard: str, after: str, until: str, limit: int, key: Callable[[dict[str, Any]], str]
    ) -> LogPart:
        self._check()
        self.before_read()
        self.calls += 1
        items = [self._item(name) for name, record in self._log.records.items() if record.log_shard == shard]
        keyed = [(key(item), item["request_id"]["S"], item) for item in items]
        chosen = sorted(entry for entry in keyed if after < entry[0] <= until)
        rows = [(time, observation(item)[1]) for time, _, item in chosen[:limit]]
        self.handed_over += len(rows)
        if len(chosen) <= limit:
            return LogPart(rows, until, True, 0)
        complete = [row for row in rows if row[0] < rows[-1][0]]
        return LogPart(complete, complete[-1][0] if complete else after, False, 0)

    def _item(self, name: str) -> dict[str, Any]:
        item: dict[str, Any] = to_item(self._log.records[name])
        if name in self._log.logged_at:
            item["logged_at"] = attribute(self._log.logged_at[name])
        for field, stored in (("outcome", self._log.outcomes), ("value", self._log.values)):
            if name in stored:
                value, at = stored[name]
                item[field] = attribute(value)
                item.setdefault("outcome_at", attribute(at))
        return item


class Trial:
    """A release with a challenger in force, its log, and an evaluation of it."""

    def __init__(
        self,
        mode: Mode = Mode.ADVISE,
        settings: ExperimentSettings = QUICK,
        part_limit: int = PART_LIMIT,
    ) -> None:
        self.world = World()
        self.release: Release = self.world.publish(release_of())
        self.started = self.world.clock.now
        self.experiments = MemoryExperiments()
        self.log = MemoryExperimentLog(self.world.log)
        self.launcher = FakeLauncher()
        self.evaluate = self.evaluator(mode, settings, part_limit)
        self._rng = np.random.default_rng(5)
        self._count = 0

    def evaluator(
        self, mode: Mode = Mode.ADVISE, settings: ExperimentSettings = QUICK, part_limit: int = PART_LIMIT
    ) -> Evaluate:
        """Another evaluation of the same things, as a second function would run it."""
        world = self.world
        return Evaluate(
            world.parameters,
            world.artifacts,
            self.log,
            self.experiments,
            self.launcher,
            world.observer,
            RELEASE,
            SPLIT,
            settings,
            mode,
            world.clock,
            part_limit,
        )

    @property
    def record(self) -> ExperimentRecord:
        """The latest experiment."""
        return self.experiments.recent(1)[0]

    def pass_traffic(
        self,
        requests: int,
        skill_a: float = 0.6,
        skill_b: float = 0.6,
        seconds: float = 300.0,
        fallbacks_b: float = 0.0,
        told: float = 1.0,
        lost_b: float = 0.0,
        shadow: bool = False,
        ones: float = 0.5,
    ) -> None:
        """Lets time pass in which requests come, each with its outcome a second later."""
        rng, clock = self._rng, self.world.clock
        for _ in range(requests):
            clock.now += seconds / requests
            self._count += 1
            name = f"r{self._count}"
            is_b = bool(rng.random() < 0.5)
            truth = int(rng.random() < ones)
            falls = is_b and rng.random() < fallbacks_b
            right = rng.random() < (skill_b if is_b and not falls else skill_a)
            tells = rng.random() < told
            if is_b and rng.random() < lost_b:
                continue
            self.world.log.put(self._logged(name, is_b, falls, truth if right else 1 - truth, shadow))
            if tells:
                self.world.log.set_outcome(name, Feedback(truth), iso_utc(clock.now + 1.0))

    def settle(self) -> None:
        """Lets so much time pass that everything logged so far is read."""
        self.world.pass_time(60.0)

    def _logged(self, name: str, is_b: bool, falls: bool, label: int, shadow: bool) -> PredictionRecord:
        served = Variant.B if is_b and not falls else Variant.A
        probabilities = {"0": 0.2, "1": 0.8} if label else {"0": 0.8, "1": 0.2}
        other = ShadowAnswer(served.other.value, "1" if served is Variant.B else "2", label, probabilities)
        return PredictionRecord(
            request_id=name,
            at=iso_utc(self.world.clock.now),
            unit_id=name,
            assigned="B" if is_b else "A",
            served=served.value,
            model_version=self.release.variants[served].model_version,
            release=self.release.digest,
            split=0.5,
            split_version=1,
            probability=0.5,
            features={},
            prediction=label,
            probabilities=probabilities,
            latency_ms=1.0,
            expires_at=2_000_000_000,
            log_shard=log_shard(self.release.digest, name),
            shadow=other if shadow else None,
        )
