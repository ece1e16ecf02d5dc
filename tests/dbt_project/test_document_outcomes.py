"""`intermediate.document_outcomes`: the view over the outcomes of all sources, made at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from sqlalchemy import text

import loader.declarations
from loader.landing.raw_tables import make_raw_tables
from pipeline.accounting import accounting
from tests.dbt_project.test_new_source import CONTRACT, DECLARATION, STAGING, book
from tests.support.databases import fresh_database
from tests.support.dbt_command import execute, failures, query
from tests.support.landing import land
from tests.support.own_sources.project import OwnProject
from warehouse.connection import engine

pytestmark = pytest.mark.server

OUTCOMES = "select source, count(*) from intermediate.document_outcomes group by 1 order by 1"
COMMENTS = """
    select obj_description('intermediate.document_outcomes'::regclass), col_description(attrelid, attnum)
    from pg_attribute where attrelid = 'intermediate.document_outcomes'::regclass and attname = 'outcome'
"""
BEFORE = """
    create view intermediate.document_outcomes as
    select 'gone' as source, 'a' as document_key, 'current' as outcome, null::text as reason
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: None) -> Iterator[OwnProject]:
    """Return a dbt project with two sources, books and films, of which one document each has landed."""
    project = OwnProject(tmp_path, monkeypatch)
    for name in ("books", "films"):
        declaration = DECLARATION.replace("source: books", f"source: {name}")
        project.add_source(declaration, CONTRACT, STAGING.replace("'books'", f"'{name}'"))
    with fresh_database():
        make_raw_tables()
        for name in ("books", "films"):
            land(name, book("a"))
        yield project


def test_one_source_can_be_built_before_the_others(project: OwnProject) -> None:
    built = project.run("build", "-s", "+int_books_outcomes")
    assert built.success, built.exception or failures(built)
    assert query(OUTCOMES) == [("books", 1)]
    with engine("reader").connect() as connection:
        verdicts = {account.source: account.verdict for account in accounting(connection)}
    assert verdicts == {"books": "balanced", "films": "landed, no marts yet"}
    assert project.run("run", "-s", "+int_films_outcomes").success
    assert query(OUTCOMES) == [("books", 1), ("films", 1)]


def test_a_source_whose_models_were_removed_disappears(project: OwnProject) -> None:
    assert project.run("run").success
    for path in project.project.rglob("*films*"):
        path.unlink()
    (loader.declarations.SOURCES / "films.yml").unlink()
    assert project.run("run").success
    assert query(OUTCOMES) == [("books", 1)]
    for path in (project.project / "models").rglob("*books*"):
        path.unlink()
    project.add_models({"intermediate/int_other.sql": "select 1 as one"})
    assert project.run("run").success
    assert query(OUTCOMES) == []


def test_a_view_of_other_columns_is_replaced(project: OwnProject) -> None:
    execute("create schema if not exists intermediate")
    with engine("transformer").begin() as connection:
        connection.execute(text(BEFORE))
    assert project.run("run").success
    assert query(OUTCOMES) == [("books", 1), ("films", 1)]


@pytest.mark.parametrize("role", ["reader", "trainer"])
def test_roles_read_it_and_its_comments_are_there(project: OwnProject, role: Literal["reader", "trainer"]) -> None:
    assert project.run("run").success
    ((of_view, of_outcome),) = query(COMMENTS)
    assert of_view.startswith("One row per landed document of every source")
    assert of_outcome
    with engine(role).connect() as connection:
        assert connection.execute(text(OUTCOMES)).all() == [("books", 1), ("films", 1)]
