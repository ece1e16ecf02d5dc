"""A mart row and a prediction lead back to their document, and the document leads to them (P8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from loader.errors import CoordinateUnknown
from loader.load import load
from loader.plan import Request
from loader.tracing.why import why, why_row
from tests.support.documents import document
from warehouse.connection import connect
from waybill.cli import shown_command

BUILT = """
create view intermediate.document_outcomes as
select 'things' as source, document ->> 'id' as document_key, 'current' as outcome, null as reason,
    document ->> 'updated_at' as version_at, _batch_id, _position, null::uuid as surviving_batch_id,
    null::bigint as surviving_position
from raw.things where _position < 3
union all
select 'things', document ->> 'id', 'superseded', null, document ->> 'updated_at', _batch_id, _position, _batch_id, 1
from raw.things where _position = 3
union all
select 'things', document ->> 'id', 'filtered', null, document ->> 'updated_at', _batch_id, _position, null, null
from raw.things where _position > 3;
create table marts.fct_things (thing_id text primary key, _batch_id uuid, _position bigint);
insert into marts.fct_things select document ->> 'id', _batch_id, _position from raw.things where _position < 3;
insert into marts.fct_things values ('inferred', null, null);
create table marts.thing_features (thing_id text primary key);
create table predictions.thing_scores (thing_id text primary key, probability double precision, model_id uuid,
    is_stale boolean);
insert into predictions.thing_scores values ('t1', 0.25, '00000000-0000-7000-8000-000000000001', true);
grant select on all tables in schema intermediate, marts, predictions to waybill_reader;
"""


@pytest.fixture
def built(database: str, source: Path) -> Path:
    """Load a file with two current documents, one that the first supersedes, and two that are filtered."""
    path = source / "a.ndjson"
    older = document(1, nested={"a": "older"})
    path.write_bytes(b"\n".join([document(1), document(2), older, document(2, nested={}), document(3)]))
    load(Request(("things",)))
    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        cursor.execute(BUILT)
    connection.close()
    return path


@pytest.mark.parametrize("table", ["fct_things", "marts.fct_things", "thing_features", "predictions.thing_scores"])
def test_a_row_leads_to_its_document_and_its_lineage(built: Path, table: str) -> None:
    output = why_row(table, ("t1",))
    assert output[0] == "marts.fct_things t1 was made from this document:"
    assert output[1].startswith(f"{built}:1 is source things, file batch ")
    assert output[4].endswith(f"checked: {document(1).decode()}")
    assert output[5:] == [
        "current, key t1",
        f"the same key was delivered at {built}:3: superseded",
        "mart row marts.fct_things: t1",
        "prediction predictions.thing_scores: 0.250 by model 00000000-0000-7000-8000-000000000001, which is stale:"
        " its training rows have changed since",
    ]
    assert why(f"{built}:1") == output[1:]


def test_a_row_without_a_prediction_is_reported(built: Path) -> None:
    assert why_row("fct_things", ("t2",))[-2:] == [
        "mart row marts.fct_things: t2",
        f"not in predictions.thing_scores yet: `{shown_command('score')}` predicts new rows",
    ]


def test_a_superseded_document_leads_to_its_replacement(built: Path) -> None:
    output = why(f"{built}:3")
    assert "superseded, key t1" in output
    assert f"replaced by {built}:1" in output


def test_a_filtered_document_leads_to_its_replacement_if_any(built: Path) -> None:
    output = why(f"{built}:4")
    assert output[output.index("filtered, key t2") + 1] == f"the current document with this key is {built}:2"
    output = why(f"{built}:5")
    assert output[output.index("filtered, key t3") + 1] == "no document with this key is current"


def test_a_row_without_a_document_is_reported(built: Path) -> None:
    assert why_row("fct_things", ("inferred",)) == [
        "marts.fct_things inferred is inferred: facts use the key, no document describes it"
    ]
    with pytest.raises(CoordinateUnknown, match="fct_things has no row t9"):
        why_row("fct_things", ("t9",))
    with pytest.raises(CoordinateUnknown, match="the key of fct_things is thing_id: give 1 value in"):
        why_row("fct_things", ("t1", "t2"))
    with pytest.raises(CoordinateUnknown, match="those that can: fct_things"):
        why_row("dim_others", ("t1",))
