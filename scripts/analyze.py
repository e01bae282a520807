"""Analyses an export of the prediction log: who predicted what, how well, and what may be concluded.

Reads only the export, in memory that does not grow with it. Prints tables and a verdict, and writes
analysis.json, analysis.csv, analysis.png and experiment.html.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from contender.domain.dataset import Task
from contender.domain.experiment import Evidence
from contender.errors import ContenderError, NotFound
from contender.reports.experiment import About, render_experiment
from scripts.analysis.chart import draw
from scripts.analysis.console import show
from scripts.analysis.document import to_csv, to_json
from scripts.analysis.judging import Judging, judging
from scripts.analysis.report import NothingToAnalyse, Report, make_report
from scripts.running_stack import adopt_running_stack, required

_FLAGS = ("metric", "decide_by", "margin", "planned_outcomes", "min_hours")
"""Options that are settings of the same name."""


def write_files(report: Report, out: Path) -> tuple[Path, Path, Path, Path]:
    """Writes analysis.json, .csv and .png and experiment.html into a folder; gives their paths."""
    out.mkdir(parents=True, exist_ok=True)
    document, table, chart = (out / f"analysis.{suffix}" for suffix in ("json", "csv", "png"))
    document.write_text(to_json(report), encoding="utf-8")
    table.write_text(to_csv(report), encoding="utf-8")
    draw(report, chart)
    page = out / "experiment.html"
    page.write_text(render_experiment(report.analysis, _about(report)), encoding="utf-8")
    return document, table, chart, page


def _about(report: Report) -> About:
    return About(
        report.target,
        report.release,
        report.source,
        report.exported_at,
        report.problems,
        report.remarks,
        report.judged_by,
    )


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.analyze",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--export",
        metavar="PLACE",
        help="s3://bucket/prefix or a folder; the newest export there (default: s3://ARTIFACT_BUCKET/exports)",
    )
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the files (default: out)")
    parser.add_argument(
        "--dataset",
        default="",
        metavar="FILE",
        help="dataset.json, by path or s3:// address (default: the release's manifest beside the export)",
    )
    parser.add_argument(
        "--release", default="", metavar="DIGEST", help="analyse this release (default: the latest with a B)"
    )
    parser.add_argument(
        "--task",
        type=Task,
        choices=list(Task),
        metavar="TASK",
        help="classification or regression (default: as found)",
    )
    parser.add_argument("--positive", help="positive class of two (default: the second in sorted order)")
    parser.add_argument(
        "--metric",
        help="metric of the verdict, to be chosen before looking",
    )
    parser.add_argument(
        "--settings",
        default="",
        metavar="JSON",
        help="how the experiment is judged: any fields of ExperimentSettings, as in the stack's parameter of "
        "that name; what is not given, here or below, is as the stack is configured, if one is at hand "
        "(EVALUATE_FUNCTION, or the running local stack), or the default",
    )
    parser.add_argument(
        "--decide-by",
        type=Evidence,
        choices=list(Evidence),
        metavar="HOW",
        help="served: the A/B comparison; paired: both models' answers to the same requests, where "
        "outcomes do not depend on what was predicted",
    )
    parser.add_argument(
        "--margin",
        type=float,
        metavar="SHARE",
        help="smallest improvement worth a new model, as a share of A's value",
    )
    parser.add_argument(
        "--planned-outcomes",
        type=int,
        metavar="N",
        help="outcomes for which the sequence is narrowest",
    )
    parser.add_argument(
        "--min-hours",
        type=float,
        metavar="HOURS",
        help="hours that requests must span before SHIP or KEEP; 168 sees every day of a week",
    )
    parser.add_argument(
        "--value-is-cost",
        action="store_true",
        help="less is better of the value that feedback may give with an outcome",
    )
    return parser.parse_args(argv)


def _judging(args: argparse.Namespace) -> Judging:
    given = {name: getattr(args, name) for name in _FLAGS}
    return judging(
        os.environ, args.settings, {**given, "value_higher_is_better": False if args.value_is_cost else None}
    )


def main(argv: list[str] | None = None) -> int:
    """Runs the analysis; gives the exit code."""
    args = _arguments(argv)
    console = Console()
    try:
        adopt_running_stack(os.environ)
        judged = _judging(args)
        place = args.export or f"s3://{required(os.environ, 'ARTIFACT_BUCKET')}/exports"
        columns = (TextColumn("reading"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as display:
            task = display.add_task("reading", total=None)
            report = make_report(
                place,
                dataset=args.dataset,
                release=args.release,
                task=args.task,
                positive=args.positive,
                settings=judged.settings,
                judged_by=judged.told,
                progress=lambda done, total: display.update(task, completed=done, total=total),
            )
        show(report, console)
        paths = write_files(report, args.out)
    except NotFound as error:
        console.print(f"{error}.", style="red", highlight=False, soft_wrap=True, markup=False)
        console.print("Make one with: python -m scripts.export --stack-name <stack>")
        return 1
    except NothingToAnalyse as error:
        console.print(f"{error}.", style="red", highlight=False, soft_wrap=True, markup=False)
        console.print("Send some requests first (python -m scripts.traffic), then export again.")
        return 1
    except ContenderError as error:
        console.print(str(error), style="red", highlight=False, soft_wrap=True, markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 130
    console.print("Written: " + ", ".join(str(path) for path in paths), highlight=False, soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
