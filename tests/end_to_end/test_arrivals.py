# waybill: sample
"""Original, correction and repeats give the same marts in every order of arrival; the newest version wins."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from loader.landing.raw_tables import make_raw_tables
from loader.load import load
from loader.plan import Request
from tests.support.databases import rows
from tests.support.dbt_command import Dbt
from tests.support.landing import Document
from tests.support.small.documents import flight, land_reference_data

ORIGINAL: dict[str, Any] = {"delays__arrival_minutes": 11, "actual__arrival": 830}
CORRECTION: dict[str, Any] = {
    "delays__arrival_minutes": 20,
    "actual__arrival": 839,
    "updated_at": "2013-02-02T06:00:00Z",
}
OLDER: dict[str, Any] = {"delays__arrival_minutes": 21, "actual__arrival": 840, "updated_at": "2013-01-31T06:00:00Z"}
ORDERS = list(itertools.permutations((ORIGINAL, CORRECTION, CORRECTION, OLDER)))
FACTS = (
    "select distinct to_jsonb(mart) - array['flight_id', 'flight_number', 'aircraft_id', '_batch_id', '_position']"
    " from marts.{} as mart"
)
WHOLE = "select count(*), sum(hashtextextended((to_jsonb(mart) - '_batch_id' - '_position')::text, 0)) from marts.{} as mart"


def deliver(path: Path, documents: list[Document]) -> None:
    path.write_text("\n".join(map(json.dumps, documents)))
    load(Request(("flights",), (str(path),)))


def test_every_order_of_arrival_gives_the_same_marts(database: str, tmp_path: Path) -> None:
    """Give each order its own flight number and aircraft, so that all orders go through the same four runs."""
    dbt = Dbt(tmp_path)
    make_raw_tables()
    land_reference_data()
    for turn in range(4):
        arriving = [
            flight(number, aircraft__tail_number=f"N{number}", **order[turn]) for number, order in enumerate(ORDERS)
        ]
        deliver(tmp_path / f"{turn}.ndjson", arriving)
        dbt.succeed("run")
    for mart in ("fct_flights", "flight_features"):
        ((facts,),) = rows(FACTS.format(mart))
        assert facts["is_late"] is True
    assert rows("select count(*), min(arrival_delay_minutes), max(arrival_delay_minutes) from marts.fct_flights") == [
        (len(ORDERS), 20, 20)
    ]
    outcomes = rows("select outcome, count(*) from intermediate.document_outcomes where source = 'flights' group by 1")
    assert dict(outcomes) == {
        "current": len(ORDERS),
        "duplicate": len(ORDERS),
        "superseded": 2 * len(ORDERS),
    }
    marts = ("fct_flights", "flight_features", "dim_aircraft", "dim_airports")
    step_by_step = {mart: rows(WHOLE.format(mart)) for mart in marts}
    dbt.succeed("build", "--full-refresh", "--exclude", "test_type:unit")
    assert {mart: rows(WHOLE.format(mart)) for mart in marts} == step_by_step
