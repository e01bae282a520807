"""What a month of Contender costs, and a month of an endpoint that is always on.

Everything is a list price of us-east-1 without any free tier. Prices are assumptions with a date: check them
before deciding by them. Sizes and settings come from the template where it has them, and from the
demo where it measured.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

HOURS = 730
"""Hours of a month."""
DAYS = 365 / 12
SECONDS = DAYS * 86_400
GB = 1e9
MB = 1e6


@dataclass(frozen=True)
class Price:
    """A list price.

    Attributes:
        usd: The price.
        unit: What it is for.
    """

    usd: float
    unit: str


PRICES_AS_OF = "June 2025"
"""When these were known to hold; nothing has looked them up since."""
PRICES: Mapping[str, Price] = {
    "API Gateway REST": Price(3.50, "million requests"),
    "Data out": Price(0.09, "GB to the internet"),
    "Lambda request": Price(0.20, "million requests"),
    "Lambda time": Price(0.0000166667, "GB-second, x86, first starts included"),
    "DynamoDB write": Price(0.625, "million write units of 1 KB, on demand"),
    "DynamoDB storage": Price(0.25, "GB-month"),
    "DynamoDB recovery": Price(0.20, "GB-month of point-in-time recovery"),
    "DynamoDB export": Price(0.10, "GB exported to S3"),
    "S3 storage": Price(0.023, "GB-month, standard"),
    "S3 read": Price(0.40, "million GET requests"),
    "CloudWatch log": Price(0.50, "GB taken in"),
    "CloudWatch log storage": Price(0.03, "GB-month, compressed"),
    "CloudWatch alarm": Price(0.10, "alarm-month"),
    "X-Ray": Price(5.00, "million traces recorded"),
    "Fargate vCPU": Price(0.04048, "vCPU-hour, Linux x86"),
    "Fargate memory": Price(0.004445, "GB-hour"),
    "ECR": Price(0.10, "GB-month"),
    "KMS": Price(0.03, "10,000 requests"),
    "SageMaker endpoint": Price(0.115, "hour of ml.m5.large for inference"),
    "SageMaker data": Price(0.016, "GB in or out of an endpoint"),
    "SageMaker MLflow": Price(0.642, "hour of a small tracking server (the least certain price here)"),
}


@dataclass(frozen=True)
class Usage:
    """What a month does, beside the number of predictions.

    Attributes:
        feedback_share: Share of predictions whose outcome comes back.
        predict_ms: Billed time of a prediction, in ms; the emulator takes 11, its API and table included.
        feedback_ms: Billed time of a feedback, in ms.
        cold_share: Share of requests that start a new instance.
        cold_ms: Billed time of such a start, in ms: imports, release, model.
        record_bytes: Size of a record by DynamoDB's rules: measured on the demo's flights, 14 features.
        index_bytes: Size of its entries in the two indexes, with 100 bytes of overhead each.
        export_bytes: Size of a record in an export, compressed: measured.
        answer_bytes: Size of an answer with its headers.
        router_log_bytes: The router's log line.
        lambda_log_bytes: Lambda's own three lines a call.
        access_log_bytes: API Gateway's line.
        log_compression: Stored size of a log by its size when taken in.
        exports: Exports of the log.
        checks: Drift checks.
        check_s: Billed time of a check, in seconds.
        evaluations: Evaluations of the experiment in force: one every five minutes.
        evaluate_s: Billed time of one, in seconds.
        trainings: Trainings: one a week.
        training_h: Time of a training, in hours.
        kept_gb: Windows, models and MLflow's artifacts, in GB.
        images_gb: Training images kept, compressed, in GB.
        kms_requests: DynamoDB asks for its key at most every five minutes, for each of two tables.
        endpoint_instances: Instances of the endpoint: two, so that one may fail.
    """

    feedback_share: float = 1.0
    predict_ms: float = 20.0
    feedback_ms: float = 15.0
    cold_share: float = 0.005
    cold_ms: float = 2000.0
    record_bytes: float = 531.0 + 100.0
    index_bytes: float = 480.0 + 500.0
    export_bytes: float = 103.0
    answer_bytes: float = 700.0
    router_log_bytes: float = 330.0
    lambda_log_bytes: float = 430.0
    access_log_bytes: float = 260.0
    log_compression: float = 0.15
    exports: float = 4.0
    checks: float = DAYS
    check_s: float = 20.0
    evaluations: float = SECONDS / 300
    evaluate_s: float = 1.0
    trainings: float = 52 / 12
    training_h: float = 0.25
    kept_gb: float = 5.0
    images_gb: float = 3.0
    kms_requests: float = 2 * SECONDS / 300
    endpoint_instances: float = 2.0


@dataclass(frozen=True)
class Shape:
    """What the template says.

    Attributes:
        router_gb: Memory of the router, in GB.
        check_gb: Memory of the drift check, in GB.
        evaluate_gb: Memory of the evaluation, in GB.
        training_vcpu: CPU of a training.
        training_gb: Memory of a training, in GB.
        alarms: Number of alarms.
        log_days: Days for which logs are kept.
        record_days: Days for which records are kept.
    """

    router_gb: float
    check_gb: float
    evaluate_gb: float
    training_vcpu: float
    training_gb: float
    alarms: int
    log_days: float
    record_days: float

    @classmethod
    def read(cls, template: Mapping[str, Any]) -> Shape:
        """Reads a template as ``infra.local.deploy.read_template`` gives it."""
        resources, parameters = template["Resources"], template["Parameters"]

        def default(name: str) -> float:
            return float(parameters[name]["Default"])

        return cls(
            router_gb=resources["RouterFunction"]["Properties"]["MemorySize"] / 1024,
            check_gb=resources["DetectDriftFunction"]["Properties"]["MemorySize"] / 1024,
            evaluate_gb=resources["EvaluateFunction"]["Properties"]["MemorySize"] / 1024,
            training_vcpu=default("TrainingCpu") / 1024,
            training_gb=default("TrainingMemory") / 1024,
            alarms=sum(one["Type"] == "AWS::CloudWatch::Alarm" for one in resources.values()),
            log_days=default("LogRetentionDays"),
            record_days=default("PredictionRetentionDays"),
        )


Cost = dict[str, float]
"""Service → USD a month."""


def serverless(predictions: float, shape: Shape, usage: Usage) -> Cost:
    """Cost of a month of Contender, its MLflow server apart.

    Args:
        predictions: Predictions of the month.
        shape: What the template says.
        usage: What else a month does.
    """
    requests = predictions * (1 + usage.feedback_share)
    busy_ms = predictions * (usage.predict_ms + usage.feedback_share * usage.feedback_ms)
    cold = requests * usage.cold_share
    router_s = (busy_ms + cold * usage.cold_ms) / 1000
    lambda_gb_s = router_s * shape.router_gb + _scheduled_gb_s(shape, usage)
    log_bytes = requests * (usage.router_log_bytes + usage.lambda_log_bytes + usage.access_log_bytes)
    return {
        "API Gateway": _cost("API Gateway REST", requests / 1e6)
        + _cost("Data out", requests * usage.answer_bytes / GB),
        "Lambda": _cost("Lambda request", (requests + usage.checks + usage.evaluations) / 1e6)
        + _cost("Lambda time", lambda_gb_s),
        **_common(predictions, shape, usage),
        "CloudWatch": _logs(log_bytes, shape, usage) + _cost("CloudWatch alarm", shape.alarms),
        "X-Ray": _cost("X-Ray", traces(requests) / 1e6),
    }


def always_on(predictions: float, shape: Shape, usage: Usage) -> Cost:
    """Cost of a month of the same loop around a SageMaker endpoint, its MLflow server apart.

    Callers sign their requests to the endpoint themselves, without API Gateway; drift checks, training,
    log and alarms are the same.
    """
    requests = predictions * (1 + usage.feedback_share)
    hours = usage.endpoint_instances * HOURS
    return {
        "SageMaker endpoint": _cost("SageMaker endpoint", hours)
        + _cost("SageMaker data", 2 * requests * usage.answer_bytes / GB)
        + _cost("Data out", requests * usage.answer_bytes / GB),
        "Lambda": _cost("Lambda request", (usage.checks + usage.evaluations) / 1e6)
        + _cost("Lambda time", _scheduled_gb_s(shape, usage)),
        **_common(predictions, shape, usage),
        "CloudWatch": _logs(requests * usage.router_log_bytes, shape, usage)
        + _cost("CloudWatch alarm", shape.alarms),
    }


def mlflow_server() -> float:
    """Cost of a month of a small managed MLflow server."""
    return _cost("SageMaker MLflow", HOURS)


def traces(requests: float) -> float:
    """Traces recorded by X-Ray's default rule for evenly spread requests: one a second, and 5% of "
    "the rest."""
    rate = requests / SECONDS
    return SECONDS * (min(rate, 1) + 0.05 * max(rate - 1, 0))


