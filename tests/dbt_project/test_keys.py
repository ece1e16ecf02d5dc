# waybill: sample
"""P4: after any dbt command that ends, every declared key is in the database and validated."""

from __future__ import annotations

import pytest

from tests.support.databases import rows
from tests.support.dbt_command import Dbt, execute, failures, query
from tests.support.landing import land
from tests.support.small.documents import aircraft, airport, flight, land_reference_data
from tests.support.small.marts import fingerprints, update

KEYS = """
    select conrelid::regclass || ' ' || pg_get_constraintdef(oid) from pg_constraint
    where connamespace = 'marts'::regnamespace and contype in ('p', 'f') and convalidated
        and conrelid::regclass::text = any(%s)
"""
DECLARED = {
    "marts.dim_airlines PRIMARY KEY (airline_id)",
    "marts.dim_airports PRIMARY KEY (airport_id)",
    "marts.dim_aircraft PRIMARY KEY (aircraft_id)",
    "marts.fct_weather_observations PRIMARY KEY (weather_observation_id)",
    "marts.fct_weather_observations FOREIGN KEY (airport_id) REFERENCES marts.dim_airports(airport_id)",
    "marts.fct_flights PRIMARY KEY (flight_id)",
    "marts.fct_flights FOREIGN KEY (airline_id) REFERENCES marts.dim_airlines(airline_id)",
    "marts.fct_flights FOREIGN KEY (aircraft_id) REFERENCES marts.dim_aircraft(aircraft_id)",
    "marts.fct_flights FOREIGN KEY (origin_airport_id) REFERENCES marts.dim_airports(airport_id)",
    "marts.fct_flights FOREIGN KEY (destination_airport_id) REFERENCES marts.dim_airports(airport_id)",
}
OUTCOMES = "select outcome from intermediate.document_outcomes order by document_key"


def keys() -> set[str]:
    """Return the keys of the sample's marts; yours may have others."""
    return {key for (key,) in rows(KEYS, [declared.split()[0] for declared in DECLARED])}


@pytest.fixture
def built(dbt: Dbt) -> Dbt:
    land_reference_data()
    land("flights", flight(1), flight(2, destination__airport="SJU"))
    update(dbt)
    return dbt


@pytest.mark.parametrize(
    "command",
    [
        ("run", "-s", "dim_airports"),
        ("run", "-s", "dim_airports", "dim_airlines", "--full-refresh"),
        ("run", "-s", "fct_flights", "--full-refresh"),
        ("run", "-s", "intermediate.deduplicated", "dim_aircraft", "--full-refresh"),
        ("run", "-s", "int_flights_outcomes"),
    ],
    ids=" ".join,
)
def test_keys_and_views_survive_every_selection_of_models(built: Dbt, command: tuple[str, ...]) -> None:
    before, outcomes = fingerprints(), query(OUTCOMES)
    built.succeed(*command)
    assert keys() == DECLARED
    assert fingerprints() == before
    assert query(OUTCOMES) == outcomes


def test_a_missing_foreign_key_is_reported_and_restored(built: Dbt) -> None:
    execute("alter table marts.fct_flights drop constraint fk_fct_flights__airline_id")
    execute("alter table marts.dim_aircraft drop constraint dim_aircraft_pkey cascade")
    guards = built.run("test", "-s", "test_name:keys_enforced", "--exclude", "flight_features")
    assert set(failures(guards)) == {"assert_fct_flights_keys_enforced", "assert_dim_aircraft_keys_enforced"}
    built.succeed("run", "-s", "dim_aircraft", "--full-refresh")
    built.succeed("run", "-s", "fct_flights")
    constraints = {key.split(" ", 1)[1] for key in keys()}
    assert constraints == {key.split(" ", 1)[1] for key in DECLARED}


def test_a_key_left_unvalidated_is_reported_and_validated(built: Dbt) -> None:
    execute("alter table marts.fct_flights drop constraint fk_fct_flights__airline_id")
    execute(
        "alter table marts.fct_flights add constraint fk_fct_flights__airline_id"
        " foreign key (airline_id) references marts.dim_airlines (airline_id) not valid"
    )
    guards = built.run("test", "-s", "assert_fct_flights_keys_enforced")
    assert set(failures(guards)) == {"assert_fct_flights_keys_enforced"}
    built.succeed("run", "-s", "fct_flights")
    assert keys() == DECLARED


def test_an_inferred_row_becomes_real_and_keeps_its_flights(built: Dbt) -> None:
    inferred = "select is_inferred, airport_name, time_zone from marts.dim_airports where airport_id = 'SJU'"
    assert query(inferred) == [(True, None, "America/Puerto_Rico")]
    land("airports", airport("SJU", "NA", name="Luis Munoz Marin Intl"))
    land("aircraft", aircraft(updated_at="2013-06-01T00:00:00Z", manufacture__manufacturer="AIRBUS INDUSTRIE"))
    update(built)
    assert query(inferred) == [(False, "Luis Munoz Marin Intl", "America/Puerto_Rico")]
    assert query("select manufacturer from marts.dim_aircraft") == ["AIRBUS"]
    assert keys() == DECLARED
