# waybill: sample
"""No feature uses data from after its cut-off: changing every later fact changes no feature. A planted leak is found.

The slice is real: three weeks of history and the days around the night of 3 November, when clocks go back.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from data.sample import documents
from loader.load import Request, load
from tests.support import dbt_command
from tests.support.databases import fresh_database
from tests.support.dbt_command import Dbt, execute, query
from warehouse.dbt_login import DBT_PROJECT

DAYS = ("2013-10-14", "2013-11-04")
FEATURES = ("--full-refresh", "-s", "intermediate.features", "flight_features")
# columns that the changes leave alone: the schedule, and the label
NOT_FACTS = {
    "flight_id", "airline_id", "origin_airport_id", "destination_airport_id", "day_of_week", "scheduled_minute_of_day",
    "distance_miles", "scheduled_duration_minutes", "airport_flights_in_hour", "rotation_minutes", "rotation_slack_minutes",
    "scheduled_ground_minutes", "is_late", "scheduled_date", "scheduled_departure_at", "_batch_id",
}  # fmt: skip

WEATHER = {
    "wind_speed_mph", "wind_direction_degrees", "precipitation_inches", "pressure_change_millibars", "visibility_miles_6h",
}  # fmt: skip
HOUR_OF_CUT_OFF = "cutoffs.hour_at = weather.hour_at"
HOUR_OF_DEPARTURE = "date_trunc('hour', cutoffs.scheduled_departure_at) + interval '1 hour' = weather.hour_at"

# moves every fact after an instant to another time after it; hashtext makes the result the same in every run
CHANGES = (
    """update marts.fct_flights set departed_at = departed_at + make_interval(mins => 20 + abs(hashtext(flight_id)) % 90),
        departure_delay_minutes = departure_delay_minutes + 20 + abs(hashtext(flight_id)) % 90
    where departed_at > '{instant}'""",
    """update marts.fct_flights set arrived_at = arrived_at + make_interval(mins => 20 + abs(hashtext(flight_id)) % 200),
        arrival_delay_minutes = arrival_delay_minutes + 20 + abs(hashtext(flight_id)) % 200,
        air_time_minutes = air_time_minutes + 10 + abs(hashtext(flight_id)) % 50, is_late = not is_late
    where arrived_at > '{instant}'""",
    """update marts.fct_flights set departed_at = null, departure_delay_minutes = null, arrived_at = null,
        arrival_delay_minutes = null, air_time_minutes = null, is_late = null, is_cancelled = true
    where scheduled_departure_at > '{instant}' and departed_at > '{instant}' and abs(hashtext(flight_id)) % 4 = 0""",
    """update marts.fct_flights set departed_at = scheduled_departure_at + interval '30 minutes',
        departure_delay_minutes = 30, is_cancelled = false
    where scheduled_departure_at > '{instant}' and departed_at is null and abs(hashtext(flight_id)) % 4 > 0""",
    """update marts.fct_weather_observations set wind_speed_mph = 60 - wind_speed_mph, wind_gust_mph = 70,
        wind_direction_degrees = (wind_direction_degrees + 90) % 360, precipitation_inches = 1 + precipitation_inches,
        pressure_millibars = pressure_millibars - 30, visibility_miles = visibility_miles / 10
    where observed_at + interval '1 hour' > '{instant}'""",
)


@pytest.fixture(scope="module")
def built(server: None, dbt_folder: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Build the marts of the slice, and keep copies of the original facts and features."""
    folder = tmp_path_factory.mktemp("slice")
    sources: dict[str, list[Any]] = {
        "airlines": list(documents.airlines()),
        "airports": list(documents.airports()),
        "aircraft": list(documents.aircraft()),
        "flights": [flight for _, flight in documents.flights() if DAYS[0] <= flight["scheduled"]["date"] <= DAYS[1]],
        "weather": [day for _, day in documents.weather() if DAYS[0] <= day["date"]],
    }
    with fresh_database("leak"):
        for source, found in sources.items():
            path = folder / f"{source}.ndjson"
            path.write_bytes(b"\n".join(map(orjson.dumps, found)))
            load(Request((source,), (str(path),), "ndjson"))
        dbt_folder.succeed("run")
        for name in ("fct_flights", "fct_weather_observations", "flight_features"):
            execute(f"create table public.{name} as table marts.{name}")
        yield dbt_folder


def restore() -> None:
    for name, key in (("fct_flights", "flight_id"), ("fct_weather_observations", "weather_observation_id")):
        columns = [
            column
            for column in query(
                f"select attname from pg_attribute where attrelid = 'marts.{name}'::regclass and attnum > 0"
            )
            if column != key
        ]
        assigned = ", ".join(f"{column} = kept.{column}" for column in columns)
        execute(f"update marts.{name} as mart set {assigned} from public.{name} as kept where mart.{key} = kept.{key}")


def change_what_comes_after(instant: str) -> None:
    for change in CHANGES:
        execute(change.format(instant=instant))


def differences(kept: str, instant: str) -> tuple[set[str], set[str]]:
    """Return the features that now differ from those kept, of the flights with a cut-off before and after the instant."""
    columns = query(
        "select attname from pg_attribute where attrelid = 'public.flight_features'::regclass and attnum > 0"
    )
    differing = ", ".join(
        f"count(*) filter (where marts.{column} is distinct from kept.{column})" for column in columns
    )
    compared = (
        f"select count(*), {differing} from marts.flight_features as marts inner join public.{kept} as kept"
        " on marts.flight_id = kept.flight_id where kept.scheduled_departure_at - interval '2 hours' {} '{}'"
    )
    before, *leaking = query(compared.format("<=", instant))[0]
    after, *moved = query(compared.format(">", instant))[0]
    assert before > 15_000 and after > 500
    found = [{name for name, count in zip(columns, counts, strict=True) if count} for counts in (leaking, moved)]
    return found[0] - {"is_late"}, found[1]


@pytest.mark.parametrize("instant", ["2013-11-02 21:00Z", "2013-11-03 16:00Z"], ids=["evening before", "day after"])
def test_no_feature_uses_data_from_after_its_cut_off(built: Dbt, instant: str) -> None:
    restore()
    change_what_comes_after(instant)
    built.succeed("run", *FEATURES)
    leaking, moved = differences("flight_features", instant)
    assert leaking == set()
    features = set(query("select column_name from information_schema.columns where table_name = 'flight_features'"))
    assert moved >= features - NOT_FACTS, "each of the features has to have values in the slice"


def test_weather_of_the_departure_hour_is_a_leak(built: Dbt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tmp_path / "dbt_project"
    shutil.copytree(DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    model = project / "models" / "marts" / "flight_features.sql"
    honest = model.read_text()
    assert honest.count(HOUR_OF_CUT_OFF) == 1
    model.write_text(honest.replace(HOUR_OF_CUT_OFF, HOUR_OF_DEPARTURE))
    monkeypatch.setattr(dbt_command, "DBT_PROJECT", project)
    planted = Dbt(tmp_path)
    restore()
    planted.succeed("run", *FEATURES)
    execute("create table public.planted as table marts.flight_features")
    change_what_comes_after("2013-11-03 16:00Z")
    planted.succeed("run", *FEATURES)
    assert differences("planted", "2013-11-03 16:00Z")[0] == WEATHER
