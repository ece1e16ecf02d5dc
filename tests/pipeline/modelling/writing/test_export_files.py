"""The shape and schema of a new source: member names as in the JSON, forms as in the source, children nested."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from loader.declared_types import VALUE
from pipeline.export import shapes
from pipeline.modelling.design import Column, Design, Table
from pipeline.modelling.writing.export import files


def column(name: str, pointer: str, type: str = "text", wrapper: str | None = None) -> Column:
    return Column(name, pointer, pointer, type, 1, wrapper=wrapper)


ROOT = Table("", "document", "", "", (
    column("count", "/b b/count/$numberLong", "bigint", "$numberLong"),
    column("id", "/_id/$oid", "text", "$oid"),
    column("at", "/at/$date", "timestamptz", "$date"),
    column("born", "/born/$date/$numberLong", "epoch_milliseconds", "$numberLong"),
    column("seen", "/seen", "epoch_seconds"),
    column("field", "/", "double precision"),
    column("yes_field", "/yes", "boolean"),
    column("a_b", "/a~1b", "jsonb"),
), 1)  # fmt: skip
GRADES = Table("grades", "array", "/grades", "/grades", (column("grade", "/grade"),), 1, "", "grades_number")
MARKS = Table(
    "marks", "array", "/grades/*/marks", "/marks", (column("marks_value", "", "numeric"),), 1, "grades", "marks_number"
)
LABELS = Table(
    "labels",
    "map",
    "/b b/labels",
    "/b b/labels",
    (column("labels_value", "", "date"),),
    1,
    "",
    name_column="labels_name",
)
DESIGN = Design("hotels", "Hotels.", (), ("/_id/$oid",), "delivery", (ROOT, GRADES, MARKS, LABELS), 1)
SHAPE = {
    "nulls": "left out",
    "children": {
        "fct_hotels_grades": {"grade": "grade", "marks": "fct_hotels_marks"},
        "fct_hotels_marks": "marks_value",
        "fct_hotels_labels": "labels_value",
    },
    "document": {
        "_id": {"$oid": "id"},
        "": "field",
        "a/b": "a_b",
        "at": {"$date": "at"},
        "b b": {"count": {"$numberLong": "count as text"}, "labels": "fct_hotels_labels"},
        "born": {"$date": {"$numberLong": "born as milliseconds text"}},
        "grades": "fct_hotels_grades",
        "seen": "seen as seconds",
        "yes": "yes_field",
    },
}
DOCUMENT = {
    "_id": {"$oid": "5f"},
    "": 0.5,
    "a/b": [None],
    "at": {"$date": "2013-01-01T10:00:00.5Z"},
    "b b": {"count": {"$numberLong": "12"}, "labels": {"x": None, "": "2013-01-01"}},
    "born": {"$date": {"$numberLong": "-1"}},
    "grades": [{"grade": "A", "marks": [1, None]}, {}],
    "seen": 1.5,
    "yes": True,
}
WRONG = {
    "no key": {name: value for name, value in DOCUMENT.items() if name != "_id"},
    "a null": {**DOCUMENT, "yes": None},
    "another field": {**DOCUMENT, "zone": 1},
    "a number for a text": {**DOCUMENT, "grades": [{"grade": 1}]},
    "a local time": {**DOCUMENT, "at": {"$date": "2013-01-01T10:00:00"}},
    "a text for a number": {**DOCUMENT, "seen": "1.5"},
    "a number for a wrapped number": {**DOCUMENT, "b b": {"count": {"$numberLong": 12}}},
    "another type in a map": {**DOCUMENT, "b b": {"labels": {"x": 1}}},
}


def test_the_shape_nests_the_children() -> None:
    shape = files(DESIGN)["pipeline/export/shapes/fct_hotels.yml"]
    assert yaml.safe_load(shape) == SHAPE
    assert list(yaml.safe_load(shape)["document"]) == list(SHAPE["document"])
    assert shape.startswith("# The exported document of hotels; pipeline/export/shapes.py describes this file.\n")


def test_the_shape_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fct_hotels.yml").write_text(files(DESIGN)["pipeline/export/shapes/fct_hotels.yml"])
    monkeypatch.setattr(shapes, "SHAPES", tmp_path)
    (shape,) = shapes.read_shapes()
    assert shape.document == SHAPE["document"]
    assert shape.leaves_out_nulls


def test_the_schema_accepts_a_document_and_no_other() -> None:
    schema = json.loads(files(DESIGN)["pipeline/export/schemas/fct_hotels.schema.json"])
    validator = jsonschema_rs.validator_for(schema)
    assert [error.message for error in validator.iter_errors(DOCUMENT)] == []
    assert [name for name, document in WRONG.items() if validator.is_valid(document)] == []


def test_documents_without_a_key_require_nothing() -> None:
    design = Design("hotels", "Hotels.", (), (VALUE,), "delivery", (ROOT,), 1, is_dimension=True)
    schema = json.loads(files(design)["pipeline/export/schemas/dim_hotels.schema.json"])
    assert "required" not in schema
    assert "hotels_key" not in schema["properties"]
    assert "without: is_inferred\n" in files(design)["pipeline/export/shapes/dim_hotels.yml"]


def test_a_mart_without_children_has_a_short_shape() -> None:
    root = Table("", "document", "", "", (column("id", "/id"),), 1)
    shape = files(Design("hotels", "Hotels.", (), ("/id",), "delivery", (root,), 1))
    assert yaml.safe_load(shape["pipeline/export/shapes/fct_hotels.yml"]) == {
        "nulls": "left out", "document": {"id": "id"}
    }  # fmt: skip
