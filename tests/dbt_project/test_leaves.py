"""No leaf is lost between raw and marts, and one that is lost is named (P9)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loader.landing.raw_tables import make_raw_tables
from pipeline.dbt.failing_rows import failed_tests
from tests.support.databases import fresh_database
from tests.support.dbt_command import execute, failures, query
from tests.support.landing import land
from tests.support.own_sources.project import OwnProject
from tests.support.own_sources.staging import STAGING

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
{CURRENT} cross join lateral jsonb_array_elements(document -> 'tags') as tag (value) where outcome = 'current'""",
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
KEPT = ("test", "-s", "test_name:leaves_kept")


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
        make_raw_tables()
        land("shops", SHOP, EMPTY, {**SHOP, "id": "c", "address": {"street": "unknown "}, "it's": {}})
        built = project.run("build")
        assert built.success, built.exception or failures(built)
        yield project


def found(project: OwnProject, *arguments: str) -> list[str]:
    """Return the rows of the tests that fail or warn."""
    return [row for test in failed_tests(project.run(*arguments).result.results) for row in test.first_rows]


@pytest.mark.parametrize(
    ("loss", "named"),
    [
        ("update marts.fct_shops set street = null where shop_id = 'a'", "/address/street, mart=fct_shops, column_name=street"),
        ("update marts.fct_shops set extra = '{}' where shop_id = 'c'", "/extra, mart=fct_shops, column_name=extra"),
        ("update marts.fct_shops set other_fields = '{\"/fax\": \"123\"}' where shop_id = 'a'", "/it's/a~1b, mart=fct_shops"),
        ("delete from marts.fct_shops where shop_id = 'b'", "path=, mart=fct_shops, column_name=, problem=3 in the documents, 2"),
        ("delete from marts.fct_shops_grades where grades_number = 2 and shop_id = 'a'", "/grades/*, mart=fct_shops_grades"),
        ("update marts.fct_shops_grades set inspector = null", "/grades/*/by/name, mart=fct_shops_grades"),
        ("delete from marts.fct_shops_grades_marks where marks_value is null", "/grades/*/marks/*, mart=fct_shops_grades_marks"),
        ("update marts.fct_shops_prices set prices_value = null where prices_name = 'tea'", "/prices/*, mart=fct_shops_prices"),
        ("delete from marts.fct_shops_tags where tag = 'x'", "/tags/*/name, mart=fct_shops_tags, column_name=tag, problem=4 in"),
    ],
)  # fmt: skip
def test_a_loss_in_a_mart_is_named(project: OwnProject, loss: str, named: str) -> None:
    mart = next(word for word in loss.split() if word.startswith("marts."))
    execute(f"create table kept as table {mart}")
    execute(loss)
    try:
        rows = found(project, *KEPT)
    finally:
        execute(f"truncate {mart}; insert into {mart} table kept; drop table kept")
    assert any(named in row for row in rows), rows
    assert all("first_document=batch " in row for row in rows)
    assert not found(project, *KEPT)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ("document || '{\"new~/\": null}'", "/new~0~1"),
        ("jsonb_set(document, '{address,zip}', '1')", "/address/zip"),
        ("jsonb_set(document, '{grades,1,by,age}', '[]')", "/grades/*/by/age"),
        ("jsonb_set(document, '{grades,0}', '7')", "/grades/*"),
        ("jsonb_set(document, '{address}', '\"Main\"')", "/address"),
        ("jsonb_set(document, '{prices}', '[1]')", "/prices"),
        ("jsonb_set(document, '{open,day}', '1')", "/open/day"),
    ],
)
def test_a_leaf_at_an_unknown_path_is_lost_unless_it_is_drift(project: OwnProject, change: str, path: str) -> None:
    execute("create table kept as table raw.shops")
    execute(f"update raw.shops set document = {change} where document ->> 'id' = 'a'")
    try:
        unknown = [row for row in found(project, *KEPT) if "in no column" in row]
        assert [row.split(", ")[0] for row in unknown] == [f"path={path}"]
        assert not found(project, "test", "-s", "adopted")
        execute(f"insert into ledger.drift select distinct _batch_id, '{path}', 'any', 1 from raw.shops")
        assert not [row for row in found(project, *KEPT) if "in no column" in row]
        (row,) = found(project, "test", "-s", "adopted")
        assert row.startswith(f"path={path}, documents=1, first_document=batch ")
        assert "add it to the contract" in row
    finally:
        execute("truncate raw.shops, ledger.drift; insert into raw.shops table kept; drop table kept")


def test_fields_that_the_ledger_counts_together_are_drift(project: OwnProject) -> None:
    execute("create table kept as table raw.shops")
    execute("update raw.shops set document = document || '{\"x\": {\"y\": 1}}' where document ->> 'id' = 'a'")
    try:
        for pointer in ("/… more fields", "/x"):
            execute(f"insert into ledger.drift select distinct _batch_id, '{pointer}', 'any', 1 from raw.shops")
            assert not found(project, *KEPT)
            execute("truncate ledger.drift")
    finally:
        execute("truncate raw.shops; insert into raw.shops table kept; drop table kept")


def test_a_mart_that_the_test_does_not_know_stops_it(project: OwnProject) -> None:
    path = project.project / "models" / "marts" / "fct_shops.yml"
    before = path.read_text()
    path.write_text(before.replace(", ref('fct_shops_tags')", ""))
    try:
        result = project.run(*KEPT)
    finally:
        path.write_text(before)
    assert "`carried` names fct_shops_tags" in " ".join(failures(result).values())
    assert query("select count(*) from marts.fct_shops_tags") == [4]
