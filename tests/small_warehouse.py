"""A small warehouse in the shape of the real one: raw documents, ledger, outcomes and marts of some flights."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, text

from warehouse.connection import engine
from warehouse.identifiers import uuid7

SOURCES = ("airlines", "airports", "aircraft", "flights", "weather")

RAW = """
insert into raw.airlines select :airlines, 1, gen_random_uuid(),
    '{"carrier": "UA", "name": "United Air Lines Inc.", "updated_at": "2012-12-15T00:00:00Z"}'::jsonb;
insert into raw.airports select :airports, n, gen_random_uuid(), jsonb_build_object(
    'faa', faa, 'name', faa || ' Field', 'latitude', 40.5, 'longitude', -74, 'altitude_feet', 18,
    'time_zone', 'America/New_York')
from unnest(array['EWR', 'JFK', 'IAH']) with ordinality as airport (faa, n);
insert into raw.aircraft select :aircraft, 1, gen_random_uuid(), jsonb_build_object(
    'tail_number', 'N14228', 'manufacture', jsonb_build_object('year', 1999, 'manufacturer', 'BOEING', 'model', '737'),
    'airframe', jsonb_build_object('seats', 149, 'engine_type', 'Turbo-fan'));
insert into raw.flights select :flights, n, gen_random_uuid(), jsonb_build_object(
    'airline', jsonb_build_object('code', 'UA'), 'flight_number', n,
    'aircraft', jsonb_build_object('tail_number', 'N14228'), 'origin', jsonb_build_object('airport', 'EWR'),
    'destination', jsonb_build_object('airport', 'IAH'),
    'scheduled', jsonb_build_object('date', '2013-01-01', 'departure', 515, 'arrival', 819),
    'actual', jsonb_build_object('departure', 517, 'arrival', 830, 'air_time_minutes', 227),
    'delays', jsonb_build_object('departure_minutes', 2, 'arrival_minutes', n % 30), 'distance_miles', 1400)
from generate_series(1, :size) as n;
insert into raw.weather select :weather, 1, gen_random_uuid(), jsonb_build_object(
    'station', jsonb_build_object('airport', 'EWR'), 'date', '2013-01-01', 'observations',
    (select jsonb_agg(jsonb_build_object(
        'temperature_fahrenheit', 39, 'dew_point_fahrenheit', 26, 'relative_humidity_percent', 59,
        'wind', jsonb_build_object('direction_degrees', 270, 'speed_mph', 10), 'precipitation_inches', 0,
        'pressure_millibars', 1012, 'visibility_miles', 10)) from generate_series(0, 23)));
"""
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
    is_late boolean, scheduled_departure_at timestamptz);
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
    'current' as outcome, null as reason from raw.airlines
union all select 'airports', _batch_id, _position, document ->> 'faa', 'current', null from raw.airports
union all select 'aircraft', _batch_id, _position, document ->> 'tail_number', 'current', null from raw.aircraft
union all select 'flights', _batch_id, _position, document ->> 'flight_number',
    coalesce(document ->> 'outcome', 'current'), document ->> 'reason' from raw.flights
union all select 'weather', _batch_id, _position, document ->> 'date', 'current', null from raw.weather;
"""


def build_raw(size: int = 200) -> dict[str, UUID]:
    """Land one batch a source, with `size` flights; return source → batch."""
    run_id, batches = uuid7(), {source: uuid7() for source in SOURCES}
    with engine("owner").begin() as connection:
        for source in SOURCES:
            connection.execute(
                text(
                    f"create table if not exists raw.{source} (_batch_id uuid, _position bigint, _fingerprint uuid,"
                    " document jsonb, primary key (_batch_id, _position))"
                )
            )
        run_statements(connection, RAW, size=size, **batches)
        connection.execute(
            text("insert into ledger.runs (run_id, command, versions) values (:run_id, 'test', '{}')"),
            {"run_id": run_id},
        )
        for source, batch_id in batches.items():
            enter_batch(connection, source, batch_id, run_id)
        connection.execute(text("grant select on all tables in schema raw to waybill_reader"))
    return batches


def build_outcomes() -> None:
    """Make the view of outcomes: all current, but where a flight's document says another in `outcome`."""
    with engine("owner").begin() as connection:
        connection.execute(text(OUTCOMES))
        connection.execute(text("grant usage on schema intermediate to waybill_reader"))
        connection.execute(text("grant select on intermediate.document_outcomes to waybill_reader"))


def build_marts(batches: dict[str, UUID], size: int = 200) -> None:
    """Make the marts with their real keys, with `size` flights and a day of weather."""
    with engine("owner").begin() as connection:
        run_statements(connection, MARTS, size=size, **batches)
        connection.execute(text("grant usage on schema marts to waybill_reader"))
        connection.execute(text("grant select on all tables in schema marts to waybill_reader"))


def enter_batch(connection: Connection, source: str, batch_id: UUID, run_id: UUID) -> None:
    """Enter a batch in the ledger, with as many documents as its raw table holds of it."""
    landed = connection.scalar(text(f"select count(*) from raw.{source} where _batch_id = :id"), {"id": batch_id})
    values = {"id": batch_id, "run_id": run_id, "source": source, "landed": landed, "next": landed + 1}
    connection.execute(
        text(
            "insert into ledger.inputs (input_id, source, feed, digest, name, layout, is_complete)"
            " values (:id, :source, 'file', md5(cast(:id as text)),"
            " 'data/raw/' || :source || '.ndjson', 'ndjson', true)"
        ),
        values,
    )
    connection.execute(
        text(
            "insert into ledger.batches (batch_id, input_id, run_id, source, feed, first_position, next_position,"
            " contract_digest, read, landed, rejected, skipped)"
            " values (:id, :id, :run_id, :source, 'file', 1, :next, 'c', :landed, :landed, 0, 0)"
        ),
        values,
    )


def run_statements(connection: Connection, statements: str, **parameters: object) -> None:
    """Run statements one by one, each with the parameters that it names."""
    for statement in statements.split(";\n"):
        if statement.strip():
            named = {name: value for name, value in parameters.items() if f":{name}" in statement}
            connection.execute(text(statement), named)
