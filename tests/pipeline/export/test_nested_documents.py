"""Documents with arrays, maps, jsonb and exact numbers are rebuilt from a mart and its child marts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import pipeline.export.export
from pipeline.errors import ExportRefused
from pipeline.export import shapes
from pipeline.export.export import export
from warehouse.connection import engine

TABLES = """
create table marts.fct_places (id text, zone integer, name text, metadata text, count bigint, price numeric,
    share float8, opened date, seen_at timestamptz, local_at timestamp, born_at timestamptz, extra jsonb,
    other_fields jsonb, token uuid, _position bigint, primary key (id, zone));
create table marts.fct_places_grades (id text, zone integer, grades_number integer, grade text,
    primary key (id, zone, grades_number), foreign key (id, zone) references marts.fct_places);
create table marts.fct_places_grades_marks (id text, zone integer, grades_number integer, marks_number integer,
    marks_value numeric, primary key (id, zone, grades_number, marks_number),
    foreign key (id, zone, grades_number) references marts.fct_places_grades);
create table marts.fct_places_labels (id text, zone integer, labels_name text, labels_value integer,
    primary key (id, zone, labels_name), foreign key (id, zone) references marts.fct_places);
insert into marts.fct_places values
    ('a', 10, 'A', 'm', 9223372036854775807, 1.10, 0.1, '0012-01-02', '2013-01-01 10:00:00.12+00',
     '2013-01-01 10:00', '1969-12-31 23:59:59.999+00', '[1.10, {"x": 1e400}]', '{"/a~1b/": null, "/deep/0": 1.0}',
     '00000000-0000-0000-0000-000000000001', 1);
insert into marts.fct_places (id, zone) values ('a', 9), ('b', 1);
insert into marts.fct_places_grades values ('a', 10, 2, 'B'), ('a', 10, 1, 'A'), ('a', 10, 10, null), ('b', 1, 1, 'C');
insert into marts.fct_places_grades_marks values ('a', 10, 1, 1, 1.50), ('a', 10, 1, 2, null), ('b', 1, 1, 1, 3);
insert into marts.fct_places_labels values ('a', 9, '', 1), ('a', 9, 'x/y', null);
"""
SHAPE = """
nulls: left out
children:
  fct_places_grades: {grade: grade, marks: fct_places_grades_marks}
  fct_places_grades_marks: marks_value
  fct_places_labels: labels_value
pairs: {fct_places: other_fields}
document:
  _id: {$oid: id}
  zone: zone
  first name: name
  '': metadata
  $x: {n: {$numberLong: count as text}}
  price: price
  share: share
  opened: opened
  seen: {$date: seen_at}
  local: local_at
  born: {$date: {$numberLong: born_at as milliseconds text}}
  born_seconds: born_at as seconds
  a/b: {extra: extra}
  token: token
  grades: fct_places_grades
  labels: fct_places_labels
