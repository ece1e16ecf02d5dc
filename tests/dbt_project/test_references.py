"""Marts refer to dimensions of other sources, which infer the members that no document describes (P4, P5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loader.landing.raw_tables import make_raw_tables
from tests.support.databases import fresh_database
from tests.support.dbt_command import execute, failures, query
from tests.support.landing import land
from tests.support.own_sources.project import OwnProject
from tests.support.own_sources.staging import STAGING

DECLARATION = """
source: {source}
description: "{source}."
contract: {source}.schema.json
key: [/id]
version: delivery
withdrawn_when: {{field: /state, values: [gone]}}
"""
CONTRACT = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": {}, "state": {}, "name": {}, "owner": {}, "boss": {}},
}
DIMENSION = """
{{{{ config(pre_hook="{{{{ process_new_batches(['int_{source}_deduplicated']) }}}}") }}}}
select document_key as {key}, {columns}, false as is_inferred, _batch_id, _position
from {{{{ ref('int_{source}_deduplicated') }}}}
where outcome = 'current'
"""
FACT = """
{{ config(
    pre_hook="{{ process_new_batches(['int_visits_deduplicated']) }}",
    post_hook="{{ delete_rows_not_current(ref('int_visits_deduplicated')) }}",
) }}
select document_key as visit_id, owner as shop_id, _batch_id, _position
from {{ ref('int_visits_deduplicated') }}
where outcome = 'current'
{% if is_incremental() %}
and document_key in (select document_key from {{ ref('int_visits_deduplicated') }} where _batch_id in {{ new_batches() }})
{% endif %}
"""
YML = """
models:
  - name: {mart}
    config: {{unique_key: {key}, tags: [{source}]{meta}}}
    data_tests: [keys_enforced]
    constraints: [{{type: primary_key, columns: [{key}]}}]
    columns:
      - {{name: {key}, data_type: text, constraints: [{{type: not_null}}]}}
      {columns}
      - {{name: _batch_id, data_type: uuid}}
      - {{name: _position, data_type: bigint}}
