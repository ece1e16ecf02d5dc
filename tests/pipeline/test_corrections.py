# waybill: sample
"""The end of a run and the report give the number of values that the marts replace."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from pipeline.corrections import list_corrections, sum_up
from pipeline.report.page import write_report
from tests.support.small.warehouse import build_outcomes, build_raw
from warehouse.connection import engine

APPLIED = """
create view intermediate.corrections_applied as
select 'dim_airports' as mart, 'EEN' as key, 'latitude_degrees' as field, '72.27' as delivered_value,
    '42.9' as correct_value, 'swapped <i>here</i>' as reason, 'a register' as evidence
union all select 'dim_aircraft', 'N1', 'manufacturer', 'AIRBUS INDUSTRIE', 'AIRBUS', 'a spelling', 'a register'
union all select 'dim_aircraft', 'N2', 'manufacturer', 'AIRBUS INDUSTRIE', 'AIRBUS', 'a spelling', 'a register'
"""


def test_corrected_values_are_counted_and_listed(database: str, reports: Path) -> None:
    build_raw(5)
    build_outcomes()
    with engine("reader").connect() as connection:
        assert list_corrections(connection) == []
    with engine("owner").begin() as connection:
        connection.execute(text(APPLIED))
        connection.execute(text("grant select on intermediate.corrections_applied to waybill_reader"))
    with engine("reader").connect() as connection:
        corrections = list_corrections(connection)
    assert sum_up(corrections) == (
        "values corrected: dim_aircraft 2, dim_airports 1 (intermediate.corrections_applied lists them)"
    )
    page = write_report().path.read_text()
    assert "3 values of the marts replace a delivered value" in page
    assert "swapped &lt;i&gt;here&lt;/i&gt;" in page
