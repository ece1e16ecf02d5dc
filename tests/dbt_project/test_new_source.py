"""The engine works for any set of sources: a project whose only source is books."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import loader.declarations
from loader.landing.raw_tables import make_raw_tables
from loader.tracing.facts import DocumentId
from loader.tracing.lineage import read_full_lineage
from loader.tracing.snapshot import Snapshot
from loader.tracing.terminal import lineage_lines
from pipeline.accounting import accounting
from pipeline.dbt import sources_yml
from tests.support.databases import fresh_database
from tests.support.dbt_command import execute, failures, query
from tests.support.landing import land
from tests.support.own_sources.project import OwnProject
from warehouse.connection import connect, current_warehouse, engine
from warehouse.status import print_status

DECLARATION = """
source: books
description: "Books, a document per edition."
contract: books.schema.json
key: [/isbn, /edition]
version: /changed
missing_texts: ["", unknown]
withdrawn_when: {field: /state, values: [recalled]}
"""
CONTRACT = {
    "type": "object",
    "required": ["isbn", "edition"],
    "properties": {"title": {"type": "object"}, "changed": {}, "state": {}, "printing": {}},
}
STAGING = """
{% set fields = {
    'isbn': '/isbn',
    'edition': '/edition',
    'title': '/title/main',
    'changed_at': '/changed',
} %}
{%- set types = {'edition': 'integer', 'changed_at': 'timestamptz'} %}

with

source as (

    {{ run_documents('books') }}

),

parsed as (

    select
        _batch_id,
        _position,
        _fingerprint,
        {{ field_texts('books', fields) }},
        {{ is_withdrawn('books') }} as is_withdrawn,
        {{ value_hash() }} as _value_hash,
        {{ evaluated_once() }} as _parsed
    from source

),

checked as (

    select
        *,
        {{ uncastable_reason(types, fields, 'books', names=['isbn']) }} as uncastable_reason,
        {{ evaluated_once() }} as _checked
    from parsed

),

renamed as (

    select
        {{ document_key('books', fields, types) }} as document_key,
        {{ document_version('books', fields, types) }},
        isbn,
        title,
        {{ cast_when_castable('edition', types['edition']) }} as edition,
        is_withdrawn,
        {{ cast_when_castable('changed_at', types['changed_at']) }} as changed_at,
        uncastable_reason,
        _value_hash,
        _batch_id,
        _position,
        _fingerprint
    from checked

)

select * from renamed
"""
MART = """
select document_key as book_id, title, changed_at, _batch_id, _position
from {{ ref('int_books_deduplicated') }}
where outcome = 'current'
"""
MART_YML = """
models:
  - name: dim_books
    data_tests: [keys_enforced]
    config: {unique_key: book_id}
    constraints: [{type: primary_key, columns: [book_id]}]
    columns:
      - {name: book_id, data_type: text, constraints: [{type: not_null}]}
      - {name: title, data_type: text}
      - {name: changed_at, data_type: timestamptz}
      - {name: _batch_id, data_type: uuid}
      - {name: _position, data_type: bigint}
"""
KEYS_ONLY = """
select document_key as book_id
from {{ ref('int_books_deduplicated') }}
where outcome = 'current'
"""
KEYS_ONLY_YML = """
models:
  - name: dim_book_keys
    config: {unique_key: book_id}
    constraints: [{type: primary_key, columns: [book_id]}]
    columns:
      - {name: book_id, data_type: text, constraints: [{type: not_null}]}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: None) -> Iterator[OwnProject]:
    """Return a dbt project with books instead of the sample's models."""
    project = OwnProject(tmp_path, monkeypatch)
    project.add_source(DECLARATION, CONTRACT, STAGING)
    project.add_models({
        "marts/dim_books.sql": MART,
        "marts/dim_books.yml": MART_YML,
        "marts/dim_book_keys.sql": KEYS_ONLY,
        "marts/dim_book_keys.yml": KEYS_ONLY_YML,
    })  # fmt: skip
    with fresh_database():
        yield project


def book(isbn: object, edition: object = 1, title: object = "A title", day: int = 1, **values: Any) -> dict[str, Any]:
    return {"isbn": isbn, "edition": edition, "title": {"main": title}, "changed": f"2020-01-0{day}T00:00:00Z"} | values


