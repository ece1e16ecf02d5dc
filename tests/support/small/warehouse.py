# waybill: sample
"""A small warehouse like the real one: raw documents, ledger, outcomes and marts of some flights."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import text

from loader.landing.raw_tables import make_raw_tables
from tests.support.landing import land
from tests.support.small.documents import aircraft, airline, airport, flight, weather
from warehouse.connection import engine

MARTS = """
create table marts.dim_airlines (airline_id text primary key, airline_name text, is_inferred boolean);
create table marts.dim_airports (airport_id text primary key, airport_name text, latitude_degrees float8,
    longitude_degrees float8, altitude_feet int, time_zone text, is_inferred boolean);
create table marts.dim_aircraft (aircraft_id text primary key, aircraft_type text, manufacturer text, model text,
    engine_type text, engines int, seats int, manufacture_year int, is_inferred boolean);
create table marts.fct_weather_observations (weather_observation_id text primary key,
    airport_id text not null references marts.dim_airports, observed_at timestamptz, temperature_fahrenheit float8,
    dew_point_fahrenheit float8, relative_humidity_percent float8, wind_speed_mph float8, wind_gust_mph float8,
    precipitation_inches float8, pressure_millibars float8, visibility_miles float8, wind_direction_degrees int,
    is_wind_speed_implausible boolean, updated_at timestamptz, _batch_id uuid, _position bigint);
create table marts.fct_flights (flight_id text primary key, airline_id text not null references marts.dim_airlines,
    aircraft_id text references marts.dim_aircraft, origin_airport_id text not null references marts.dim_airports,
    destination_airport_id text not null references marts.dim_airports, flight_status text, flight_number int,
    departure_delay_minutes int, arrival_delay_minutes int, air_time_minutes int, distance_miles int,
    is_cancelled boolean, is_diverted boolean, is_late boolean, scheduled_date date, scheduled_departure_at timestamptz,
    scheduled_arrival_at timestamptz, departed_at timestamptz, arrived_at timestamptz, updated_at timestamptz,
    _batch_id uuid, _position bigint);
create table marts.flight_features (flight_id text primary key references marts.fct_flights, scheduled_date date,
    is_late boolean, scheduled_departure_at timestamptz, scheduled_duration_minutes int, airport_flights_in_hour int,
    airport_overdue_flights int, network_overdue_flights int, airport_cancelled_flights_3h int, rotation_minutes int,
    inbound_delay_minutes int, network_departure_delay_minutes_3h float8, destination_enroute_loss_minutes_24h float8,
    region_air_time_excess_minutes_24h float8, airline_late_share_21d float8, airport_hour_late_share_21d float8,
    numbered_flight_late_share_21d float8, airline_route_late_share_21d float8);
insert into marts.dim_airlines values ('UA', 'United Air Lines Inc.', false);
insert into marts.dim_airports select faa, faa || ' Field', 40.5, -74, 18, 'America/New_York', false
from unnest(array['EWR', 'JFK', 'IAH', 'ORD', 'MIA', 'BOS', 'DEN', 'SFO', 'LAX', 'ATL']) as faa;
insert into marts.dim_airports values ('SJU', null, null, null, null, null, true);
insert into marts.dim_aircraft values ('N14228', 'Fixed wing', 'BOEING', '737', 'Turbo-fan', 2, 149, 1999, false);
insert into marts.fct_weather_observations
select 'EWR-' || to_char(at, 'YYYY-MM-DD"T"HH24'), 'EWR', at, 30 + extract(hour from at), 26, 59, 10, null, 0, 1012, 10,
    270, false, at, :weather, 1
from generate_series(timestamptz '2013-01-01 00:00Z', '2013-01-01 23:00Z', interval '1 hour') as at;
insert into marts.fct_flights
select 'UA-' || n || '-EWR-2013-01-01', 'UA', case when n % 10 <> 0 then 'N14228' end, 'EWR',
    case when n % 7 = 0 then 'SJU' else 'IAH' end, 'arrived', n, n % 40, n % 30, 227, 1400, false, false, n % 30 >= 15,
    '2013-01-01', '2013-01-01 10:15Z', '2013-01-01 14:19Z', timestamptz '2013-01-01 10:15Z' + n % 40 * interval '1 min',
    timestamptz '2013-01-01 14:19Z' + n % 30 * interval '1 min', '2013-01-02 06:00Z', :flights, n
from generate_series(1, :size) as n;
insert into marts.flight_features
select flight_id, scheduled_date, is_late, scheduled_departure_at from marts.fct_flights;
"""
OUTCOMES = """
create view intermediate.document_outcomes as
select 'airlines' as source, _batch_id, _position, document ->> 'carrier' as document_key,
    'current' as outcome, null as reason, null::uuid as surviving_batch_id, null::bigint as surviving_position
from raw.airlines
union all select 'airports', _batch_id, _position, document ->> 'faa', 'current', null, null, null from raw.airports
union all select 'aircraft', _batch_id, _position, document ->> 'tail_number', 'current', null, null, null from raw.aircraft
union all select 'flights', _batch_id, _position, document ->> 'flight_number',
    coalesce(document ->> 'outcome', 'current'), document ->> 'reason',
    cast(document ->> 'surviving_batch_id' as uuid), cast(document ->> 'surviving_position' as bigint) from raw.flights
union all select 'weather', _batch_id, _position, document ->> 'date', 'current', null, null, null from raw.weather;
"""


def build_raw(size: int = 200) -> dict[str, UUID]:
    """Land one batch a source, with `size` flights; return source → batch."""
    make_raw_tables()
    return {
        "airlines": land("airlines", airline()),
        "airports": land("airports", *map(airport, ("EWR", "JFK", "IAH"))),
        "aircraft": land("aircraft", aircraft()),
        "flights": land("flights", *map(flight, range(1, size + 1))),
        "weather": land("weather", weather(1, *range(24))),
    }


def build_outcomes() -> None:
    """Create the view of outcomes: all current, unless a flight's document names another in `outcome`."""
    with engine("owner").begin() as connection:
        connection.execute(text(OUTCOMES))
        connection.execute(text("grant usage on schema intermediate to waybill_reader"))
        connection.execute(text("grant select on intermediate.document_outcomes to waybill_reader"))


def build_marts(batches: dict[str, UUID], size: int = 200) -> None:
    """Create the marts with their real keys, with `size` flights and a day of weather."""
    parameters = {"size": size, **batches}
    with engine("owner").begin() as connection:
        for statement in filter(str.strip, MARTS.split(";\n")):
            named = {name: value for name, value in parameters.items() if f":{name}" in statement}
            connection.execute(text(statement), named)
        connection.execute(text("grant usage on schema marts to waybill_reader"))
        connection.execute(text("grant select on all tables in schema marts to waybill_reader"))
