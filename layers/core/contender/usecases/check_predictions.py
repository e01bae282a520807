"""Whether the champion's answers have changed since it began to serve, by the drift check's own tests."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from contender.domain.assignment import Variant
from contender.domain.dataset import Kind, Task
from contender.domain.drift import (
    CategoricalSample,
    ColumnSample,
    DriftSettings,
    NumericSample,
    Verdict,
    judge_window,
)
from contender.domain.experiment import Observation
from contender.domain.experiment.table import label_text
from contender.domain.records import log_shards
from contender.domain.release import NO_RELEASE, Release
from contender.experiment_ports import ExperimentLog
from contender.ports import ObjectStore, Observer, Parameters, read_parameter
from contender.reports import render_drift_report
from contender.usecases.predict import iso_utc
from contender.usecases.released import read_release
from contender.usecases.take_in import LAG_S

ROWS_PER_SHARD = 5_000
"""Most records that are read of a shard: 40,000 of each period, more than any effect threshold needs."""
PREDICTION = "prediction"


@dataclass(frozen=True, slots=True)
class PredictionCheck:
    """What was found.

    Attributes:
        verdict: ``drift``, ``no_drift`` or ``insufficient_data``.
        reason: The same in plain words.
        report_uri: Where the report lies; ``None`` when there was nothing to compare.
    """

    verdict: str
    reason: str
    report_uri: str | None


class CheckPredictions:
    """Compares the champion's predictions of the last hours with those of its release's first hours.

    Drift of predictions trains nothing: the log has no labelled rows to train on. It is reported, and counted
    as a metric, because it shows what a window of data has not shown yet.

    Args:
        artifacts: The artifact bucket.
        parameters: Live configuration.
        log: The prediction log.
        observer: Where drift is reported.
        release_parameter: Name of the parameter that points to the release.
        settings: Thresholds, the same as for data.
        hours: Length of both periods.
        clock: Epoch seconds.
    """

    def __init__(
        self,
        artifacts: ObjectStore,
        parameters: Parameters,
        log: ExperimentLog,
        observer: Observer,
        release_parameter: str,
        settings: DriftSettings,
        hours: float,
        clock: Callable[[], float],
    ) -> None:
        self._artifacts = artifacts
        self._parameters = parameters
        self._log = log
        self._observer = observer
        self._release_parameter = release_parameter
        self._settings = settings
        self._seconds = hours * 3600
        self._clock = clock

    def __call__(self) -> PredictionCheck:
        """Checks once.

        Returns:
            What was found.

        Raises:
            BadInput: When the release cannot be read.
            StoreUnavailable: When a service does not answer.
        """
        pointer = read_parameter(self._parameters, self._release_parameter)
        if pointer is None or pointer.value.strip() == NO_RELEASE:
            return PredictionCheck(Verdict.INSUFFICIENT_DATA.value, "no release serves yet", None)
        end = self._clock() - LAG_S
        if end - pointer.modified < 2 * self._seconds:
            reason = f"the release serves for less than twice {self._seconds / 3600:g} hours"
            return PredictionCheck(Verdict.INSUFFICIENT_DATA.value, reason, None)
        release = read_release(self._artifacts, pointer.value.strip())
        features = _features(release)
        before, after = (
            _columns(self._read(release, start), features)
            for start in (pointer.modified, end - self._seconds)
        )
        report = judge_window(before, after, features, self._settings)
        now = iso_utc(self._clock())
        document = {
            "window": f"predictions of the last {self._seconds / 3600:g} hours",
            "reference": f"predictions since {iso_utc(pointer.modified)}",
            "release": release.digest,
            "checked_at": now,
            **report.to_dict(),
        }
        key = f"reports/predictions/{now}-{release.digest[:12]}"
        self._artifacts.put(f"{key}.json", json.dumps(document, indent=1).encode(), "application/json")
        page = render_drift_report(document).encode()
        self._artifacts.put(f"{key}.html", page, "text/html; charset=utf-8")
        if report.verdict is Verdict.DRIFT:
            self._observer.problem("prediction_drift", report.reason)
        return PredictionCheck(report.verdict.value, report.reason, self._artifacts.uri(f"{key}.json"))

    def _read(self, release: Release, start: float) -> Sequence[Observation]:
        champion = release.variants[Variant.A].model_version
        after, until = iso_utc(start), iso_utc(start + self._seconds)
        rows: list[Observation] = []
        for shard in log_shards(release.digest):
            part = self._log.requests(shard, after, until, ROWS_PER_SHARD)
            rows += [row for _, row in part.rows if row.model_version == champion]
        return rows


def _features(release: Release) -> Mapping[str, Kind]:
    if release.dataset.task is Task.REGRESSION:
        return {PREDICTION: Kind.NUMERIC}
    classes = release.variants[Variant.A].classes or ()
    return {PREDICTION: Kind.CATEGORICAL, **{f"probability_{name}": Kind.NUMERIC for name in classes}}


def _columns(rows: Sequence[Observation], features: Mapping[str, Kind]) -> Mapping[str, ColumnSample]:
    found: dict[str, ColumnSample] = {}
    for name, kind in features.items():
        if kind is Kind.CATEGORICAL:
            found[name] = CategoricalSample(dict(Counter(_label(row) for row in rows)))
            continue
        label = name.removeprefix("probability_")
        values = [
            row.prediction if name == PREDICTION else (row.probabilities or {}).get(label, np.nan)
            for row in rows
        ]
        found[name] = NumericSample(np.array(values, dtype=np.float32))
    return found


def _label(row: Observation) -> str:
    return row.prediction if isinstance(row.prediction, str) else label_text(row.prediction)
