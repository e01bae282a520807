"""How many outcomes an experiment needs before it can show a difference: the table to look at before it
starts.

For one look at a time fixed beforehand, and for any number of looks by the confidence sequence that decides
experiments: by when it is found with the given power, and by when half of the experiments have found it.
"""

from __future__ import annotations

import argparse
import math
import sys

from rich.console import Console
from rich.table import Table

from contender.domain.experiment import ExperimentSettings
from contender.domain.experiment.power import Needed, outcomes_needed
from contender.errors import BadInput, ContenderError
from scripts.analysis.report import make_report

_SOURCE = (
    "One look: n = (z_α/2 + z_β)² σ² / (p (1 − p) δ²). Any number of looks: first passage of the "
    "confidence sequence "
    "(Waudby-Smith et al., Annals of Statistics 2024) through 0, by its tangent (Bachelier and Lévy)."
)


def needed_table(
    effects: list[float], splits: list[float], deviation: float, power: float, settings: ExperimentSettings
) -> list[Needed]:
    """Computes one line for each effect and split."""
    return [
        outcomes_needed(effect, deviation, split, power, settings) for effect in effects for split in splits
    ]


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers like 0.01,0.05") from None


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    default = ExperimentSettings()
    parser = argparse.ArgumentParser(
        prog="python -m scripts.power",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--effects",
        type=_numbers,
        default=[0.01, 0.02, 0.05],
        metavar="LIST",
        help="differences to be found, in the metric's units (default: 0.01,0.02,0.05)",
    )
    parser.add_argument(
        "--splits",
        type=_numbers,
        default=[0.05, 0.1, 0.2, 0.5],
        metavar="LIST",
        help="shares of B (default: 0.05,0.1,0.2,0.5)",
    )
    spread = parser.add_mutually_exclusive_group()
    spread.add_argument(
        "--accuracy",
        type=float,
        default=0.8,
        metavar="SHARE",
        help="the metric is an accuracy, and about this high (default: %(default)s)",
    )
    spread.add_argument("--deviation", type=float, metavar="NUMBER", help="standard deviation of the metric")
    spread.add_argument(
        "--export", metavar="PLACE", help="take the standard deviation from A's outcomes in an export"
    )
    parser.add_argument(
        "--metric", help="metric to take from the export (default: log_loss, or absolute_error)"
    )
    parser.add_argument(
        "--power", type=float, default=0.8, help="chance of finding it (default: %(default)s)"
    )
    parser.add_argument("--level", type=float, default=default.level, help="coverage (default: %(default)s)")
    parser.add_argument(
        "--planned-outcomes",
        type=int,
        default=default.planned_outcomes,
        metavar="N",
        help="outcomes for which the sequence is narrowest (default: %(default)s)",
    )
    return parser.parse_args(argv)


def _deviation(args: argparse.Namespace) -> tuple[float, str]:
    """The metric's standard deviation, and where it comes from."""
    if args.export:
        report = make_report(args.export, settings=ExperimentSettings(metric=args.metric))
        entry = report.analysis.comparisons[0]
        deviation = entry.a.standard_error * math.sqrt(entry.a.outcomes)
        if not deviation > 0:
            raise BadInput.of("--export", "has no outcomes of A that vary", "give --deviation")
        return deviation, f"{entry.metric.label} of A, {entry.a.outcomes:,} outcomes"
    if args.deviation is not None:
        return args.deviation, "as given"
    if not 0 < args.accuracy < 1:
        raise BadInput.of("--accuracy", f"is {args.accuracy:g}", "give a share above 0 and below 1")
    return math.sqrt(args.accuracy * (1 - args.accuracy)), f"accuracy of about {args.accuracy:.0%}"


def main(argv: list[str] | None = None) -> int:
    """Prints the table; gives the exit code."""
    args = _arguments(argv)
    console = Console()
    try:
        settings = ExperimentSettings(level=args.level, planned_outcomes=args.planned_outcomes)
        deviation, origin = _deviation(args)
        lines = needed_table(args.effects, args.splits, deviation, args.power, settings)
    except ContenderError as error:
        console.print(str(error), style="red", highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130
    table = Table(
        title=f"Outcomes needed, of both variants together (σ = {deviation:.4g}: {origin})",
        title_justify="left",
    )
    for heading in ("difference", "share of B"):
        table.add_column(heading)
    for heading in (
        f"one look\n{args.power:.0%} power",
        f"any number of looks\n{args.power:.0%} power",
        "any number of looks\nhalf of the time",
    ):
        table.add_column(heading, justify="right")
    for line in lines:
        numbers = (line.fixed, line.sequential, line.typical)
        table.add_row(f"{line.effect:g}", f"{line.split:g}", *(f"{number:,}" for number in numbers))
    console.print(table)
    console.print(_SOURCE, style="dim", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
