"""Writes docs/cost.md: what a month costs at three sizes, beside an endpoint that is always on.

Nothing in it is typed by hand: prices and usage are assumptions of scripts/cost_model.py, sizes are the
template's.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.local.deploy import read_template
from scripts.cost_model import (
    PRICES,
    PRICES_AS_OF,
    Cost,
    Shape,
    Usage,
    always_on,
    assumptions,
    break_even,
    mlflow_server,
    serverless,
)

PATH = Path(__file__).resolve().parents[1] / "docs" / "cost.md"
SIZES = (1e4, 1e6, 1e8)
FREE = ("SSM (two standard parameters)", "SQS, SNS, EventBridge", "VPC without NAT, gateway endpoints")
"""What costs less than a cent, or nothing, at every size."""


def main(argv: Sequence[str] | None = None) -> int:
    """Writes the document, or says whether it is up to date; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.cost", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether docs/cost.md is up to date")
    arguments = parser.parse_args(argv)
    text = document(Shape.read(read_template()), Usage())
    if not arguments.check:
        PATH.write_text(text)
        print(PATH)
        return 0
    if PATH.exists() and PATH.read_text() == text:
        return 0
    print("docs/cost.md is out of date: run `.venv/bin/python -m scripts.cost`", file=sys.stderr)
    return 1


def document(shape: Shape, usage: Usage) -> str:
    """The whole page, in Markdown."""
    ours = [serverless(size, shape, usage) for size in SIZES]
    theirs = [always_on(size, shape, usage) for size in SIZES]
    server = mlflow_server()

    def dearer(ours_mlflow: float, theirs_mlflow: float) -> float:
        return break_even(
            lambda size: (
                _total(serverless(size, shape, usage)) + ours_mlflow
                > _total(always_on(size, shape, usage)) + theirs_mlflow
            )
        )

    same, own = dearer(server, server), dearer(0, server)
    grown = _total(serverless(1e8, shape, usage)) - _total(serverless(1e7, shape, usage))
    parts = [
        "# What it costs",
        "<!-- Written by `python -m scripts.cost` and compared by a test: change "
        "scripts/cost_model.py instead. -->",
        f"USD a month in us-east-1, list prices as known in {PRICES_AS_OF}, no free tier. Prices are "
        "assumptions: "
        "check them before deciding by them. "
        f"One training a week ({shape.training_vcpu:g} vCPU, {shape.training_gb:g} GB, "
        f"{usage.training_h * 60:.0f} minutes), a drift check a day, an evaluation every five minutes, an "
        "outcome for every prediction, records "
        f"kept for {shape.record_days:g} days, logs for {shape.log_days:g}.",
        "## Contender",
        _table(ours, [("managed MLflow server, if made", server)]),
        "From 10 million on, each further million of predictions with their outcomes costs "
        f"{_usd(grown / 90)}. "
        "Below, X-Ray records almost every request, at more than API Gateway's price: a sampling "
        "rule of your "
        f"own lowers that. Less than a cent at every size: {'; '.join(FREE)}.",
        "The managed MLflow server is the largest part of a small bill. It is needed only while a "
        "training runs "
        "or people look: `aws sagemaker stop-mlflow-tracking-server` in between, or name a server of "
        "your own in "
        "`MlflowTrackingUri`.",
        "## An endpoint that is always on",
        f"The same loop around a SageMaker endpoint of {usage.endpoint_instances:g} × ml.m5.large "
        "that is called "
        "without API Gateway, with a small MLflow server.",
        _table(theirs, [("managed MLflow server", server)]),
        "## Break-even",
        f"With a managed MLflow server on both sides Contender is cheaper up to {_count(same)} predictions a "
        f"month; against it with an MLflow server that costs nothing extra, up to {_count(own)}. "
        "Above, the price "
        "of each request (API Gateway, Lambda, logs) exceeds that of two idle instances. The "
        "endpoint's price is "
        "a floor: it stays as it is only as long as two instances can take the load.",
        "## Prices",
        _rows(("price", "USD", "for"), [(name, f"{p.usd:.10g}", p.unit) for name, p in PRICES.items()]),
        "## Usage",
        "What each means stands in `scripts/cost_model.py`.",
        _rows(("assumption", "value"), [(name, f"{value:,.6g}") for name, value in assumptions(usage)]),
    ]
    return "\n\n".join(parts) + "\n"


def _table(costs: Sequence[Cost], extra: Sequence[tuple[str, float]]) -> str:
    rows = [(name, *(_usd(cost[name]) for cost in costs)) for name in costs[0]]
    rows.append(("**together**", *(f"**{_usd(_total(cost))}**" for cost in costs)))
    for name, value in extra:
        rows.append((name, *(_usd(value) for _ in costs)))
        rows.append(
            (f"**with {name.split(',')[0]}**", *(f"**{_usd(_total(cost) + value)}**" for cost in costs))
        )
    return _rows(("predictions a month", *(_count(size) for size in SIZES)), rows)


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _total(cost: Cost) -> float:
    return sum(cost.values())


def _usd(value: float) -> str:
    return f"{value:,.2f}"


def _count(value: float) -> str:
    """A number of predictions in words: 10 thousand, 2.6 million."""
    for size, name in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if value >= size:
            return f"{value / size:.3g} {name}"
    return f"{value:.0f}"


if __name__ == "__main__":
    sys.exit(main())
