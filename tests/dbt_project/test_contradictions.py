# waybill: sample
"""A document that contradicts itself is uncastable, with the reason, and stops nothing."""

from __future__ import annotations

import pytest

from tests.support.dbt_command import Dbt, query
from tests.support.landing import Document, changed, land
from tests.support.small.documents import airport, flight, land_reference_data
from tests.support.small.marts import WITHOUT_FEATURES, update

OUTCOMES = """
    select _position, outcome, reason from intermediate.document_outcomes
    where source = '{}' and _batch_id = '{}' order by _position
"""
NEWER = "2013-09-01T00:00:00Z"


def at(clock: int, hour: str, document: Document) -> Document:
    """Return the flight with another scheduled departure: the local clock time and the hour in UTC."""
    return changed(document, scheduled__departure=clock, scheduled__departure_hour=hour)


def test_a_document_that_contradicts_itself_is_uncastable(dbt: Dbt) -> None:
    land_reference_data()
    batch = land(
        "flights",
        flight(1),
        flight(2, actual__departure=1842),
        flight(3, actual__arrival=None),
        flight(4, actual__departure=None, delays__departure_minutes=None),
        flight(5, delays__departure_minutes=2147483647),
        flight(6, actual__air_time_minutes=-1),
        at(2355, "2013-01-03T04:00:00Z", flight(7, actual__departure=2400, delays__departure_minutes=5)),
        flight(8, actual__departure=617),  # an hour: clocks may have changed, the check with the time zone decides
        flight(9, actual={}, delays={}),
        at(5, "2013-01-02T05:00:00Z", flight(10, actual__departure=4, delays__departure_minutes=-1)),
        at(5, "2013-01-02T05:00:00Z", flight(11, actual__departure=2355, delays__departure_minutes=-10)),
    )
    places = land(
        "airports", airport("AAA", latitude=90.1), airport("BBB", longitude=-180.5), airport("CCC", latitude=-90)
    )
    result = dbt.run("build", *WITHOUT_FEATURES, "test_type:unit", "assert_departures_are_scheduled_plus_delay")
    assert result.success, result
    late = "arrival_delay_minutes, air_time_minutes"
    reasons = {
        2: "departure_hhmm: 1842 is not 515 plus 2 minutes",
        3: f"arrival_hhmm: is missing, but not what follows from it: {late}",
        4: f"departure_hhmm: is missing, but not what follows from it: arrival_hhmm, {late}",
        5: 'departure_delay_minutes: "2147483647" is more than 300 days',
        6: "air_time_minutes: -1 is not between 0 and 525600",
    }
    assert query(OUTCOMES.format("flights", batch)) == [
        (number, "uncastable" if number in reasons else "current", reasons.get(number)) for number in range(1, 12)
    ]
    assert query(OUTCOMES.format("airports", places)) == [
        (1, "uncastable", "latitude_degrees: 90.1 is not between -90 and 90"),
        (2, "uncastable", "longitude_degrees: -180.5 is not between -180 and 180"),
        (3, "current", None),
    ]
    assert len(query("select flight_id from marts.fct_flights")) == 6


@pytest.mark.parametrize("is_together", [True, False], ids=["one batch", "three batches"])
def test_a_newer_contradictory_version_keeps_the_older_one(dbt: Dbt, is_together: bool) -> None:
    land_reference_data()
    oldest = flight(1, actual__departure=1842, updated_at="2013-01-01T00:00:00Z")
    documents = [oldest, flight(1), flight(1, actual__departure=1843, updated_at=NEWER), flight(1)]
    batches = [land("flights", *documents)] if is_together else [land("flights", document) for document in documents]
    if not is_together:
        update(dbt, "-s", "+fct_flights")
    update(dbt)
    found = [row[1:] for batch in batches for row in query(OUTCOMES.format("flights", batch))]
    assert found == [
        ("superseded", None),
        ("current", None),
        ("uncastable", "departure_hhmm: 1843 is not 515 plus 2 minutes"),
        ("duplicate", None),
    ]
    assert query("select departed_at::text from marts.fct_flights") == ["2013-01-02 10:17:00+00"]
    land("flights", flight(1, distance_miles=2, updated_at="2013-10-01T00:00:00Z"))
    update(dbt)
    assert query("select outcome, count(*) from intermediate.document_outcomes where source = 'flights' group by 1") == [
        ("superseded", 3), ("current", 1), ("duplicate", 1)
    ]  # fmt: skip


def test_a_key_whose_versions_all_contradict_has_no_row(dbt: Dbt) -> None:
    land_reference_data()
    wrong = flight(1, actual__departure=1842)
    land("flights", wrong, flight(1, actual__departure=1843, updated_at=NEWER), wrong)
    update(dbt)
    outcomes = "select outcome from intermediate.document_outcomes where source = 'flights'"
    assert query(outcomes) == ["uncastable"] * 3
    assert query("select flight_id from marts.fct_flights") == []
