# waybill: sample
"""A backfill by month, in any order, makes the marts that one run over all files makes."""

from __future__ import annotations

from pipeline.mart_hashes import MartHash, mart_hashes
from tests.dags.conftest import ScheduledPipeline
from tests.support.databases import fresh_database, rows
from tests.support.small.pipeline import SmallPipeline, small_sample
from warehouse.connection import engine, forget

MONTHS = ("2013-03", "2013-01", "2013-02")


def deliver_by_month(small: SmallPipeline) -> None:
    """Replace the file of flights by one a month; some months have corrections of flights of an earlier one."""
    (small.folder / "raw" / "flights" / "flights.ndjson").unlink()
    flights = small_sample()["flights"]
    for number, month in enumerate(sorted(MONTHS)):
        of_month = [flight for flight in flights if flight["scheduled"]["date"].startswith(month)]
        earlier = [flight for flight in flights if flight["scheduled"]["date"][:7] < month][:5]
        corrected = [{**flight, "updated_at": f"2014-0{number + 1}-01T00:00:00Z"} for flight in earlier]
        small.deliver("flights", f"flights-{month}.ndjson", [*of_month, *corrected])


def hashes() -> dict[str, MartHash]:
    forget()
    with engine("reader").connect() as connection:
        return mart_hashes(connection)


def test_three_months_one_by_one_make_the_marts_of_one_run(scheduled: ScheduledPipeline) -> None:
    deliver_by_month(scheduled.small)
    for number, month in enumerate(MONTHS):
        options = {"from": month, "to": month}
        output = scheduled.airflow.run(f"2024-03-0{number + 1}", only="load|dbt", **options)
        assert f"run load --wait --from {month} --to {month}" in output
        landed = rows("select count(distinct name) from ledger.inputs where name like '%%/flights-2013-%%'")
        assert landed == [(number + 1,)]
    by_month = hashes()
    assert by_month["fct_flights"].rows > 20
    with fresh_database("whole"):
        ran = scheduled.small.run("load", "dbt")
        assert ran.returncode == 0, ran.stderr
        assert hashes() == by_month