def test_a_project_of_one_other_source_builds(project: OwnProject) -> None:
    make_raw_tables()
    land(
        "books", book("a"), book("a", 1.0), book("b", title="unknown"), book("c", "first"), book("d", state="recalled")
    )
    built = project.run("build")
    assert built.success, built.exception or failures(built)
    assert query("select book_id, title from marts.dim_books order by 1") == [("a-1", "A title"), ("b-1", None)]
    outcomes = "select document_key, outcome, reason from intermediate.document_outcomes order by _position, 1, 2"
    land("books", book("a", title="Corrected", day=2))
    assert project.run("build").success
    assert query("select title from marts.dim_books where book_id = 'a-1'") == ["Corrected"]
    assert query("select book_id from marts.dim_book_keys order by 1") == ["a-1", "b-1"]
    assert sorted(query(outcomes), key=str) == [
        ("a-1", "current", None),
        ("a-1", "duplicate", None),
        ("a-1", "superseded", None),
        ("b-1", "current", None),
        ("c-first", "uncastable", 'edition: "first" is not a whole number'),
        ("d-1", "filtered", "withdrawn by its source"),
    ]
    execute("delete from raw.books where document ->> 'isbn' = 'b'")
    assert set(failures(project.run("build"))) == {"assert_books_balance"}


@pytest.mark.parametrize("is_removed", [False, True], ids=["declared", "declaration removed"])
def test_a_landed_source_without_models_stops_no_mart(
    project: OwnProject, capsys: pytest.CaptureFixture[str], is_removed: bool
) -> None:
    films = loader.declarations.SOURCES / "films.yml"
    films.write_text(DECLARATION.replace("source: books", "source: films"))
    make_raw_tables()
    land("books", book("a"))
    land("films", book("f"), book("g"))
    if is_removed:
        films.unlink()
    sources_yml.require_current()
    built = project.run("build")
    assert built.success, built.exception or failures(built)
    film = land("films", book("h"))
    assert query("select book_id from marts.dim_books") == ["a-1"]
    with engine("owner").connect() as connection:
        accounts = {account.source: account for account in accounting(connection)}
    assert (accounts["books"].verdict, accounts["books"].not_modelled) == ("balanced", 0)
    assert (accounts["films"].verdict, accounts["films"].not_modelled) == ("balanced, 3 not modelled", 3)
    print_status(current_warehouse())
    assert re.search(r"raw\.films +3 rows .* not modelled\n", capsys.readouterr().out)
    with Snapshot(connect("reader")) as snapshot:
        *_, outcome = lineage_lines(read_full_lineage(snapshot, DocumentId(str(film), 1)))
    assert outcome.startswith("not modelled: dbt has built no models of source films")


def declare(**values: Any) -> None:
    """Change the declaration of books and pass it to dbt."""
    path = loader.declarations.SOURCES / "books.yml"
    path.write_text(yaml.safe_dump(yaml.safe_load(DECLARATION) | values))
    sources_yml.write_files()


def outcomes_of_titles(columns: str) -> list[Any]:
    return query(f"select {columns} from intermediate.int_books_deduplicated order by _position")


def test_only_null_and_absent_are_missing_by_default(project: OwnProject) -> None:
    declare(missing_texts=[], withdrawn_when=None)
    make_raw_tables()
    titles: list[Any] = ["", " ", "NA", "unknown", " A title\n", "null", None]
    land("books", book("NA", title="x"), *(book(str(number), title=title) for number, title in enumerate(titles)))
    assert project.run("run").success
    assert outcomes_of_titles("document_key, title") == [
        ("NA-1", "x"),
        *((f"{number}-1", title) for number, title in enumerate(titles)),
    ]


