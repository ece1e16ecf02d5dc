# waybill: sample
"""Undone batches leave the marts with the next run, incrementally, as if they had never landed (P1, P5)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from loader.undo.undo import undo
from pipeline.accounting import accounting
from pipeline.mart_hashes import MartHash, mart_hashes
from tests.support.databases import rows
from tests.support.dbt_command import Dbt, message
from tests.support.landing import land
from tests.support.small.documents import aircraft, airline, airport, flight, land_reference_data, weather
from tests.support.small.marts import WITHOUT_FEATURES, update
from warehouse.connection import engine

OUTCOMES = "select _batch_id, outcome from intermediate.document_outcomes where source = 'flights' order by 1"
NEWER: dict[str, Any] = {"updated_at": "2013-02-02T06:00:00Z"}


def hashes() -> dict[str, MartHash]:
    with engine("reader").connect() as connection:
        return mart_hashes(connection)


def take_back(*batches: UUID) -> None:
    for batch_id in batches:
        assert undo(str(batch_id))


def balances() -> bool:
    with engine("reader").connect() as connection:
        return all(account.is_balanced for account in accounting(connection))


def test_what_an_undone_batch_had_superseded_is_current_again(dbt: Dbt) -> None:
    land_reference_data()
    first = land("flights", flight(1))
    land("weather", weather(3, 5, 6))
    update(dbt)
    before = hashes()
    correction = land("flights", flight(1, delays__arrival_minutes=40, actual__arrival=859, **NEWER))
    same = land("flights", flight(1, **NEWER, delays__arrival_minutes=40, actual__arrival=859))
    shorter = land("weather", weather(3, 5, **NEWER))
    update(dbt)
    assert hashes() != before

    take_back(correction, shorter)
    assert balances()
    update(dbt)
    assert rows(OUTCOMES) == [(str(first), "superseded"), (str(same), "current")]
    take_back(same)
    dbt.succeed("build", *WITHOUT_FEATURES, "--exclude-resource-type", "unit_test")

    assert rows(OUTCOMES) == [(str(first), "current")]
    assert hashes() == before
    assert balances()


def test_an_undone_withdrawal_brings_the_document_back(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    update(dbt)
    before = hashes()
    withdrawal = land("flights", flight(1, status="withdrawn", **NEWER))
    update(dbt)
    assert rows("select count(*) from marts.fct_flights") == [(0,)]
    take_back(withdrawal)
    update(dbt)
    assert hashes() == before


def test_an_inferred_row_goes_with_the_last_document_of_its_key(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    update(dbt)
    before = hashes()
    used = {"airline__code": "ZZ", "aircraft__tail_number": "N9", "destination__airport": "ZZZ"}
    batches = [
        land("flights", flight(1, **used)),
        land("airlines", airline("ZZ")),
        land("airports", airport("ZZZ")),
        land("aircraft", aircraft("N9")),
    ]
    again = land("flights", flight(1, **used, **NEWER))
    update(dbt)
    take_back(*batches)
    update(dbt)
    assert rows("select is_inferred from marts.dim_airlines where airline_id = 'ZZ'") == [(True,)]
    assert rows("select is_inferred from marts.dim_airports where airport_id = 'ZZZ'") == [(True,)]
    take_back(again)
    update(dbt)
    assert hashes() == before
    assert rows("select count(*) from intermediate.unused_rows") == [(0,)]


def test_an_undone_airport_gives_flights_their_former_instants(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    update(dbt)
    before = hashes()
    moved = land("airports", airport("IAH", "America/Denver", **NEWER))
    update(dbt)
    assert hashes()["fct_flights"] != before["fct_flights"]
    take_back(moved)
    update(dbt)
    assert hashes() == before


def test_a_rebuild_right_after_an_undo_has_no_row_of_it(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    dbt.succeed("run")
    before = hashes()
    land("flights", flight(3, day=3), flight(4, day=4, airline__code="ZZ", destination__airport="ZZZ"))
    ((batch_id,),) = rows("select batch_id from ledger.batches where landed = 2 and source = 'flights'")
    dbt.succeed("run")
    take_back(batch_id)
    dbt.succeed("run", "--full-refresh")
    assert hashes() == before
    assert balances()


def test_a_mart_run_later_still_learns_of_the_undo(dbt: Dbt) -> None:
    land_reference_data()
    first = land("flights", flight(1))
    update(dbt)
    before = hashes()
    correction = land("flights", flight(1, delays__arrival_minutes=40, actual__arrival=859, **NEWER))
    update(dbt)
    take_back(correction)
    dbt.succeed("run", "-s", "int_flights_deduplicated")
    assert (str(correction), "undone") in rows(OUTCOMES)
    assert balances()
    refused = dbt.run("run", "--full-refresh", "-s", "int_flights_deduplicated")
    assert not refused.success
    assert "batches were undone or documents erased, and fct_flights still have their rows" in message(refused)
    dbt.succeed("run", "-s", "fct_flights")
    assert hashes() == before
    assert rows(OUTCOMES) == [(str(first), "current")]


def test_a_batch_undone_before_dbt_saw_it_leaves_no_trace(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    update(dbt)
    before = hashes()
    unseen = land("flights", flight(1, delays__arrival_minutes=40, actual__arrival=859, **NEWER))
    take_back(unseen)
    assert balances()
    update(dbt)
    assert hashes() == before
    assert rows(f"select count(*) from intermediate.run_batches where batch_id = '{unseen}'") == [(0,)]


def test_undo_and_load_again_between_two_runs(dbt: Dbt) -> None:
    land_reference_data()
    loaded = land("flights", flight(1), flight(2))
    update(dbt)
    before = hashes()
    take_back(loaded)
    again = land("flights", flight(1), flight(2))
    dbt.succeed("build", *WITHOUT_FEATURES, "--exclude-resource-type", "unit_test")
    assert hashes() == before
    assert rows("select distinct _batch_id from marts.fct_flights") == [(str(again),)]
    assert balances()


def test_tests_hold_between_an_undo_and_the_next_run(dbt: Dbt) -> None:
    land_reference_data()
    loaded = land("flights", flight(1), flight(2))
    update(dbt)
    take_back(loaded)
    assert balances()
    dbt.succeed("test", "-s", "intermediate.deduplicated", "--exclude-resource-type", "unit_test")
