# waybill: sample
"""P10 in dbt: incremental models of an older warehouse continue without a rebuild, a loss or a double."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from loader.landing.raw_tables import make_raw_tables
from tests.support.dbt_command import Dbt, query
from tests.support.landing import changed, land
from tests.support.old_layouts import restored_layout
from tests.support.small.documents import flight
from tests.support.small.marts import MARTS, fingerprints
from warehouse.connection import current_warehouse, forget, login_parameters, open_connection
from waybill.settings import get_settings

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(not get_settings().is_embedded, reason="dumps name the embedded server's logins"),
]

OUTCOMES = "select source, outcome, count(*) from intermediate.document_outcomes group by 1, 2 order by 1, 2"


def before_migration(statement: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query on a database that is not migrated by it."""
    connection = open_connection(login_parameters(current_warehouse(), "owner"))
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        found = cursor.fetchall()
    connection.close()
    return found


def test_models_continue_on_a_warehouse_of_layout_5(dbt_folder: Dbt) -> None:
    with restored_layout(5, f"test_{uuid4().hex[:12]}"):
        run = before_migration(
            "select batch_id::text, source, frozen_at, frozen_by from intermediate.frozen_batches order by 1"
        )
        processed = before_migration("select model, batch_id::text from intermediate.consumed_batches order by 1, 2")
        outcomes = before_migration(OUTCOMES)
        marts = fingerprints(physical=True)
        assert (
            query("select batch_id::text, source, added_at, added_by from intermediate.run_batches order by 1") == run
        )
        assert query("select count(*) from intermediate.processed_batches") == [0]

        make_raw_tables()  # of sources that were declared since
        results = dbt_folder.succeed("build", "--exclude", "test_type:unit")
        affected = {mart: results[mart].adapter_response["rows_affected"] for mart in MARTS}
        assert affected == {mart: int(mart == "dim_airports") for mart in affected}  # a correction changes one airport
        assert query("select latitude_degrees from marts.dim_airports where airport_id = 'EEN'") == [42.898333]
        after = fingerprints(physical=True)
        assert {mart: after[mart] for mart in MARTS if mart != "dim_airports"} == {
            mart: marts[mart] for mart in MARTS if mart != "dim_airports"
        }
        assert query(OUTCOMES) == outcomes
        assert query("select model, batch_id::text from intermediate.processed_batches order by 1, 2") == processed

        land("flights", changed(flight(9999), updated_at="2014-01-01T00:00:00Z"))
        flights = query("select count(*) from marts.fct_flights")[0]
        results = dbt_folder.succeed("build", "--exclude", "test_type:unit")
        assert results["fct_flights"].adapter_response["rows_affected"] == 1
        assert query("select count(*) from marts.fct_flights") == [flights + 1]


def test_a_warehouse_without_the_run_of_a_batch_is_migrated(dbt_folder: Dbt) -> None:
    """Before layout 5 had its last form, `frozen_batches` did not say which run had added a batch."""
    with restored_layout(5, f"test_{uuid4().hex[:12]}"):
        connection = open_connection(login_parameters(current_warehouse(), "owner"))
        with connection, connection.cursor() as cursor:
            cursor.execute("alter table intermediate.frozen_batches drop column frozen_by")
        connection.close()
        forget()
        assert query("select distinct added_by from intermediate.run_batches") == [""]
