"""The whole reading of an experiment, from its records to what may be said.

Analysis is by the *assigned* variant, whichever one answered (intention to treat): a fallback happens when a
variant fails, and dropping or moving its requests would compare different kinds of requests. Fallbacks so
count against the variant that could not answer; they are reported, and they pull the variants' figures
together.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from contender.domain.dataset import Task
from contender.domain.experiment.accounts import Accounts, Epoch, VariantSummary
from contender.domain.experiment.columns import Order
from contender.domain.experiment.comparison import compare_all
from contender.domain.experiment.completeness import Completeness, completeness
from contender.domain.experiment.log import Log
from contender.domain.experiment.look import Look, read
from contender.domain.experiment.metrics import METRICS, VALUE, Comparison
from contender.domain.experiment.settings import ExperimentSettings
from contender.domain.experiment.shape import (
    Calibration,
    Histogram,
    Reliability,
    TimeBin,
    histogram,
    timeline,
)
from contender.domain.experiment.srm import SampleRatio
from contender.domain.experiment.state import replay
from contender.domain.experiment.verdict import Verdict
from contender.errors import BadInput


@dataclass(frozen=True, slots=True)
class Analysis:
    """Everything that is known of an experiment.

    Attributes:
        task: Classification or regression.
        classes: Class labels; empty for regression.
        positive: The positive class of two; ``None`` otherwise.
        level: Coverage of all intervals.
        requests: Records.
        clustered: Whether units repeat, so that errors are computed by unit.
        a: Requests assigned to A.
        b: Requests assigned to B.
        settings: How it was judged.
        comparisons: One per metric, the primary one first; for one look.
        look: The same for any number of looks, as it would have been evaluated while the records came in:
            what the verdict is about.
        completeness: Missing and late outcomes.
        epochs: By version of the split.
        scores: Distribution of the predicted number, or of the positive class's probability; ``None``
            otherwise.
        errors: Distribution of prediction - outcome; ``None`` for classification.
        calibration: ``None`` without probabilities.
        timeline: The course of time.
        roundings: What was rounded to be counted → the largest relative error of its numbers; empty when
            nothing was (:mod:`.tally`).
    """

    task: Task
    classes: tuple[str, ...]
    positive: str | None
    level: float
    requests: int
    clustered: bool
    a: VariantSummary
    b: VariantSummary
    settings: ExperimentSettings
    comparisons: tuple[Comparison, ...]
    look: Look
    completeness: Completeness
    epochs: tuple[Epoch, ...]
    scores: Histogram | None
    errors: Histogram | None
    calibration: Calibration | None
    timeline: tuple[TimeBin, ...]
    roundings: dict[str, float]

    @property
    def ratio(self) -> SampleRatio:
        """Sample ratio check."""
        return self.look.ratio

    @property
    def verdict(self) -> Verdict:
        """What is to be done."""
        return self.look.verdict


def analyse(
    log: Log,
    positive: str | None = None,
    settings: ExperimentSettings | None = None,
    challenger: bool | None = None,
) -> Analysis:
    """Reads an experiment.

    Args:
        log: Its records: one release, so that each variant is one model. It is read several times.
        positive: Positive class of two; ``None`` for the second in the order of ``log.classes``.
        settings: How it is judged.
        challenger: Whether the release has a B, which records without one cannot tell; ``None`` when unknown.

    Returns:
        The analysis.

    Raises:
        BadInput: For a positive class or primary metric that the records do not have.
    """
    settings = settings or ExperimentSettings()
    level = settings.level
    index = _positive_index(log.classes, positive)
    value = VALUE._replace(higher_is_better=settings.value_higher_is_better)
    accounts = Accounts(log.classes, index, clustered=log.clustered)
    reliability = Reliability(log.classes, index)
    # Nothing of what follows needs the replay, and both wait for the log half of their time.
    with ThreadPoolExecutor(1) as aside:
        replayed = aside.submit(replay, log, settings)
        comparisons = _primary_first(compare_all(log, index, level), settings.metric)
        primary = comparisons[0].metric
        for part in log.batches(Order.UNIT if log.clustered else Order.ANY):
            accounts.add(part)
            reliability.add(part)
        late = completeness(log, primary, level)
        course = timeline(log, accounts.start, accounts.end)
        look = read(replayed.result(), settings, challenger)
    return Analysis(
        task=log.task,
        classes=log.classes,
        positive=log.classes[index] if len(log.classes) == 2 else None,
        level=level,
        requests=len(log),
        clustered=log.clustered,
        a=accounts.variant(of_b=False),
        b=accounts.variant(of_b=True),
        settings=settings,
        comparisons=tuple(
            entry._replace(metric=value) if entry.metric is VALUE else entry for entry in comparisons
        ),
        look=look,
        completeness=late,
        epochs=accounts.epochs(),
        scores=histogram(accounts.scores),
        errors=histogram(accounts.errors) if log.task is Task.REGRESSION else None,
        calibration=reliability.result(level),
        timeline=course,
        roundings=accounts.roundings(),
    )


def _positive_index(classes: tuple[str, ...], positive: str | None) -> int:
    if positive is None:
        return 1 if len(classes) == 2 else 0
    if len(classes) != 2 or positive not in classes:
        known = ", ".join(classes) or "none: these are numbers"
        raise BadInput.of(
            "positive", f"{positive!r} is not one of two classes", f"leave it out; classes: {known}"
        )
    return classes.index(positive)


def _primary_first(comparisons: tuple[Comparison, ...], primary: str | None) -> tuple[Comparison, ...]:
    if primary is None:
        return comparisons
    able = [entry for entry in comparisons if entry.metric.name in METRICS]
    chosen = [entry for entry in able if entry.metric.name == primary]
    if not chosen:
        names = ", ".join(entry.metric.name for entry in able)
        raise BadInput.of("metric", f"{primary!r} cannot decide over these records", f"choose from {names}")
    return (*chosen, *(entry for entry in comparisons if entry is not chosen[0]))
