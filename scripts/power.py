"""How many outcomes an experiment needs before it can show a difference: the table to look at before it
starts.

For one look at a time fixed beforehand, and for any number of looks by the confidence sequence that decides
experiments: by when it is found with the given power, and by when half of the experiments have found it.
That is for showing that there is a difference at all; an improvement below the margin may be retired first.
"""

from __future__ import annotations

import argparse
import math
import sys
from typing import NamedTuple

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


class Spread(NamedTuple):
    """What is known of the metric.

    Attributes:
        deviation: Its standard deviation.
        origin: Where that comes from.
        a_value: A's value; NaN where unknown.
        is_accuracy: Whether no value above 1 is possible.
    """

    deviation: float
    origin: str
    a_value: float = math.nan
    is_accuracy: bool = False


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


def _spread(args: argparse.Namespace) -> Spread:
    if args.export:
        report = make_report(args.export, settings=ExperimentSettings(metric=args.metric))
        entry = report.analysis.comparisons[0]
        deviation = entry.a.standard_error * math.sqrt(entry.a.outcomes)
        if not deviation > 0:
            raise BadInput.of("--export", "has no outcomes of A that vary", "give --deviation")
        origin = f"{entry.metric.label} of A, {entry.a.outcomes:,} outcomes"
        return Spread(deviation, origin, entry.a.value, entry.metric.name == "accuracy")
    if args.deviation is not None:
        return Spread(args.deviation, "as given")
    if not 0 < args.accuracy < 1:
        raise BadInput.of("--accuracy", f"is {args.accuracy:g}", "give a share above 0 and below 1")
    deviation = math.sqrt(args.accuracy * (1 - args.accuracy))
    return Spread(deviation, f"accuracy of about {args.accuracy:.0%}", args.accuracy, is_accuracy=True)


def _check_possible(effects: list[float], spread: Spread) -> None:
    for effect in effects:
        b_value = spread.a_value + effect
        if spread.is_accuracy and not -1e-9 <= b_value <= 1 + 1e-9:
            a_value = f"{spread.a_value:.4g}"
            raise BadInput.of(
                "--effects",
                f"has {effect:g}, with which B's accuracy would be {b_value:.0%} (A's is {a_value})",
                f"give differences from -{a_value} to {1 - spread.a_value:.4g}",
            )


def _rules(margin: float, settings: ExperimentSettings) -> str:
    size = f"{margin:.4g} here" if math.isfinite(margin) else "A's value is not known here: no row is marked"
    return (
        f"† The experiment ends before: it is decided at {settings.max_outcomes:,} outcomes at the latest, "
        "with KEEP if nothing was shown by then.\n"
        f"* Below the margin, the {settings.margin:.0%} of A's value that a new model must bring ({size}): "
        "tends to end with KEEP, as soon as it is shown to be less. At half the margin every second does, "
        "below that most, above it fewer; those do not find the difference."
    )


def main(argv: list[str] | None = None) -> int:
    """Prints the table; gives the exit code."""
    args = _arguments(argv)
    console = Console()
    try:
        settings = ExperimentSettings(level=args.level, planned_outcomes=args.planned_outcomes)
        spread = _spread(args)
        _check_possible(args.effects, spread)
        lines = needed_table(args.effects, args.splits, spread.deviation, args.power, settings)
    except ContenderError as error:
        console.print(str(error), style="red", highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130
    margin = settings.margin * abs(spread.a_value)
    table = Table(
        title=f"Outcomes needed, of both variants together (σ = {spread.deviation:.4g}: {spread.origin})",
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
        below = " *" if abs(line.effect) < margin else ""
        numbers = (line.fixed, line.sequential, line.typical)
        late = (f"{number:,}" + (" †" if number > settings.max_outcomes else "") for number in numbers)
        table.add_row(f"{line.effect:g}{below}", f"{line.split:g}", *late)
    console.print(table)
    console.print(_rules(margin, settings), highlight=False)
    console.print(_SOURCE, style="dim", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
