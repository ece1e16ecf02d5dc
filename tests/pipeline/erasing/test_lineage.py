"""Every model that can hold a copy is found without a list, and loses the erased documents with one build."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg2 import sql

import pipeline.dbt.build
from loader.landing.raw_tables import make_raw_tables
from pipeline.erasing.building import build_downstream
from pipeline.erasing.holding import count_holding
from pipeline.erasing.kinds import Kind, Relation
from pipeline.erasing.lineage import read_lineage
from pipeline.erasing.outside import left_over_relations, relations_outside
from tests.dbt_project.test_new_source import CONTRACT, DECLARATION, MART, MART_YML, STAGING, book
from tests.support.databases import fresh_database
from tests.support.dbt_command import execute, query
from tests.support.landing import land
from tests.support.own_sources.project import OwnProject
from tests.support.small.erased_rows import erase_key
from warehouse.connection import connect

pytestmark = pytest.mark.server

CANARY = "Canary of a title"
KEYS = {"b-1": ("b", "1")}
OWN_MARTS = """
{{ config(
    pre_hook="{{ process_new_batches(['int_books_deduplicated']) }}",
    post_hook="{{ delete_rows_not_current(ref('int_books_deduplicated')) }}",
) }}
"""
ANYWHERE = "{{{{ config(materialized='{kind}', schema='marts', {more}) }}}}\n"
NAIVE = """
select title, '{{ invocation_id }}' as built_by from {{ ref('stg_books') }}
{% if is_incremental() %} where title not in (select title from {{ this }}) {% endif %}
"""
TITLES = """
select distinct title from {{ ref('int_books_deduplicated') }} where outcome = 'current' and title is not null
"""
TITLES_YML = """
models:
  - name: dim_titles
    config: {unique_key: title, meta: {returns_every_row: true}}
    constraints: [{type: primary_key, columns: [title]}]
    columns: [{name: title, data_type: text, constraints: [{type: not_null}]}]