def test_missing_and_trimmed_are_declared_by_field(project: OwnProject) -> None:
    declare(missing_texts={"*": ["NA"], "/title/main": ["", "it's"]}, trimmed=["/title/main", "/isbn"])
    make_raw_tables()
    titles = ["it's ", "\t", " NA ", "it's"]
    land(
        "books",
        *(book(f" {number} ", title=title) for number, title in enumerate(titles)),
        book("NA"),
        book("n", "NA"),
        book("v", changed="NA"),
    )
    assert project.run("run").success
    assert outcomes_of_titles("document_key, title, uncastable_reason") == [
        ("0-1", None, None),
        ("1-1", None, None),
        ("2-1", "NA", None),
        ("3-1", None, None),
        ("NA-1", "A title", None),
        ("n-NA", "A title", 'edition: "NA" is not a whole number'),
        ("v-1", "A title", 'changed_at: "NA" is not a time with a UTC offset'),
    ]


def test_an_object_where_text_is_expected_is_uncastable(project: OwnProject) -> None:
    make_raw_tables()
    nested = [{"a": 1}, {}, [], ["b"], '{"a": 1}', "[]", 5, True]
    land("books", *(book(str(number), title=title) for number, title in enumerate(nested)), book([1]), book("e", {}),
         book("f", state={"a": 1}))  # fmt: skip
    assert project.run("run").success
    assert outcomes_of_titles("coalesce(uncastable_reason, title)") == [
        'title: "{\\"a\\": 1}" is not a text',
        'title: "{}" is not a text',
        'title: "[]" is not a text',
        'title: "[\\"b\\"]" is not a text',
        '{"a": 1}',
        "[]",
        "5",
        "true",
        'isbn: "[1]" is not a text',
        'edition: "{}" is not a whole number',
        "/state: is not a text",
    ]


def test_different_keys_stay_different(project: OwnProject) -> None:
    parts = ["", "a", "~", "-", "a-", "-a", "~-", "-~", "a-b", "a~b", "--", "a~-b"]
    declare(key=["/isbn", "/title/main", "/edition"], missing_texts=[])
    make_raw_tables()
    pairs = [(isbn, title, edition) for isbn in parts for title in parts for edition in (1, -1)]
    land("books", *(book(isbn, edition, title) for isbn, title, edition in pairs))
    assert project.run("run").success
    keys = {
        (isbn, title, edition): key
        for isbn, title, edition, key in outcomes_of_titles("isbn, title, edition, document_key")
    }
    assert len(set(keys.values())) == len(keys) == len(pairs)
    plain = {parts: key for parts, key in keys.items() if "-" not in "".join(map(str, parts))}
    assert plain == {parts: "-".join(map(str, parts)) for parts in plain}
    assert keys["a-b", "a", 1] == "a~-b-a-1"
    assert query("select count(*) from marts.dim_books") == [len(pairs)]


def test_statuses_and_keys_that_hide_are_reported(project: OwnProject) -> None:
    declare(withdrawn_when={"field": "/state", "values": ["recalled"], "other_values": ["on sale"]})
    make_raw_tables()
    land("books", book("a", state="recalled"), book("b", state="on sale"), book("c", state="unknown"), book("d"))
    land("books", book("e", state="Recalled "), book("f", state={"is": "recalled"}))
    hidden = ["ab", "a\u200bb", "ab ", "\u00a0ab", "a b", "a\u00a0b", "\u00e9", "e\u0301", "\ufeffab", "AB"]
    land("books", *(book(isbn) for isbn in hidden))
    built = project.run("build")
    assert built.success
    warned = {entry.node.name: entry.failures for entry in built.result.results if str(entry.status) == "warn"}
    assert warned == {"assert_books_withdrawals_are_known": 2, "assert_books_keys_look_different": 3}
    assert query("select count(*) from marts.dim_books") == [len(hidden) + 4]  # "a" is recalled, "f" is uncastable


def test_a_raw_table_that_does_not_exist_is_named(project: OwnProject) -> None:
    output = str(project.run("run").exception)
    assert "has no table raw.books: run `make load` first" in " ".join(output.split())


def test_a_key_without_a_column_is_named(project: OwnProject) -> None:
    path = loader.declarations.SOURCES / "books.yml"
    path.write_text(DECLARATION.replace("/edition]", "/printing]"))
    sources_yml.write_files()
    make_raw_tables()
    land("books", book("a"))
    result = project.run("run")
    assert (
        "loader/sources/books.yml declares /printing as key or version, and no column reads it: add one to `fields` in "
        "dbt_project/models/staging/stg_books.sql, as 'column_name': '/printing'"
    ) in " ".join(str(failures(result)).split())
