"""One frozen settings object per program, read from an environment that its entry point passes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contender.errors import BadInput, Problem


class Env:
    """Reads typed values from an environment and collects every problem before it complains."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._problems: list[Problem] = []

    def text(self, name: str, default: str | None = None) -> str:
        """Reads a text; one without a default must be set and not be empty."""
        value = self._environ.get(name, "")
        if value:
            return value
        if default is None:
            self._problems.append(Problem(name, "is not set", "set this environment variable"))
            return ""
        return default

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """Reads a number in [low, high]."""
        text = self._environ.get(name, "")
        if not text:
            return default
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            self._problems.append(
                Problem(name, f"is {text!r}", f"set it to a number from {low:g} to {high:g}")
            )
            return default
        return value

    def switch(self, name: str, default: bool) -> bool:
        """Reads ``true`` or ``false``."""
        text = self._environ.get(name, "")
        if text not in ("", "true", "false"):
            self._problems.append(Problem(name, f"is {text!r}", "set it to true or false"))
        return text == "true" if text else default

    def choice(self, name: str, allowed: Sequence[str], default: str) -> str:
        """Reads one of several texts."""
        text = self._environ.get(name, "") or default
        if text not in allowed:
            self._problems.append(Problem(name, f"is {text!r}", f"set it to {' or '.join(allowed)}"))
            return default
        return text

    def names(self, name: str) -> tuple[str, ...]:
        """Reads a comma-separated list, which may be empty."""
        return tuple(part.strip() for part in self._environ.get(name, "").split(",") if part.strip())

    def check(self) -> None:
        """Raises ``BadInput`` naming every problem met so far."""
        if self._problems:
            raise BadInput(self._problems)


def _training_limit_s(env: Env) -> float:
    """The same variable for the training itself and for the check that stops one which hangs.

    By default 4 h: the search has a budget of minutes, and no refit seen came near it.
    """
    return env.number("TRAINING_LIMIT_SECONDS", 14_400.0, 1.0, 604_800.0)


@dataclass(frozen=True, slots=True)
class RouterSettings:
    """What the router needs.

    Attributes:
        artifact_bucket: Where releases and models lie.
        predictions_table: The prediction log.
        release_parameter: Name of the parameter that points to the release.
        split_parameter: Name of the parameter that holds the share of B.
        refresh_s: Longest age of release and split in a warm router, in seconds. 5 keeps the promise of
            10 s with room for a slow read, at one SSM call per 5 s and instance.
        retention_days: How long the log keeps a prediction.
        shadow: Whether the variant that does not serve is asked too, and both answers are logged.
    """

    artifact_bucket: str
    predictions_table: str
    release_parameter: str
    split_parameter: str
    refresh_s: float
    retention_days: float
    shadow: bool

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> RouterSettings:
        """Reads the environment. Raises ``BadInput`` naming each variable that is missing or wrong."""
        env = Env(environ)
        settings = cls(
            artifact_bucket=env.text("ARTIFACT_BUCKET"),
            predictions_table=env.text("PREDICTIONS_TABLE"),
            release_parameter=env.text("RELEASE_PARAMETER"),
            split_parameter=env.text("SPLIT_PARAMETER"),
            refresh_s=env.number("REFRESH_SECONDS", 5.0, 0.0, 10.0),
            retention_days=env.number("RETENTION_DAYS", 90.0, 1.0, 3650.0),
            shadow=env.switch("SHADOW", default=False),
        )
        env.check()
        return settings


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """What the drift check needs, besides the thresholds of ``DriftSettings``.

    Attributes:
        data_bucket: Where ``dataset.json`` and the windows lie.
        artifact_bucket: Where reports go.
        runs_table: The run records.
        release_parameter: Name of the parameter that points to the release.
        cluster_arn: ECS cluster of the training task.
        task_definition_arn: Its task definition.
        container_name: The container that gets the job's environment.
        subnets: Subnets of the task; empty leaves the network configuration out.
        security_groups: Its security groups.
        training_limit_s: Longest life of a training in seconds; a task that outlives it is stopped.
        predictions_table: The prediction log, whose predictions are checked for drift too; empty leaves that
            out.
        prediction_hours: How much of it is compared, in hours.
    """

    data_bucket: str
    artifact_bucket: str
    runs_table: str
    release_parameter: str
    cluster_arn: str
    task_definition_arn: str
    container_name: str
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    training_limit_s: float
    predictions_table: str
    prediction_hours: float

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> CheckSettings:
        """Reads the environment. Raises ``BadInput`` naming each variable that is missing or wrong."""
        env = Env(environ)
        settings = cls(
            data_bucket=env.text("DATA_BUCKET"),
            artifact_bucket=env.text("ARTIFACT_BUCKET"),
            runs_table=env.text("RUNS_TABLE"),
            release_parameter=env.text("RELEASE_PARAMETER"),
            cluster_arn=env.text("CLUSTER_ARN"),
            task_definition_arn=env.text("TASK_DEFINITION_ARN"),
            container_name=env.text("CONTAINER_NAME", "trainer"),
            subnets=env.names("SUBNETS"),
            security_groups=env.names("SECURITY_GROUPS"),
            training_limit_s=_training_limit_s(env),
            predictions_table=env.text("PREDICTIONS_TABLE", ""),
            prediction_hours=env.number("PREDICTION_DRIFT_HOURS", 0.0, 0.0, 8760.0),
        )
        env.check()
        return settings


