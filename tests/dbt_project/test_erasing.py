# waybill: sample
"""Erased documents leave the marts with the next run, incrementally, as if they had never landed (P1, P5, P9)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from loader.undo.undo import undo
from pipeline.mart_hashes import MartHash, mart_hashes
from tests.support.databases import rows
from tests.support.dbt_command import Dbt, message
from tests.support.landing import land
from tests.support.small.documents import aircraft, airline, airport, flight, land_reference_data, weather
from tests.support.small.erased_rows import erase_key, erase_rows
from tests.support.small.marts import WITHOUT_FEATURES, update
from warehouse.connection import engine

OUTCOMES = "select _batch_id, outcome from intermediate.document_outcomes where source = 'flights' order by 1"
NEWER: dict[str, Any] = {"updated_at": "2013-02-02T06:00:00Z"}
LATE: dict[str, Any] = {"delays__arrival_minutes": 40, "actual__arrival": 859}
BUILD = ("build", *WITHOUT_FEATURES, "--exclude-resource-type", "unit_test")


def hashes() -> dict[str, MartHash]:
    with engine("reader").connect() as connection:
        return mart_hashes(connection)


def test_all_documents_of_a_key_leave_no_row_anywhere(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    dbt.succeed("run")
    before = hashes()
    land("flights", flight(2), flight(2, **LATE), flight(2, **LATE))
    land("flights", flight(2, **NEWER))
    dbt.succeed("run")
    assert hashes() != before
    erase_key("flights", "UA-2-EWR-2013-01-02")
    dbt.succeed("build", "--exclude-resource-type", "unit_test")
    assert hashes() == before
    assert rows("select count(*) from intermediate.int_flights_deduplicated") == [(1,)]


def test_the_rest_of_a_key_is_ranked_again(dbt: Dbt) -> None:
    land_reference_data()
    first = land("flights", flight(1))
    update(dbt)
    before = hashes()
    newer = land("flights", flight(1, **LATE, **NEWER))
    same = land("flights", flight(1, **LATE, **NEWER))
    update(dbt)
    erase_rows("flights", (newer, 1))
    update(dbt)
    assert rows(OUTCOMES) == [(str(first), "superseded"), (str(same), "current")]
    erase_rows("flights", (same, 1))
    dbt.succeed(*BUILD)
    assert rows(OUTCOMES) == [(str(first), "current")]
    assert hashes() == before


def test_an_inferred_row_goes_and_leaves_no_key_in_a_list(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    update(dbt)
    before = hashes()
    land("flights", flight(2, airline__code="ZZ", aircraft__tail_number="N9", destination__airport="ZZZ"))
    update(dbt)
    assert hashes()["dim_airlines"] != before["dim_airlines"]
    erase_key("flights", "ZZ-2-EWR-2013-01-02")
    dbt.succeed(*BUILD)
    assert hashes() == before
    assert rows("select * from intermediate.unused_rows") == []


def test_a_dimension_that_facts_use_keeps_only_its_key(dbt: Dbt) -> None:
    land_reference_data()
    land("airports", airport("ORD", "America/Chicago"))
    land("flights", flight(1, destination__airport="ORD"))
    update(dbt)
    for source, key in (("airlines", "UA"), ("aircraft", "N14228"), ("airports", "ORD")):
        erase_key(source, key)
    dbt.succeed(*BUILD)
    assert rows("select airline_name, is_inferred from marts.dim_airlines") == [(None, True)]
    assert rows("select manufacturer, is_inferred from marts.dim_aircraft") == [(None, True)]
    assert rows("select time_zone, is_inferred from marts.dim_airports where airport_id = 'ORD'") == [(None, True)]
    incremental = hashes()
    update(dbt, "--full-refresh")
    assert hashes() == incremental


def test_the_rows_of_an_array_go_with_their_document(dbt: Dbt) -> None:
    land_reference_data()
    update(dbt)
    before = hashes()
    land("weather", weather(3, 5, 6, 7))
    update(dbt)
    erase_key("weather", "EWR-2013-01-03")
    dbt.succeed(*BUILD)
    assert hashes() == before


def test_an_uncastable_document_can_be_erased(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    uncastable = land("flights", flight(2, distance_miles="far"))
    update(dbt)
    erase_rows("flights", (uncastable, 1))
    dbt.succeed(*BUILD)
    assert rows("select count(*) from intermediate.document_outcomes where source = 'flights'") == [(1,)]


def test_documents_that_no_run_has_seen_leave_no_trace(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    update(dbt)
    before = hashes()
    unseen = land("flights", flight(1, **LATE, **NEWER), flight(2))
    erase_rows("flights", (unseen, 1), (unseen, 2))
    dbt.succeed(*BUILD)
    assert hashes() == before


def test_two_erasures_before_one_run(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    update(dbt)
    before = hashes()
    land("flights", flight(2), flight(3))
    land("flights", flight(3, **NEWER))
    update(dbt)
    erase_key("flights", "UA-2-EWR-2013-01-02")
    erase_key("flights", "UA-3-EWR-2013-01-02")
    dbt.succeed(*BUILD)
    assert hashes() == before


def test_a_key_that_lands_again_is_there_again(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1), flight(2))
    update(dbt)
    before = hashes()
    erase_key("flights", "UA-2-EWR-2013-01-02")
    land("flights", flight(2))
    dbt.succeed(*BUILD)
    assert hashes() == before
    erase_key("flights", "UA-2-EWR-2013-01-02")
    dbt.succeed(*BUILD)
    assert rows("select flight_number from marts.fct_flights") == [(1,)]


@pytest.mark.parametrize(
    ("order", "runs_between"),
    [
        ("erase, undo", True),
        ("undo, erase", False),
        pytest.param("erase, undo", False, marks=pytest.mark.long),
        pytest.param("undo, erase", True, marks=pytest.mark.long),
    ],
)
def test_erase_and_undo_of_one_batch(dbt: Dbt, order: str, runs_between: bool) -> None:
    land_reference_data()
    land("flights", flight(1))
    update(dbt)
    before = hashes()
    batch = land("flights", flight(2), flight(3))
    other = land("flights", flight(2, **NEWER))
    update(dbt)

    def remove(what: str) -> None:
        if what == "undo":
            assert undo(str(batch))
        else:
            _erase_raw("flights", 2, batch, other)

    first, second = order.split(", ")
    remove(first)
    if runs_between:
        update(dbt)
    remove(second)
    dbt.succeed(*BUILD)
    assert hashes() == before
    assert rows("select outcome from intermediate.document_outcomes where source = 'flights'") == [("current",)]


def _erase_raw(source: str, number: int, *batches: UUID) -> None:
    query = f"select _batch_id, _position from raw.{source} where document ->> 'flight_number' = '{number}'"
    erase_rows(source, *((UUID(batch), position) for batch, position in rows(query) if UUID(batch) in batches))


def test_a_mart_run_later_still_learns_of_the_erasure(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    update(dbt)
    before = hashes()
    land("flights", flight(2))
    update(dbt)
    erasure = erase_key("flights", "UA-2-EWR-2013-01-02")
    dbt.succeed("run", "-s", "int_flights_deduplicated")
    assert (str(erasure), "undone") in rows(OUTCOMES)
    refused = dbt.run("run", "--full-refresh", "-s", "int_flights_deduplicated")
    assert "batches were undone or documents erased, and fct_flights still have their rows" in message(refused)
    dbt.succeed("test", *WITHOUT_FEATURES, "--exclude-resource-type", "unit_test")
    dbt.succeed("run", "-s", "fct_flights")
    assert rows("select count(*) from intermediate.int_flights_deduplicated") == [(1,)]
    assert hashes() == before


def test_a_rebuild_right_after_an_erasure_has_no_row_of_it(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1))
    dbt.succeed("run")
    before = hashes()
    land("flights", flight(3, day=3), flight(4, day=4, airline__code="ZZ", destination__airport="ZZZ"))
    land("airlines", airline("YY"))
    land("aircraft", aircraft("N9"))
    dbt.succeed("run")
    for source, key in (("airlines", "YY"), ("aircraft", "N9")):
        erase_key(source, key)
    for key in ("UA-3-EWR-2013-01-03", "ZZ-4-EWR-2013-01-04"):
        erase_key("flights", key)
    dbt.succeed("run", "--full-refresh")
    assert hashes() == before


def test_tests_hold_between_an_erasure_and_the_next_run(dbt: Dbt) -> None:
    land_reference_data()
    land("flights", flight(1), flight(2))
    update(dbt)
    erase_key("flights", "UA-2-EWR-2013-01-02")
    erase_key("weather", "EWR-2013-01-02")
    dbt.succeed("test", *WITHOUT_FEATURES, "--exclude-resource-type", "unit_test")
