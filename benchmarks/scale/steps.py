# waybill: sample
"""The steps that are measured at each size: the stages of a run, then what happens to a warehouse in daily use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.scale.measuring import Use, measure
from pipeline.stage_list import read_stages
from warehouse.connection import cursor_of

WAYBILL = ("-m", "waybill")
OF_MODELS = ("train", "score", "report")  # a few months have no rows to test a model with
MONTH = "flights/flights-2013-01.ndjson"
AN_OLD_KEY = "select flight_id from marts.fct_flights order by scheduled_date, flight_id limit 1"
VACUUM = """
from contextlib import closing
from warehouse.connection import connect
with closing(connect("owner")) as connection:
    connection.autocommit = True
    connection.cursor().execute("vacuum (analyze)")
"""


def measure_steps(raw: Path, *, has_models: bool) -> Iterator[tuple[str, Use]]:
    """Run all steps in order on the current server, and yield each one's name and use as soon as it has ended."""
    names = [stage.name for stage in read_stages() if has_models or stage.name not in OF_MODELS]
    for name in names:
        yield name, measure(*WAYBILL, "run", name)
    whole = [] if has_models else names  # stages that are named do their work even if nothing is new
    yield "all again, nothing new", measure(*WAYBILL, "run", *whole)
    month = str(raw / MONTH)
    yield "undo a month", measure(*WAYBILL, "undo", month)
    yield "undo a month: dbt", measure(*WAYBILL, "run", "dbt")
    yield "land it again", measure(*WAYBILL, "load", "flights", month)
    yield "land it again: dbt", measure(*WAYBILL, "run", "dbt")
    yield "vacuum", measure("-c", VACUUM)
    yield "erase a flight", measure(*WAYBILL, "erase", "flights", _an_old_key())


def _an_old_key() -> str:
    with cursor_of("reader") as cursor:
        cursor.execute(AN_OLD_KEY)
        return str(cursor.fetchone()[0])  # type: ignore[index]