@dataclass(frozen=True, slots=True)
class TrainerSettings:
    """What a training task is told and how long it may search.

    Attributes:
        data_bucket: Where ``dataset.json`` and the windows lie.
        artifact_bucket: Where models and releases go.
        runs_table: The run records.
        release_parameter: Name of the parameter that points to the release.
        tracking_uri: The MLflow server.
        model_name: The registered model.
        run_key: The run record to report to.
        reason: Why it runs (``drift``, ``no_champion``).
        train_prefix: Prefix of the window in the data bucket.
        report_key: Key of the drift report; empty without one.
        search_budget_s: Time for the search over algorithms, in seconds.
        search_rows: Most rows that the search sees; the winner is refitted on all of them.
        folds: Folds of the cross-validation.
        holdout_share: Newest share of the window that nothing trains on.
        model_limit_mb: Largest model file that may serve: it has to reach a cold Lambda.
        seed: Seed of everything random.
        time_limit_s: Longest life of the whole training in seconds, after which it gives up.
        experiments_table: Experiments and history.
        split_parameter: Name of the parameter that holds the share of B.
        initial_split: Share with which a challenger begins, in [0, 1].
        queue_rule: What a new challenger does while another is being tried: ``wait`` or ``replace``.
    """

    data_bucket: str
    artifact_bucket: str
    runs_table: str
    release_parameter: str
    tracking_uri: str
    model_name: str
    run_key: str
    reason: str
    train_prefix: str
    report_key: str
    search_budget_s: float
    search_rows: int
    folds: int
    holdout_share: float
    model_limit_mb: float
    seed: int
    time_limit_s: float
    experiments_table: str
    split_parameter: str
    initial_split: float
    queue_rule: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> TrainerSettings:
        """Reads the environment. Raises ``BadInput`` naming each variable that is missing or wrong."""
        env = Env(environ)
        settings = cls(
            data_bucket=env.text("DATA_BUCKET"),
            artifact_bucket=env.text("ARTIFACT_BUCKET"),
            runs_table=env.text("RUNS_TABLE"),
            release_parameter=env.text("RELEASE_PARAMETER"),
            tracking_uri=env.text("MLFLOW_TRACKING_URI"),
            model_name=env.text("MODEL_NAME", "contender"),
            run_key=env.text("RUN_KEY"),
            reason=env.text("REASON"),
            train_prefix=env.text("TRAIN_PREFIX"),
            report_key=env.text("REPORT_KEY", ""),
            search_budget_s=env.number("SEARCH_BUDGET_SECONDS", 120.0, 5.0, 86_400.0),
            search_rows=int(env.number("SEARCH_ROWS", 10_000, 100, 10_000_000)),
            folds=int(env.number("FOLDS", 3, 2, 20)),
            holdout_share=env.number("HOLDOUT_SHARE", 0.2, 0.05, 0.5),
            model_limit_mb=env.number("MODEL_LIMIT_MB", 50.0, 0.01, 500.0),
            seed=int(env.number("SEED", 20130101, 0, 2**31 - 1)),
            time_limit_s=_training_limit_s(env),
            experiments_table=env.text("EXPERIMENTS_TABLE"),
            split_parameter=env.text("SPLIT_PARAMETER"),
            initial_split=env.number("INITIAL_SPLIT", 0.2, 0.0, 1.0),
            queue_rule=env.choice("QUEUE_RULE", ("wait", "replace"), "wait"),
        )
        env.check()
        return settings


@dataclass(frozen=True, slots=True)
class SettleSettings:
    """What the function needs that hears of ended tasks.

    Attributes:
        runs_table: The run records.
    """

    runs_table: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> SettleSettings:
        """Reads the environment. Raises ``BadInput`` naming each variable that is missing or wrong."""
        env = Env(environ)
        settings = cls(runs_table=env.text("RUNS_TABLE"))
        env.check()
        return settings


@dataclass(frozen=True, slots=True)
class ProfileSettings:
    """What the function needs that profiles objects of a large window.

    Attributes:
        data_bucket: Where ``dataset.json`` and the windows lie.
        artifact_bucket: Where profiles go, and releases lie.
        release_parameter: Points to the release, whose champion says what drift is measured against.
    """

    data_bucket: str
    artifact_bucket: str
    release_parameter: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> ProfileSettings:
        """Reads the environment. Raises ``BadInput`` naming each variable that is missing or wrong."""
        env = Env(environ)
        settings = cls(env.text("DATA_BUCKET"), env.text("ARTIFACT_BUCKET"), env.text("RELEASE_PARAMETER"))
        env.check()
        return settings
