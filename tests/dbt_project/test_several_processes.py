# waybill: sample
"""PostgreSQL may read documents with several processes: no expression of a staging view keeps it to one."""

from __future__ import annotations

from contextlib import closing

from tests.support.dbt_command import Dbt
from warehouse.connection import connect

VIEWS = "select viewname from pg_views where schemaname = 'staging'"
READS_TWICE = "stg_weather"  # a subquery that is read twice is stored by one process


def test_staging_may_be_read_by_several_processes(dbt: Dbt) -> None:
    dbt.succeed("run", "--select", "staging")
    with closing(connect("owner")) as connection, connection.cursor() as cursor:
        cursor.execute(VIEWS)
        views = [name for (name,) in cursor.fetchall() if name != READS_TWICE]
        cursor.execute("set debug_parallel_query = on")  # puts a Gather above each plan that several processes may run
        plans = {}
        for view in views:
            cursor.execute(f"explain (costs off) select * from staging.{view}")
            plans[view] = cursor.fetchone()[0]  # type: ignore[index]
    assert len(views) > 3 and plans == dict.fromkeys(views, "Gather")