def break_even(dearer_at: Callable[[float], bool], low: float = 1e3, high: float = 1e11) -> float:
    """The number of predictions from which something is dearer, by bisection.

    Args:
        dearer_at: Whether it is dearer at this number; false at ``low``, true at ``high``, changing once.
        low: Below the answer.
        high: Above it.

    Raises:
        ValueError: It is dearer at ``low`` already, or not even at ``high``.
    """
    if dearer_at(low) or not dearer_at(high):
        raise ValueError("the answer is not between low and high")
    while high / low > 1.0001:
        middle = (low * high) ** 0.5
        low, high = (low, middle) if dearer_at(middle) else (middle, high)
    return high


def assumptions(usage: Usage) -> list[tuple[str, float]]:
    """Name → value of every assumption about usage."""
    return [(field.name, getattr(usage, field.name)) for field in fields(usage)]


def _scheduled_gb_s(shape: Shape, usage: Usage) -> float:
    """What the scheduled functions take, whatever the traffic."""
    checks = usage.checks * usage.check_s * shape.check_gb
    return checks + usage.evaluations * usage.evaluate_s * shape.evaluate_gb


def _common(predictions: float, shape: Shape, usage: Usage) -> Cost:
    months = shape.record_days / DAYS
    records = predictions * months
    table_gb = records * usage.record_bytes / GB
    indexes_gb = records * usage.index_bytes / GB
    # A prediction is written to the table and one index; its outcome to the table and the other.
    writes = predictions * 2 * (1 + usage.feedback_share)
    cold = predictions * (1 + usage.feedback_share) * usage.cold_share
    exported_gb = usage.exports * records * usage.export_bytes / GB
    hours = usage.trainings * usage.training_h
    return {
        "DynamoDB": _cost("DynamoDB write", writes / 1e6)
        + _cost("DynamoDB storage", table_gb + indexes_gb)
        + _cost("DynamoDB recovery", table_gb)
        + _cost("DynamoDB export", usage.exports * table_gb),
        "S3": _cost("S3 storage", usage.kept_gb + exported_gb) + _cost("S3 read", 3 * cold / 1e6),
        "Fargate (training)": hours
        * (_cost("Fargate vCPU", shape.training_vcpu) + _cost("Fargate memory", shape.training_gb)),
        "ECR": _cost("ECR", usage.images_gb),
        "KMS": _cost("KMS", usage.kms_requests / 1e4),
    }


def _logs(taken_in: float, shape: Shape, usage: Usage) -> float:
    stored_gb = taken_in * shape.log_days / DAYS * usage.log_compression / GB
    return _cost("CloudWatch log", taken_in / GB) + _cost("CloudWatch log storage", stored_gb)


def _cost(price: str, amount: float) -> float:
    return PRICES[price].usd * amount