"""
SNAPSHOT = """
{% snapshot seen_books %}
{{ config(unique_key='book_id', strategy='check', check_cols=['title']) }}
select * from {{ ref('dim_books') }}
{% endsnapshot %}
"""


def planted(kind: str, query: str, more: str = "") -> str:
    """Return a model of any folder, without a hook of ours."""
    return ANYWHERE.format(kind=kind, more=more) + query


MODELS = {
    "marts/dim_books.sql": OWN_MARTS + MART,
    "marts/dim_books.yml": MART_YML,
    "marts/dim_titles.sql": TITLES,
    "marts/dim_titles.yml": TITLES_YML,
    "copies/copied_titles.sql": planted("table", "select title from {{ ref('dim_titles') }}"),
    "copies/kept_titles.sql": planted("incremental", "select title from {{ ref('copied_titles') }}"),
    "copies/copied_table.sql": planted("table", "select title as name from {{ ref('dim_books') }}"),
    "copies/copied_again.sql": planted("table", "select name as label from {{ ref('copied_rows') }}"),
    "copies/copied_view.sql": planted("view", "select title from {{ ref('dim_books') }}"),
    "copies/copied_rows.sql": planted("incremental", NAIVE.replace("title,", "title, title as name,")),
    "copies/copied_by_key.sql": planted(
        "incremental", "select title from {{ ref('copied_view') }}", "unique_key='title', incremental_strategy='merge'"
    ),
    "copies/refreshed.sql": planted("materialized_view", "select title from {{ ref('dim_books') }}"),
    "copies/ephemeral_books.sql": planted("ephemeral", "select title from {{ ref('dim_books') }}"),
    "copies/after_ephemeral.sql": planted("table", "select title from {{ ref('ephemeral_books') }}"),
    "copies/failing.yml": "models: [{name: copied_table, data_tests: "
    "[{accepted_values: {column_name: name, arguments: {values: [A title]}, name: titles_are_known, "
    "config: {severity: warn, store_failures: true, schema: marts}}}]}]",
    "copies/alone.sql": planted("table", "select 1 as one"),
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: None) -> Iterator[OwnProject]:
    """Return a dbt project whose own mart is copied by planted models; `waybill` builds it."""
    project = OwnProject(tmp_path, monkeypatch)
    project.add_source(DECLARATION, CONTRACT, STAGING)
    project.add_models(MODELS)
    monkeypatch.setattr(pipeline.dbt.build, "DBT_PROJECT", project.project)
    with fresh_database():
        make_raw_tables()
        yield project


def holding(*names: str) -> dict[str, int | None]:
    """Return relation → rows with the canary or the key, of those that have one."""
    relations = [Relation(schema, name, Kind.LEFT_OVER) for schema, name in (one.split(".") for one in names)]
    connection = connect("owner")
    counts = count_holding(connection, relations, KEYS | {CANARY: ()})
    connection.close()
    return {str(relation): rows for relation, rows in counts.items() if rows != 0}


def all_relations() -> list[str]:
    return query(
        "select schemaname || '.' || tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
        " union all select schemaname || '.' || matviewname from pg_matviews"
        " union all select schemaname || '.' || viewname from pg_views where schemaname in ('marts', 'intermediate')"
    )


def test_planted_copies_are_found_and_follow_an_erasure(project: OwnProject) -> None:
    land("books", book("a"), book("b", title=CANARY))
    assert project.run("build").success
    assert {"marts.copied_rows", "marts.refreshed", "marts.copied_again"} <= set(holding(*all_relations()))
    land("books", book("c", title="Another"))
    assert project.run("build").success
    assert len(set(query("select built_by from marts.copied_rows"))) == 2

    erase_key("books", "b-1")
    lineage = read_lineage()
    downstream = lineage.downstream("books")
    assert {relation.name: relation.kind for relation in downstream.relations} == {
        "stg_books": Kind.VIEW,
        "int_books_deduplicated": Kind.BY_BATCHES,
        "int_books_outcomes": Kind.VIEW,
        "dim_books": Kind.BY_BATCHES,
        "dim_titles": Kind.BY_BATCHES,
        "copied_titles": Kind.TABLE,
        "kept_titles": Kind.REBUILT,
        "copied_table": Kind.TABLE,
        "copied_again": Kind.TABLE,
        "copied_view": Kind.VIEW,
        "copied_rows": Kind.REBUILT,
        "copied_by_key": Kind.REBUILT,
        "refreshed": Kind.MATERIALIZED_VIEW,
        "after_ephemeral": Kind.TABLE,
        "titles_are_known": Kind.FAILURES,
    }
    assert downstream.refused == []
    build_downstream(lineage, downstream)
    assert holding(*all_relations()) == {}
    (built_by,) = set(query("select built_by from marts.copied_rows"))
    assert len(query("select title from marts.copied_by_key")) == 2

    land("books", book("d", title="One more"))
    assert project.run("build").success
    assert built_by in query("select built_by from marts.copied_rows")


def test_a_partial_run_is_not_taken_for_a_rebuild(project: OwnProject) -> None:
    land("books", book("a"), book("b", title=CANARY))
    assert project.run("build").success
    erase_key("books", "b-1")
    assert project.run("run", "-s", "copied_by_key").success
    assert "marts.copied_by_key" in holding("marts.copied_by_key")
    lineage = read_lineage()
    build_downstream(lineage, lineage.downstream("books"))
    assert holding(*all_relations()) == {}


def test_what_no_run_can_clear_is_named(project: OwnProject) -> None:
    (project.project / "snapshots").mkdir()
    (project.project / "snapshots" / "seen_books.sql").write_text(SNAPSHOT)
    kept = planted("incremental", "select title from {{ ref('dim_books') }}", "full_refresh=false")
    project.add_models({"copies/kept.sql": kept})
    refused = {relation.name: relation.kind for relation in read_lineage().downstream("books").refused}
    assert refused == {"seen_books": Kind.SNAPSHOT, "kept": Kind.KEPT}


def test_a_source_without_models_has_nothing_to_build(project: OwnProject) -> None:
    lineage = read_lineage()
    downstream = lineage.downstream("films")
    assert downstream.relations == ()
    assert build_downstream(lineage, downstream) == (0, "no model reads it")


def test_tables_of_no_model_are_found_and_searched(project: OwnProject) -> None:
    land("books", book("a"), book("b", title=CANARY))
    assert project.run("build").success
    execute("create schema reports")
    execute("create table reports.lent (book_id text references marts.dim_books on delete cascade, note text)")
    execute("insert into reports.lent values ('a-1', 'fine')")
    execute("create view reports.titles as select * from marts.dim_books")
    execute("create materialized view reports.kept_titles as select title from reports.titles")
    execute("create table marts.dim_former_books as select 'b' as isbn, 1 as edition")
    execute("create table intermediate.notes as select jsonb_build_object('for', array['b-1']) as note")
    execute("create table marts.unrelated as select 'b' as isbn, 2 as edition")
    lineage, connection = read_lineage(), connect("owner")
    downstream = lineage.downstream("books")
    outside = relations_outside(connection, lineage, downstream)
    left_over = left_over_relations(connection, lineage)
    counts = count_holding(connection, [*outside, *left_over], KEYS | {CANARY: ()})
    connection.close()
    assert {str(one): (one.kind, counts[one]) for one in [*outside, *left_over]} == {
        "reports.lent": (Kind.OUTSIDE_TABLE, 0),
        "reports.kept_titles": (Kind.OUTSIDE_VIEW, 1),
        "marts.dim_former_books": (Kind.LEFT_OVER, 1),
        "intermediate.notes": (Kind.LEFT_OVER, 1),
        "marts.unrelated": (Kind.LEFT_OVER, 0),
    }
    erase_key("books", "b-1")
    build_downstream(lineage, downstream, outside)
    assert holding("reports.lent", "reports.kept_titles") == {}


def test_names_with_odd_characters_are_found(project: OwnProject) -> None:
    execute('create table marts."Old % ""copy""" as select \'b-1\' as "any thing"')
    connection = connect("owner")
    (found,) = left_over_relations(connection, read_lineage())
    with connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(found.schema, found.name)))
    assert count_holding(connection, [found], KEYS) == {found: 1}
    connection.close()
