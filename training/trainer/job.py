"""The training job, step by step. Nothing of it serves before its last steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass

from contender.adapters.mlflow_registry import TRAIN_PREFIX, VersionTags
from contender.adapters.onnx_model import load_onnx
from contender.domain.dataset import Task
from contender.domain.promotion import GateResult, GateVerdict
from contender.domain.records import RunState
from contender.domain.split import format_share
from contender.errors import ContenderError, NotFound, TrainingFailed
from contender.experiment_ports import Experiments
from contender.ports import ObjectStore, Parameters, Registry
from contender.settings import TrainerSettings
from contender.usecases.declaration import read_dataset
from contender.usecases.publish import publish
from contender.usecases.queue import CHALLENGER, CHAMPION, QueueRule, enter, is_stopped
from trainer.candidates import candidates
from trainer.data import TrainingData, load_window
from trainer.findings import log_findings, log_plots
from trainer.helpers import Helper, usable_cores
from trainer.holdout import Parts, cap_rows, folds, split
from trainer.refit import Chosen, refit_best
from trainer.scoring import gate, holdout_metrics, losses
from trainer.search import search
from trainer.steps import Steps
from trainer.tracking import Tracking, describe, library_versions


@dataclass(frozen=True)
class Job:
    """A training with everything that it touches.

    Attributes:
        settings: What it was told.
        data: The data bucket.
        artifacts: The artifact bucket.
        parameters: Live configuration.
        experiments: Knows whether the experiment in force was stopped.
        registry: The model registry.
        tracking: The MLflow server.
        steps: Where steps are reported.
        helpers: Processes that do part of the search.
        hold_stops: Called before the steps that must not be left half-done: alias, release, run record.
    """

    settings: TrainerSettings
    data: ObjectStore
    artifacts: ObjectStore
    parameters: Parameters
    experiments: Experiments
    registry: Registry
    tracking: Tracking
    steps: Steps
    helpers: Sequence[Helper] = ()
    hold_stops: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Outcome:
    """What a training came to.

    Attributes:
        state: ``succeeded`` or ``rejected``.
        model_version: The registered version.
        detail: What the gate said.
    """

    state: RunState
    model_version: str
    detail: str


def run_job(job: Job) -> Outcome:
    """Trains, judges, registers and publishes.

    The order keeps a crash harmless: everything is logged, then a version is registered, then it gets an
    alias if the gate lets it, then the release is published. A version without alias serves nowhere, and an
    alias without release is published by the next training or by ``scripts.publish``. Whoever stops a
    training that is about to give the alias waits for the rest, so that its record tells of it.

    Args:
        job: The training.

    Returns:
        What it came to.

    Raises:
        BadInput: When the declaration or the window is wrong.
        TrainingFailed: When no model could be made of it, or it was not released; says which alias it has.
        StoreUnavailable: When a service does not answer.
    """
    settings = job.settings
    window = settings.train_prefix.strip("/").split("/")[-1]
    tags = {"run_key": settings.run_key, "window": window, "reason": settings.reason}
    # The champion is asked for only later, but a registry that does not answer is better found out now.
    job.registry.by_alias(CHAMPION)
    with job.tracking.run(f"{window} ({settings.reason})", _params(settings, window), tags) as run_id:
        try:
            return _train(job, window, run_id)
        except ContenderError as error:
            with suppress(Exception):  # what has failed may be MLflow; the run record is told in any case
                job.tracking.tags({"failure": str(error)[:4000]})
            raise


def _train(job: Job, window: str, run_id: str) -> Outcome:
    settings, steps, tracking = job.settings, job.steps, job.tracking
    dataset = read_dataset(job.data)
    data = load_window(job.data, settings.train_prefix, dataset)
    steps.done("load", f"{len(data)} rows of {window}", rows=len(data), dropped=dict(data.dropped))

    parts = _part(data, settings)
    train, holdout = parts.train, parts.holdout
    sample = cap_rows(train, settings.search_rows, settings.seed)
    folded, how_folded = folds(sample, settings.folds, settings.seed)
    tracking.params(
        {
            "dataset": dataset.name,
            "task": dataset.task.value,
            "features": len(dataset.features),
            "rows": len(data),
            "rows_train": len(train),
            "rows_holdout": len(holdout),
            "rows_search": len(sample),
            "rows_dropped": sum(train.dropped.values()),
            "holdout": parts.how,
            "cross_validation": how_folded,
        }
    )
    tracking.document(dataset.to_dict(), "dataset.json")
    if settings.report_key:
        _copy_report(job)
    steps.done(
        "split",
        f"holdout: {parts.how}; search: {len(sample)} rows, {how_folded}",
        train=len(train),
        holdout=len(holdout),
    )

    contestants = candidates(dataset.task, settings.seed, usable_cores())
    leaderboard = search(sample, folded, contestants, settings.search_budget_s, settings.seed, job.helpers)
    best = leaderboard.ranked[0]
    steps.done(
        "search",
        f"{len(leaderboard.ranked)} of {len(contestants)} algorithms ranked by {leaderboard.metric}; first: "
        f"{best.candidate.name} {best.metrics[leaderboard.metric]:.4f}",
        ranking=[entry.candidate.key for entry in leaderboard.ranked],
    )

    with _aside() as aside:
        # What waits for MLflow and what computes go on side by side, each behind the last step that it needs.
        listed = aside.submit(tracking.candidates, leaderboard)
        chosen = refit_best(leaderboard, train, holdout, settings.model_limit_mb)
        for attempt in chosen.attempts[:-1]:
            steps.done("passed_over", f"{attempt.name}: {attempt.passed_over}")
        last = chosen.attempts[-1]
        steps.done(
            "refit",
            f"{last.name} refitted on {len(train)} rows, {last.bytes / 1e6:.2f} MB of ONNX; {last.parity}",
            bytes=last.bytes,
            sha256=chosen.sha256,
        )

        predictions = chosen.model.predict_many(holdout.columns)
        metrics = holdout_metrics(holdout, chosen.model, predictions)
        result, champion = gate(
            holdout, losses(holdout, chosen.model, predictions), job.registry, load_onnx, settings.seed
        )
        steps.done("gate", result.reason, verdict=result.verdict.value, holdout=metrics)

        drawn = aside.submit(log_plots, tracking, holdout, chosen, predictions, settings.seed)
        log_findings(tracking, leaderboard, chosen, result, champion, metrics)
        model_uri = tracking.models(chosen, dataset, holdout.features)
        for one in (listed, drawn):
            one.result()
        steps.done("log", f"run {run_id}: leaderboard, plots, gate, models")

    description = f"{last.name} on {window} ({settings.reason}): {describe(metrics)}. Gate: {result.reason}"
    version = tracking.register(model_uri, run_id, _version_tags(job, chosen, result, window), description)
    steps.done("register", f"version {version} of {settings.model_name}", model_version=version)

    job.hold_stops()
    place = _give_place(job, version, result)
    steps.done("alias", place)
    try:
        published = publish(job.registry, job.artifacts, job.parameters, dataset, settings.release_parameter)
    except ContenderError as error:
        raise TrainingFailed(f"{place}, but not released: {error}; run scripts.publish") from error
    steps.done("publish", published.summary, release=published.digest, changed=published.changed)
    state = RunState.SUCCEEDED if result.may_serve else RunState.REJECTED
    return Outcome(state, version, f"{result.reason}; {place}" if result.may_serve else result.reason)


def _params(settings: TrainerSettings, window: str) -> dict[str, object]:
    told = asdict(settings)
    for name in ("tracking_uri", "run_key"):  # where, not what; the key is a tag
        del told[name]
    return {
        "window": window,
        **told,
        **{f"version_{name}": text for name, text in library_versions().items()},
    }


def _part(data: TrainingData, settings: TrainerSettings) -> Parts:
    parts = split(data, settings.holdout_share, settings.seed)
    # Only what is trained on: the holdout keeps its rare classes, on which every model is equally blind.
    train = parts.train.without_rare_classes(settings.folds)
    if data.dataset.task is Task.CLASSIFICATION and len(set(train.target.tolist())) < 2:
        raise TrainingFailed(
            f"{data.dataset.target}: fewer than two classes have {settings.folds} rows or more in the "
            f"training part ({parts.how} held out); use a larger window"
        )
    return Parts(train, parts.holdout, parts.how)


def _copy_report(job: Job) -> None:
    try:
        job.tracking.text(job.artifacts.get(job.settings.report_key).decode(), "drift_report.json")
    except NotFound:
        job.steps.done("report", f"{job.artifacts.uri(job.settings.report_key)} is not there: not copied")


@contextmanager
def _aside() -> Iterator[Executor]:
    """One thread beside this one. When the training has to end, nothing here waits for what it does."""
    pool = ThreadPoolExecutor(1)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _version_tags(job: Job, chosen: Chosen, result: GateResult, window: str) -> dict[str, str]:
    file = VersionTags(chosen.sha256, len(chosen.content), chosen.classes, library_versions())
    return {
        **file.to_tags(),
        TRAIN_PREFIX: job.settings.train_prefix,
        "window": window,
        "run_key": job.settings.run_key,
        "algorithm": chosen.candidate.name,
        "gate": result.verdict.value,
        "gate_reason": result.reason[:4000],
    }


def _give_place(job: Job, version: str, result: GateResult) -> str:
    """Gives the version its alias, or lets it wait; says so."""
    if not result.may_serve:
        return f"no alias: version {version} is {result.reason}"
    if result.verdict is GateVerdict.FIRST:
        job.registry.set_alias(CHAMPION, version)
        return f"version {version} is @{CHAMPION}"
    settings = job.settings
    stopped = is_stopped(job.experiments, job.parameters, settings.release_parameter)
    placed = enter(job.registry, version, QueueRule(settings.queue_rule), stopped)
    if not placed.challenges:
        return f"version {version} waits until the experiment of version {placed.waits_for} has ended"
    told = f"version {version} is @{CHALLENGER}"
    if not placed.replaced:
        return told
    if stopped:
        # The guardrail that stopped it left the split at 0, which was not meant for the next one.
        job.parameters.put(settings.split_parameter, format_share(settings.initial_split))
    return f"{told}; it replaces version {placed.replaced}, whose experiment ends"
