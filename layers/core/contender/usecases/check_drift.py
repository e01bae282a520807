"""One check of one window: compare, write down, and train at most once for what was found."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Protocol

import numpy as np

from contender.domain.dataset import Dataset
from contender.domain.drift import (
    ClassifierSettings,
    ColumnSample,
    DriftReport,
    DriftSettings,
    LaunchRule,
    SampledRows,
    domain_classifier,
    judge_window,
    with_classifier,
)
from contender.domain.records import Reason, RunRecord, RunState, run_key
from contender.domain.release import NO_RELEASE
from contender.errors import BadInput
from contender.ports import (
    Launcher,
    ObjectInfo,
    ObjectStore,
    Observer,
    Parameters,
    RunRecords,
)
from contender.reports import render_drift_report
from contender.usecases.declaration import read_dataset
from contender.usecases.launch_training import Action, Checked, CheckResult, LaunchTraining
from contender.usecases.measured_against import REFERENCE, measured_against, release_in_force
from contender.usecases.predict import iso_utc

CURRENT = "current/"


class Windows(Protocol):
    """Reads windows of the data bucket."""

    def compare(
        self, reference: Sequence[ObjectInfo], current: Sequence[ObjectInfo], dataset: Dataset
    ) -> AbstractContextManager[tuple[Mapping[str, ColumnSample], Mapping[str, ColumnSample]]]:
        """Opens both; small windows in full, large ones in summary. Raises ``BadInput``."""

    def sample(self, objects: Sequence[ObjectInfo], dataset: Dataset, rows: int, seed: int) -> SampledRows:
        """Draws whole rows of a window at random, the same ones for a seed. Raises ``BadInput``."""


class CheckDrift:
    """The use case behind the scheduled function.

    Args:
        data: The data bucket.
        artifacts: The artifact bucket.
        windows: Reads windows.
        runs: The run records.
        parameters: Live configuration.
        launcher: Starts training tasks.
        observer: Where steps are reported.
        release_parameter: Name of the parameter that points to the release.
        settings: Thresholds of the check.
        training_limit_s: Longest life of a training in seconds.
        clock: Epoch seconds.
        launch_rule: When a drift is worth a training.
        classifier: Thresholds of the test of all columns together; ``None`` leaves it out.
    """

    def __init__(
        self,
        data: ObjectStore,
        artifacts: ObjectStore,
        windows: Windows,
        runs: RunRecords,
        parameters: Parameters,
        launcher: Launcher,
        observer: Observer,
        release_parameter: str,
        settings: DriftSettings,
        training_limit_s: float,
        clock: Callable[[], float],
        launch_rule: LaunchRule | None = None,
        classifier: ClassifierSettings | None = None,
    ) -> None:
        self._data = data
        self._artifacts = artifacts
        self._windows = windows
        self._runs = runs
        self._parameters = parameters
        self._observer = observer
        self._release_parameter = release_parameter
        self._settings = settings
        self._clock = clock
        self._classifier = classifier
        rule = launch_rule or LaunchRule()
        self._launch = LaunchTraining(runs, launcher, observer, training_limit_s, rule, clock)

    def __call__(self, window: str | None = None) -> CheckResult:
        """Checks a window.

        Args:
            window: Id of the window; by default the one whose objects changed last.

        Returns:
            What was found and done.

        Raises:
            BadInput: When ``dataset.json`` or a file of a window is missing or wrong.
            StoreUnavailable: When a service does not answer; a launch that failed is on the record,
                and the next check tries again.
        """
        dataset = read_dataset(self._data)
        release = release_in_force(self._parameters, self._release_parameter)
        if release == NO_RELEASE:
            return self._launch(self._first_model(dataset, self._objects(REFERENCE)))
        prefix = measured_against(release, self._data, self._artifacts, self._observer)
        found = self._find_window(window)
        if found is None:
            reason = f"nothing to check: no window lies in {self._data.uri(CURRENT)}"
            return CheckResult("", "no_window", Action.NOTHING, reason, "", None, None)
        return self._launch(self._check(dataset, prefix, *found))

    def _objects(self, prefix: str) -> list[ObjectInfo]:
        found = [info for info in self._data.list(prefix) if info.size > 0]
        if not found:
            raise BadInput.of(self._data.uri(prefix), "holds no data", "upload the reference window first")
        return found

    def _find_window(self, window: str | None) -> tuple[str, list[ObjectInfo]] | None:
        windows: dict[str, list[ObjectInfo]] = {}
        for info in self._data.list(CURRENT if window is None else f"{CURRENT}{window}/"):
            name, _, file = info.key.removeprefix(CURRENT).partition("/")
            if file and info.size > 0:
                windows.setdefault(name, []).append(info)
        if window is not None and window not in windows:
            uri = self._data.uri(f"{CURRENT}{window}/")
            raise BadInput.of("window", f"{uri} holds no data", "upload it, or name another window")
        if not windows:
            return None
        return max(windows.items(), key=lambda item: (max(info.modified for info in item[1]), item[0]))

    def _first_model(self, dataset: Dataset, reference: Sequence[ObjectInfo]) -> Checked:
        key = run_key(
            _etags(reference), {}, {"dataset": dataset.to_dict(), "reason": Reason.NO_CHAMPION.value}
        )
        record = self._runs.get(key) or self._create(
            RunRecord(
                run_key=key,
                window="reference",
                state=RunState.CHECKED,
                verdict=Reason.NO_CHAMPION.value,
                reason="no champion yet: the first model is trained on the reference window",
                checked_at=iso_utc(self._clock()),
            )
        )
        return Checked(record, Reason.NO_CHAMPION, REFERENCE, "")

    def _check(self, dataset: Dataset, prefix: str, window: str, current: Sequence[ObjectInfo]) -> Checked:
        reference = self._objects(prefix)
        settings: dict[str, object] = {"drift": self._settings.to_dict(), "dataset": dataset.to_dict()}
        if self._classifier is not None:
            settings["classifier"] = asdict(self._classifier)
        key = run_key(_etags(reference), _etags(current), settings)
        report_key = f"reports/{window}/{key}.json"
        record = self._runs.get(key)
        if record is None:
            report = self._judge(dataset, reference, current, seed=int(key[:16], 16))
            now = iso_utc(self._clock())
            told = {"window": window, "reference": prefix, "run_key": key, "checked_at": now}
            document = {**told, **report.to_dict()}
            self._artifacts.put(report_key, json.dumps(document, indent=1).encode(), "application/json")
            page = render_drift_report(document).encode()
            self._artifacts.put(report_key.removesuffix(".json") + ".html", page, "text/html; charset=utf-8")
            unusable = ", ".join(report.broken)
            if unusable:
                self._observer.problem("window_broken", f"{window}: {unusable} absent or of another type")
            record = self._create(
                RunRecord(
                    run_key=key,
                    window=window,
                    # A window without a declared column is no training data: a person has to look at it.
                    state=RunState.REJECTED if unusable else RunState.CHECKED,
                    verdict=report.verdict.value,
                    reason=report.reason,
                    checked_at=now,
                    report_uri=self._artifacts.uri(report_key),
                    detail=f"not trained on: {unusable} absent or of another type" if unusable else None,
                )
            )
        return Checked(record, Reason.DRIFT, f"{CURRENT}{window}/", report_key)

    def _judge(
        self, dataset: Dataset, reference: Sequence[ObjectInfo], current: Sequence[ObjectInfo], seed: int
    ) -> DriftReport:
        with self._windows.compare(reference, current, dataset) as (before, after):
            report = judge_window(before, after, dataset.features, self._settings)
        if self._classifier is None:
            return report
        old, new = (
            self._windows.sample(objects, dataset, self._classifier.rows, seed)
            for objects in (reference, current)
        )
        generator = np.random.default_rng(seed)
        return with_classifier(
            report, domain_classifier(old, new, dataset.features, self._classifier, generator)
        )

    def _create(self, record: RunRecord) -> RunRecord:
        if self._runs.create(record):
            self._observer.note(
                "checked", run_key=record.run_key, window=record.window, verdict=record.verdict
            )
            return record
        return self._runs.get(record.run_key) or record  # another check was faster


def _etags(objects: Sequence[ObjectInfo]) -> dict[str, str]:
    return {info.key: info.etag for info in objects}