"""
REFERENCE = "- {{name: {}, data_type: text, config: {{meta: {{refers_to: {}}}}}}}"
INFERRED = "- {name: is_inferred, data_type: boolean, constraints: [{type: not_null}]}"
MARTS = {"dim_owners": "owner_id", "dim_shops": "shop_id", "fct_visits": "visit_id"}
FOREIGN_KEYS = [
    "dim_owners (boss_id) dim_owners",
    "dim_owners (shop_id) dim_shops",
    "dim_shops (owner_id) dim_owners",
    "fct_visits (shop_id) dim_shops",
]


def dimension(source: str, columns: dict[str, str], references: dict[str, str]) -> dict[str, str]:
    """Return the files of a dimension."""
    mart, key = f"dim_{source}", MARTS[f"dim_{source}"]
    lines = [REFERENCE.format(name, to) for name, to in references.items()] + [
        "- {name: name, data_type: text}",
        INFERRED,
    ]
    selected = ", ".join(f"{field} as {name}" for name, field in columns.items())
    yml = YML.format(
        mart=mart, key=key, source=source, meta=", meta: {returns_every_row: true}", columns="\n      ".join(lines)
    )
    return {
        f"marts/{mart}.sql": DIMENSION.format(source=source, key=key, columns=selected),
        f"marts/{mart}.yml": yml,
    }


def fact(source: str, key: str, columns: str) -> dict[str, str]:
    """Return the files of a mart of events."""
    mart, text = f"marts/fct_{source}", FACT.replace("visits", source).replace("visit_id", key)
    return {
        f"{mart}.sql": text,
        f"{mart}.yml": YML.format(mart=f"fct_{source}", key=key, source=source, meta="", columns=columns),
    }


def add_source(project: OwnProject, source: str) -> None:
    """Add a source whose documents have a name, an owner and a boss."""
    staging = STAGING.replace("'value': '/value'", "'name': '/name', 'owner': '/owner', 'boss': '/boss'")
    staging = staging.replace(", 'revision': '/changed'", "").replace(
        "        value,\n", "        name,\n        owner,\n        boss,\n"
    )
    project.add_source(DECLARATION.format(source=source), CONTRACT, staging.format(source=source, types={}))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: None) -> Iterator[OwnProject]:
    """Return a project: owners have a boss and a shop, shops have an owner, and visits a shop."""
    project = OwnProject(tmp_path, monkeypatch)
    for source in ("owners", "shops", "visits"):
        add_source(project, source)
    owners = {"boss_id": "boss", "shop_id": "owner", "name": "name"}
    project.add_models(
        dimension("owners", owners, {"boss_id": "dim_owners", "shop_id": "dim_shops"})
        | dimension("shops", {"owner_id": "owner", "name": "name"}, {"owner_id": "dim_owners"})
    )
    project.add_models(fact("visits", "visit_id", REFERENCE.format("shop_id", "dim_shops")))
    with fresh_database():
        make_raw_tables()
        yield project


def build(project: OwnProject, *arguments: str) -> None:
    built = project.run("build", *arguments)
    assert built.success, built.exception or failures(built)


def content() -> dict[str, Any]:
    """Return the rows of the marts without their batches, and the foreign keys."""
    found: dict[str, Any] = {
        mart: query(
            f"select (to_jsonb(mart) - '{{_batch_id,_position}}'::text[])::text from marts.{mart} as mart order by 1"
        )
        for mart in MARTS
    }
    keys = """
        select conrelid::regclass || substring(pg_get_constraintdef(oid) from ' [(].+?[)]') || ' ' || confrelid::regclass
        from pg_constraint where contype = 'f' and convalidated and connamespace = 'marts'::regnamespace order by 1
    """
    return found | {"keys": [key.replace("marts.", "") for key in query(keys)]}


def members(mart: str) -> dict[str, bool]:
    """Return key -> whether the member is inferred."""
    return dict(query(f"select {MARTS[mart]}, is_inferred from marts.{mart}"))


def test_each_order_of_building_gives_the_same_marts(project: OwnProject) -> None:
    land(
        "owners",
        {"id": "ann", "boss": "bob", "owner": "s1"},
        {"id": "bob", "boss": "bob"},
        {"id": "eve", "boss": "zoe"},
    )
    land("shops", {"id": "s1", "owner": "ann"}, {"id": "s2", "owner": "max"})
    land("visits", {"id": "v1", "owner": "s2"}, {"id": "v2", "owner": "s9"}, {"id": "v3"})
    build(project, "-s", "+fct_visits")
    assert query("select count(*) from marts.fct_visits") == [3]
    build(project, "-s", "+dim_shops")
    assert members("dim_shops") == {"s1": False, "s2": False, "s9": True}
    build(project, "-s", "+dim_owners")
    first = content()
    assert members("dim_owners") == {"ann": False, "bob": False, "eve": False, "max": True, "zoe": True}
    assert first["keys"] == FOREIGN_KEYS
    build(project)
    assert content() == first
    for rebuilt in ("dim_shops", "dim_owners", "fct_visits", "dim_owners dim_shops fct_visits"):
        build(project, "--full-refresh", "-s", *rebuilt.split())
        assert content() == first, rebuilt
    execute("drop table marts.dim_owners, marts.dim_shops, marts.fct_visits cascade")
    build(project)
    assert content() == first


def test_a_member_comes_goes_and_stays_while_it_is_used(project: OwnProject) -> None:
    land("shops", {"id": "s1", "name": "One"})
    land("visits", {"id": "v1", "owner": "s1"})
    build(project)
    land("visits", {"id": "v2", "owner": "s2"}, {"id": "v3", "owner": "s3"})
    build(project, "-s", "tag:visits", "int_visits_deduplicated", "stg_visits")
    assert members("dim_shops") == {"s1": False, "s2": True, "s3": True}
    land("visits", {"id": "v3", "owner": "s3", "state": "gone"})
    build(project, "-s", "int_visits_deduplicated", "tag:visits")
    assert members("dim_shops") == {"s1": False, "s2": True}
    land("shops", {"id": "s2", "name": "Two"}, {"id": "s1", "state": "gone"})
    build(project)
    assert query("select shop_id, name, is_inferred, _position from marts.dim_shops order by 1") == [
        ("s1", None, True, None),
        ("s2", "Two", False, 1),
    ]
    land("visits", {"id": "v1", "state": "gone"}, {"id": "v2", "state": "gone"})
    build(project)
    assert members("dim_shops") == {"s2": False}
    before = content()
    build(project, "--full-refresh")
    assert content() == before


def test_members_of_an_undone_batch_go(project: OwnProject) -> None:
    land("visits", {"id": "v1", "owner": "s1"})
    build(project)
    undone = land("visits", {"id": "v2", "owner": "s2"})
    land("owners", {"id": "ann", "boss": "bob"})
    build(project)
    assert members("dim_shops") == {"s1": True, "s2": True}
    execute(f"""
        delete from raw.visits where _batch_id = '{undone}';
        insert into ledger.undone_batches (batch_id, undo_id, run_id, documents, undone_by, closed_rejects, opened_rejects)
        select batch_id, gen_random_uuid(), run_id, landed, 'test', 0, 0 from ledger.batches where batch_id = '{undone}'
    """)
    build(project, "-s", "int_visits_deduplicated", "fct_visits")
    assert members("dim_shops") == {"s1": True}
    assert members("dim_owners") == {"ann": False, "bob": True}
