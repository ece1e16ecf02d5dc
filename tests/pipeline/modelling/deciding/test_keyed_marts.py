"""The marts of a running warehouse that have a key of one column."""

from __future__ import annotations

import pytest

from pipeline.modelling.deciding.references.keyed_marts import keyed_marts
from warehouse.connection import cursor_of

TABLES = """
create table marts.dim_carriers (carrier_id text primary key, is_inferred boolean);
insert into marts.dim_carriers values ('AA', false), ('ZZ', true);
create table marts.dim_days (day date primary key);
create table marts.fct_trips (trip_id integer primary key);
insert into marts.fct_trips values (1), (2);
create table marts.fct_stops (trip_id bigint, stop_number integer, primary key (trip_id, stop_number));
"""


def test_marts_are_read_from_the_catalog(database: str) -> None:
    with cursor_of("transformer") as cursor:
        cursor.execute(TABLES)
    with keyed_marts() as marts:
        found = [(mart.name, mart.column, mart.type, mart.is_dimension) for mart in marts]
        known = [
            mart.known(values)
            for mart, values in zip(marts, [["AA", "ZZ"], ["2024-01-01"], ["2", "9999999999"]], strict=True)
        ]
    assert found == [
        ("dim_carriers", "carrier_id", "text", True),
        ("dim_days", "day", "date", False),
        ("fct_trips", "trip_id", "integer", False),
    ]
    assert known == [{"AA"}, set(), {"2"}]


def test_without_a_warehouse_there_are_no_marts(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGDATABASE", f"{database}_missing")
    with keyed_marts() as marts:
        assert marts == []