"""
FIRST = """{"_id": {"$oid": "a"}, "zone": 10, "first name": "A", "": "m", "$x": {"n": {"$numberLong": "9223372036854775807"}},
    "price": 1.10, "share": 0.1, "opened": "0012-01-02", "seen": {"$date": "2013-01-01T10:00:00.12Z"},
    "local": "2013-01-01T10:00:00", "born": {"$date": {"$numberLong": "-1"}}, "born_seconds": -0.001,
    "a/b": {"extra": [1.10, {"x": 1e400}], "": null}, "deep": {"0": 1.0}, "token": "00000000-0000-0000-0000-000000000001",
    "grades": [{"grade": "A", "marks": [1.50, null]}, {"grade": "B"}, {}]}"""


@pytest.fixture(scope="module")
def places(module_database: str) -> None:
    with engine("owner").begin() as connection:
        connection.execute(text(TABLES.replace(":", r"\:")))
        connection.execute(text("grant select on all tables in schema marts to public"))


@pytest.fixture
def shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Declare the one shape; its documents are any objects."""
    for name in ("shapes", "schemas"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(shapes, "SHAPES", tmp_path / "shapes")
    monkeypatch.setattr(pipeline.export.export, "SCHEMAS", tmp_path / "schemas")
    monkeypatch.setenv("WAYBILL_PROCESSED", str(tmp_path))
    (tmp_path / "schemas/fct_places.schema.json").write_text('{"type": "object"}')
    file = tmp_path / "shapes/fct_places.yml"
    file.write_text(SHAPE)
    yield file


def exactly(document: str | bytes) -> Any:
    return json.loads(document, parse_float=Decimal)


def exported(shape: Path) -> list[Any]:
    export()
    documents: list[Any] = exactly((shape.parent.parent / "fct_places.json").read_bytes())
    return documents


def test_every_kind_of_value_is_rebuilt(places: None, shape: Path) -> None:
    (first,) = (document for document in exported(shape) if document["zone"] == 10)
    assert first == exactly(FIRST)
    assert str(first["price"]) == "1.10"


def test_what_has_no_value_is_left_out(places: None, shape: Path) -> None:
    _, second, third = sorted(exported(shape), key=lambda document: -document["zone"])
    assert second == {"_id": {"$oid": "a"}, "zone": 9, "labels": {"": 1, "x/y": None}}
    assert third == {"_id": {"$oid": "b"}, "zone": 1, "grades": [{"grade": "C", "marks": [3]}]}


def test_what_has_no_value_is_null_unless_left_out(places: None, shape: Path) -> None:
    shape.write_text(SHAPE.replace("nulls: left out\n", ""))
    third = exported(shape)[-1]
    assert third["$x"] == {"n": {"$numberLong": None}}
    assert third["labels"] == {}
    assert third["grades"] == [{"grade": "C", "marks": [3]}]


def test_a_changed_child_row_writes_the_file_again(places: None, shape: Path) -> None:
    export()
    assert export().written == ()
    with engine("owner").begin() as connection:
        connection.execute(text("update marts.fct_places_grades_marks set marks_value = 2 where id = 'b'"))
    try:
        assert exported(shape)[-1]["grades"][0]["marks"] == [2]
    finally:
        with engine("owner").begin() as connection:
            connection.execute(text("update marts.fct_places_grades_marks set marks_value = 3 where id = 'b'"))


def test_each_document_is_checked_as_it_is_written(places: None, shape: Path) -> None:
    schema = '{"properties": {"a/b": {"properties": {"extra": {"type": "string"}}}}}'
    (shape.parent.parent / "schemas/fct_places.schema.json").write_text(schema)
    with pytest.raises(ExportRefused, match=r"fct_places \('a', 10\): /a~1b/extra: .* is not of type \"string\""):
        export()


def test_a_child_mart_without_its_key_is_named(places: None, shape: Path) -> None:
    with engine("owner").begin() as connection:
        connection.execute(text("alter table marts.fct_places_labels drop constraint fct_places_labels_id_zone_fkey"))
    try:
        with pytest.raises(
            ExportRefused, match=r"fct_places_labels has no foreign key to marts\.fct_places: run `make"
        ):
            export()
    finally:
        with engine("owner").begin() as connection:
            connection.execute(
                text("alter table marts.fct_places_labels add foreign key (id, zone) references marts.fct_places")
            )


def test_a_missing_child_mart_is_named(places: None, shape: Path) -> None:
    shape.write_text(SHAPE.replace("fct_places_labels", "fct_places_tags"))
    with pytest.raises(
        ExportRefused, match=r"no table marts\.fct_places_tags with a primary key: run `make dbt` first"
    ):
        export()


def test_a_mart_that_is_not_built_yet_stops_no_other(places: None, shape: Path) -> None:
    shape.with_name("fct_later.yml").write_text("document: {a: b}")
    assert export().summary.endswith("; not built yet: fct_later")
    assert len(exported(shape)) == 3


def test_rows_that_the_shape_excludes_have_no_document(places: None, shape: Path) -> None:
    with engine("owner").begin() as connection:
        connection.execute(text("alter table marts.fct_places add is_inferred boolean"))
        connection.execute(text("insert into marts.fct_places (id, zone, is_inferred) values ('c', 1, true)"))
    try:
        assert len(exported(shape)) == 4
        shape.write_text(f"{SHAPE}without: is_inferred")
        assert [document["zone"] for document in exported(shape)] == [9, 10, 1]
    finally:
        with engine("owner").begin() as connection:
            connection.execute(text("delete from marts.fct_places where is_inferred"))
            connection.execute(text("alter table marts.fct_places drop is_inferred"))
