"""The test of a large child mart is not planned for a handful of rows: its time would grow with their square."""

from __future__ import annotations

from types import SimpleNamespace

from jinja2 import Template

from tests.support.databases import rows
from tests.support.small.task import execute
from waybill.settings import PROJECT


class Model(SimpleNamespace):
    """What dbt hands to a test: the table's name in SQL, and its identifier."""

    def __str__(self) -> str:
        return "marts.lines"


def test_a_child_mart_that_is_new_is_planned_for_many_rows(database: str) -> None:
    execute(
        "create table intermediate.processed_batches (model text, batch_id uuid)",
        "insert into intermediate.processed_batches select 'm' || n % 30, gen_random_uuid() from generate_series(1, 300) n",
        "analyze intermediate.processed_batches",
        "insert into intermediate.processed_batches select 'lines', ('00000000-0000-0000-0000-00000000000' || n)::uuid"
        " from generate_series(0, 2) n",
        "create table marts.parents as select ('00000000-0000-0000-0000-00000000000' || n % 3)::uuid as _batch_id,"
        " n::bigint as _position, '[1]'::jsonb as document from generate_series(1, 20000) n",
        "create table marts.lines as select _batch_id, _position from marts.parents",
        "create view marts.staged as select _batch_id, _position from"
        " (select _batch_id, _position, jsonb_array_elements(document) from marts.parents) as unnested",
        "delete from marts.lines where _position = 7",
        *(f"analyze marts.{name}" for name in ("parents", "lines")),
        "grant select on all tables in schema marts, intermediate to waybill_reader",
    )
    text = (PROJECT / "dbt_project/tests/generic/children_built.sql").read_text(encoding="utf-8")
    body = text.partition("columns=[]) %}")[2].replace("{% endtest %}", "")
    query = Template(body).render(
        model=Model(identifier="lines"),
        parent="marts.parents",
        children="marts.staged",
        columns=[],
        repair_command=lambda: "rebuild",
    )
    assert [found[1:] for found in rows(query)] == [(7, 1, 0, "rebuild")]
    (first,), *_ = rows(f"explain {query}")
    assert int(first.partition(" rows=")[2].split()[0]) > 1000
