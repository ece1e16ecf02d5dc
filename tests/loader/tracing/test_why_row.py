"""A mart row and a prediction lead back to their document, and the document leads to them (P8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from loader.errors import CoordinateUnknown
from loader.load import load
from loader.plan import Request
from loader.tracing.why import why, why_row
from tests.support.documents import document
from warehouse.connection import connect, cursor_of
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
create table marts.thing_features (thing_id text primary key, _batch_id uuid); -- names the batch, not the document
create table predictions.thing_scores (thing_id text primary key, probability double precision, model_id uuid,
    is_stale boolean);
insert into predictions.thing_scores values ('t1', 0.25, '00000000-0000-7000-8000-000000000001', true);
grant select on all tables in schema intermediate, marts, predictions to waybill_reader;
grant select on marts.fct_things to waybill_trainer;
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


def test_a_prediction_says_when_its_model_was_last_checked(built: Path) -> None:
    with cursor_of("trainer") as cursor:
        cursor.execute(
            "insert into predictions.model_checks (task, model_id, mart, checked_at, is_stale, is_outdated,"
            " training_digest, table_digest) values ('thing_scores', '00000000-0000-7000-8000-000000000001',"
            " 'fct_things', '2026-01-02 03:04Z', true, true, '', '')"
        )
    assert why_row("fct_things", ("t1",))[-1].endswith(
        " which is stale: its training rows have changed since (checked 2026-01-02 03:04 UTC),"
        f" whose check is outdated: `{shown_command('verify')}` makes it again"
    )


def test_a_check_is_outdated_once_the_mart_is_written(built: Path) -> None:
    with cursor_of("trainer") as cursor:
        cursor.execute(
            "insert into predictions.model_checks (task, model_id, mart, is_stale, training_digest, table_digest,"
            " table_state) values ('thing_scores', '00000000-0000-7000-8000-000000000001', 'fct_things', false, '', '',"
            " predictions.table_state('fct_things'))"
        )
    assert why_row("fct_things", ("t1",))[-1].endswith("by model 00000000-0000-7000-8000-000000000001")
    with cursor_of("owner") as cursor:
        cursor.execute("update marts.fct_things set _position = _position")
    assert f"whose check is outdated: `{shown_command('verify')}` makes" in why_row("fct_things", ("t1",))[-1]


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


SEVERAL = """
create table marts.things_of_days (day date, thing_id text, _batch_id uuid, _position bigint,
    primary key (thing_id, day));
insert into marts.things_of_days
select '2024-01-01', document ->> 'id', _batch_id, _position from raw.things where _position < 3;
create table predictions.colours_by_model (day date, thing_id text, model_id uuid, predicted_label text,
    probability_red double precision, probability_blue double precision, is_stale boolean,
    primary key (day, thing_id, model_id));
insert into predictions.colours_by_model
values ('2024-01-01', 't1', '00000000-0000-7000-8000-000000000002', 'blue', 0.2, 0.8, false),
    ('2024-01-01', 't1', '00000000-0000-7000-8000-000000000003', 'red', 0.9, 0.1, false);
create view predictions.colours as select * from predictions.colours_by_model
where model_id = '00000000-0000-7000-8000-000000000002';
comment on column predictions.colours.model_id is 'Model of the task colours, on marts.things_of_days';
create table marts.others (thing_id text primary key, _batch_id uuid, _position bigint);
comment on column predictions.thing_scores.model_id is 'Model of the task thing_scores, on marts.fct_things';
insert into marts.others select thing_id, _batch_id, _position from marts.fct_things;
grant select on all tables in schema marts, predictions to waybill_reader;
"""


def test_a_prediction_of_several_classes_names_the_most_probable(built: Path) -> None:
    connection = connect("owner")
    with connection, connection.cursor() as cursor:
        cursor.execute(SEVERAL)
    connection.close()
    output = why_row("predictions.colours", ("2024-01-01", "t1"))
    assert output[0] == "marts.things_of_days 2024-01-01, t1 was made from this document:"
    assert output[-1] == "prediction predictions.colours: blue, 0.800 by model 00000000-0000-7000-8000-000000000002"
    assert why_row("things_of_days", ("t1", "2024-01-01"))[1:] == output[1:]
    assert sum("predictions.colours" in line for line in output) == 1, "the challenger's prediction is not in the view"
    assert sum("predictions.thing_scores" in line for line in output) == 1, "others has the key, and is another mart"
