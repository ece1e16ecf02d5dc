"""No leaf is lost between raw and marts, and one that is lost is named (P9)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from loader.landing.raw_tables import make_raw_tables
from pipeline.adoption.fields import describe, list_fields_not_adopted
from pipeline.dbt.failing_rows import failed_tests
from tests.support.databases import fresh_database
from tests.support.dbt_command import execute, failures
from tests.support.landing import land
from tests.support.own_sources.project import OwnProject
from tests.support.own_sources.staging import STAGING
from warehouse.connection import current_warehouse, engine
from warehouse.status import print_status

DECLARATION = """
source: shops
description: "Shops."
contract: shops.schema.json
key: [/id]
version: /changed
missing_texts: {/address/street: [unknown]}
trimmed: [/address/street]
carried:
  fct_shops:
    shop_id: /id
    changed: /changed
    street: /address/street
    open_since: {paths: [/open/year, /open/month], computed: "a date of two fields"}
    extra: /extra
    other_fields: {members: [/fax, /it's/a~1b]}
  fct_shops_grades:
    grades_number: {number_of: /grades/*}
    score: /grades/*/score
    inspector: /grades/*/by/name
  fct_shops_grades_marks:
    marks_number: {number_of: /grades/*/marks/*}
    marks_value: /grades/*/marks/*
  fct_shops_prices:
    prices_name: {name_of: /prices/*}
    prices_value: /prices/*
  fct_shops_tags:
    tag: /tags/*/name
left_out: {/secret: "nobody needs it"}
"""
CONTRACT = {"type": "object", "required": ["id"], "properties": {"id": {}, "changed": {}, "address": {}}}
COORDINATE = "documents._batch_id, documents._position"
CURRENT = """
from {{ source('raw', 'shops') }} as documents
inner join {{ ref('int_shops_deduplicated') }} as outcomes using (_batch_id, _position)
"""
PLAIN = "{{ config(materialized='table', contract={'enforced': false}) }}\n"
GRADES = "cross join lateral jsonb_array_elements(document -> 'grades') with ordinality as grade (value, number)"
MARTS = {
    "fct_shops": f"""
select document_key as shop_id, (document ->> 'changed')::int as changed, (document #>> '{{open,year}}')::int as open_since,
    nullif(btrim(document #>> '{{address,street}}'), 'unknown') as street, document -> 'extra' as extra,
    jsonb_build_object('/fax', document -> 'fax', '/it''s/a~1b', document -> 'it''s' -> 'a/b') as other_fields, {COORDINATE}
{CURRENT} where outcome = 'current'
union all select 'inferred', null, null, 'no street', null, null, null, null""",
    "fct_shops_grades": f"""
select document_key as shop_id, grade.number as grades_number, (grade.value ->> 'score')::numeric as score,
    grade.value #>> '{{by,name}}' as inspector, {COORDINATE}
{CURRENT} {GRADES} where outcome = 'current'""",
    "fct_shops_grades_marks": f"""
select document_key as shop_id, grade.number as grades_number, mark.number as marks_number, mark.value as marks_value, {COORDINATE}
{CURRENT} {GRADES}
cross join lateral jsonb_array_elements_text(grade.value -> 'marks') with ordinality as mark (value, number)
where outcome = 'current'""",
    "fct_shops_prices": f"""
select document_key as shop_id, price.name as prices_name, price.value::numeric as prices_value, {COORDINATE}
{CURRENT} cross join lateral jsonb_each_text(document -> 'prices') as price (name, value) where outcome = 'current'""",
    "fct_shops_tags": f"""
select distinct document_key as shop_id, tag.value ->> 'name' as tag, {COORDINATE}
{CURRENT} cross join lateral jsonb_array_elements(nullif(document -> 'tags', 'null')) as tag (value) where outcome = 'current'""",
}
YML = """
models:
  - name: fct_shops
    columns: [{{name: extra, data_type: jsonb}}]
    data_tests:
      - leaves_kept:
          name: every_leaf
          arguments: {{source_name: shops, documents: ref('int_shops_deduplicated'), marts: [{marts}]}}
      - leaves_adopted:
          name: adopted
          arguments: {{source_name: shops, documents: ref('int_shops_deduplicated')}}
"""
SHOP: dict[str, Any] = {
    "id": "a",
    "changed": 1,
    "address": {"street": " Main "},
    "open": {"year": 1999, "month": None},
    "extra": {"b": [1, {"c": None}]},
    "fax": "123",
    "it's": {"a/b": [1]},
    "grades": [
        {"score": 1.5, "by": {"name": "Ann"}, "marks": ["x", "x", None]},
        {"score": 1.5, "by": {"name": "Ann"}, "marks": []},
    ],
    "prices": {"tea": 1, "beer": 2.50},
    "tags": [{"name": "x"}, {"name": "x"}, {"name": "y"}],
    "secret": {"pin": 1},
}
EMPTY = {"id": "b", "changed": 1, "address": {}, "grades": [], "prices": {}, "extra": None, "tags": None, "open": []}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, server: None) -> Iterator[OwnProject]:
    """Return a project whose marts hold every leaf of two shops, one of which has unknown streets and empty values."""
    with pytest.MonkeyPatch.context() as patch, fresh_database():
        project = OwnProject(Path(tmp_path_factory.mktemp("shops")), patch)
        staging = STAGING.format(source="shops", types={"value": "text", "revision": "integer"})
        project.add_source(DECLARATION, CONTRACT, staging.replace("'value': '/value'", "'value': '/name'"))
        models = {f"marts/{name}.sql": PLAIN + query for name, query in MARTS.items()}
        marts = ", ".join(f"ref('{name}')" for name in MARTS)
        project.add_models(models | {"marts/fct_shops.yml": YML.format(marts=marts)})
        yield project


@pytest.fixture(scope="module")
def tests(project: OwnProject) -> dict[str, str]:
    """Build the project and return the name of each test of the leaves, all of which pass, with its query."""
    make_raw_tables()
    land("shops", SHOP, EMPTY, {**SHOP, "id": "c", "address": {"street": "unknown "}, "it's": {}})
    built = project.run("build")
    assert built.success, built.exception or failures(built)
    return {
        entry.node.name: entry.node.compiled_code
        for entry in built.result.results
        if entry.node.name in ("every_leaf", "adopted")
    }


@contextmanager
def changed(table: str, statement: str) -> Iterator[None]:
    """Change a table, and put it back at the end. Nothing may be in the ledger's drift before."""
    execute(f"create table intermediate.kept as table {table}")
    execute(statement)
    try:
        yield
    finally:
        execute(
            f"truncate {table}, ledger.drift; insert into {table} table intermediate.kept; drop table intermediate.kept"
        )


def rows(statement: str) -> list[dict[str, Any]]:
    """Return the rows of a test's query."""
    with engine("transformer").connect() as connection:
        found = connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
        return [dict(row) for row in found.mappings()]


LOSSES = [
    ("update marts.fct_shops set street = null where shop_id = 'a'", "/address/street", "street", 1),
    ("update marts.fct_shops set extra = '{}' where shop_id = 'c'", "/extra", "extra", 1),
    (
        "update marts.fct_shops set other_fields = '{\"/fax\": \"123\"}' where shop_id = 'a'",
        "/it's/a~1b",
        "other_fields",
        1,
    ),
    ("delete from marts.fct_shops where shop_id = 'b'", "", "", 1),
    ("delete from marts.fct_shops_grades where grades_number = 2", "/grades/*", "", 2),
    ("update marts.fct_shops_grades set inspector = null", "/grades/*/by/name", "inspector", 2),
    ("delete from marts.fct_shops_grades_marks where marks_value is null", "/grades/*/marks/*", "", 2),
    ("update marts.fct_shops_prices set prices_value = null where prices_name = 'tea'", "/prices/*", "prices_value", 2),
    ("delete from marts.fct_shops_tags where tag = 'x'", "/tags/*/name", "tag", 2),
]


@pytest.mark.parametrize(("loss", "path", "column", "documents"), LOSSES)
def test_a_loss_in_a_mart_is_named(tests: dict[str, str], loss: str, path: str, column: str, documents: int) -> None:
    assert rows(tests["every_leaf"]) == []
    mart = next(word for word in loss.split() if word.startswith("marts."))
    with changed(mart, loss):
        found = {(row["path"], row["column_name"]): row for row in rows(tests["every_leaf"])}
    row = found[path, column]
    assert f"marts.{row['mart']}" == mart
    assert row["documents"] == documents
    assert row["first_document"].startswith("batch ")


UNKNOWN = [
    ("document || '{\"new~/\": null}'", "/new~0~1"),
    ("jsonb_set(document, '{address,zip}', '1')", "/address/zip"),
    ("jsonb_set(document, '{grades,1,by,age}', '[]')", "/grades/*/by/age"),
    ("jsonb_set(document, '{grades,0}', '7')", "/grades/*"),
    ("jsonb_set(document, '{address}', '\"Main\"')", "/address"),
    ("jsonb_set(document, '{prices}', '[1]')", "/prices"),
    ("jsonb_set(document, '{open,day}', '1')", "/open/day"),
]


@pytest.mark.parametrize(("change", "path"), UNKNOWN)
def test_an_unknown_path_is_lost_unless_it_is_drift(tests: dict[str, str], change: str, path: str) -> None:
    with changed("raw.shops", f"update raw.shops set document = {change} where document ->> 'id' = 'a'"):
        assert [row["path"] for row in rows(tests["every_leaf"]) if "in no column" in row["problem"]] == [path]
        assert rows(tests["adopted"]) == []
        execute(f"insert into ledger.drift select distinct _batch_id, '{path}', 'any', 1 from raw.shops")
        assert not [row for row in rows(tests["every_leaf"]) if "in no column" in row["problem"]]
        (row,) = rows(tests["adopted"])
    assert (row["path"], row["documents"]) == (path, 1)
    assert row["first_document"].startswith("batch ")
    assert "add it to the contract" in row["adopt"]


@pytest.mark.parametrize("pointer", ["/… more fields", "/x"])
def test_fields_that_the_ledger_counts_together_are_drift(tests: dict[str, str], pointer: str) -> None:
    change = "update raw.shops set document = document || '{\"x\": {\"y\": 1}}' where document ->> 'id' = 'a'"
    with changed("raw.shops", change):
        execute(f"insert into ledger.drift select distinct _batch_id, '{pointer}', 'any', 1 from raw.shops")
        assert rows(tests["every_leaf"]) == []
        assert [row["path"] for row in rows(tests["adopted"])] == ["/x"]


def test_a_loss_stops_a_run_and_drift_warns(project: OwnProject, tests: dict[str, str]) -> None:
    with changed("raw.shops", 'update raw.shops set document = document || \'{"x": 1, "y": 1}\''):
        execute("insert into ledger.drift select distinct _batch_id, '/x', 'any', 1 from raw.shops")
        result = project.run("test", "-s", "test_name:leaves_kept", "test_name:leaves_adopted")
        found = {test.name: test for test in failed_tests(result.result.results)}
    assert [test.is_warning for test in found.values()] == [name == "adopted" for name in found]
    assert found["every_leaf"].first_rows[0].startswith("path=/y, ")
    assert found["adopted"].first_rows[0].startswith("path=/x, documents=3, ")


def test_fields_that_are_not_adopted_are_counted(
    project: OwnProject, tests: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with changed("raw.shops", "update raw.shops set document = document || '{\"x\": 1}'"):
        execute("insert into ledger.drift select distinct _batch_id, '/x', 'any', 1 from raw.shops")
        assert project.run("run", "-s", "int_shops_deduplicated").success
        with engine("reader").connect() as connection:
            (field,) = list_fields_not_adopted(connection)
        print_status(current_warehouse())
    assert (field.source, field.path, field.documents) == ("shops", "/x", 3)
    assert describe([field]).startswith("not adopted: 1 field, in the raw table only\n  /x of shops: 3 documents\n")
    assert "not adopted: shops 1 field that no mart holds" in capsys.readouterr().out


def test_a_mart_that_the_test_does_not_know_stops_it(project: OwnProject, tests: dict[str, str]) -> None:
    path = project.project / "models" / "marts" / "fct_shops.yml"
    before = path.read_text()
    path.write_text(before.replace(", ref('fct_shops_tags')", ""))
    try:
        result = project.run("test", "-s", "test_name:leaves_kept")
    finally:
        path.write_text(before)
    assert "`carried` names fct_shops_tags" in " ".join(failures(result).values())
