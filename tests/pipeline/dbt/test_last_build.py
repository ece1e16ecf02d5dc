"""A run in which nothing has changed builds nothing; every change that can change a mart, or a test's result, builds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pipeline.dbt.basis
import pipeline.dbt.build
from loader.landing.raw_tables import make_raw_tables
from loader.undo.undo import undo
from pipeline.dbt.basis import current_basis
from pipeline.dbt.build import WITHOUT_UNIT_TESTS, build_and_check_freshness, build_if_changed
from pipeline.dbt.last_build import last_build_path, remember_build, same_build
from pipeline.dbt.results import read_build, results_path, write_build
from pipeline.errors import DbtFailed
from tests.dbt_project.test_new_source import CONTRACT, DECLARATION, MART, MART_YML, STAGING, book
from tests.support.databases import fresh_database
from tests.support.dbt_command import execute, query
from tests.support.landing import land
from tests.support.own_sources.project import OwnProject
from tests.support.small.erased_rows import erase_key
from warehouse.dbt_login import target_folder
from waybill.settings import get_settings

OWN_MART = """
{{ config(
    pre_hook="{{ process_new_batches(['int_books_deduplicated']) }}",
    post_hook="{{ delete_rows_not_current(ref('int_books_deduplicated')) }}",
) }}
"""
MODELS = {"marts/dim_books.sql": OWN_MART + MART, "marts/dim_books.yml": MART_YML}
BOOKS = "select book_id || ' ' || title from marts.dim_books order by 1"


@pytest.fixture(scope="module")
def project(server: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the folder of a dbt project of one source and one mart, in which a book has landed and was built."""
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch, fresh_database():
        project = OwnProject(folder, patch)
        project.add_source(DECLARATION, CONTRACT, STAGING)
        project.add_models(MODELS)
        for module in (pipeline.dbt.build, pipeline.dbt.basis):
            patch.setattr(module, "DBT_PROJECT", project.project)
        patch.setenv("DBT_TARGET_PATH", str(folder / "target"))
        make_raw_tables()
        land("books", book("b"))
        build_and_check_freshness()
        yield project.project
        last_build_path(get_settings()).unlink(missing_ok=True)
        results_path(get_settings()).unlink(missing_ok=True)


@pytest.fixture
def remembered(project: Path) -> Path:
    """Return the project's folder after a build of what there is."""
    remember_build(current_basis(), [], [], "3 models, 9 tests passed")
    assert is_same()
    return project


def is_same() -> bool:
    return same_build(current_basis()) is not None


def refuse(*_: Any, **__: Any) -> Any:
    raise AssertionError("dbt was started")


def fail(*_: Any, **__: Any) -> Any:
    raise DbtFailed("it does not hold")


def test_importing_the_stage_does_not_import_dbt() -> None:
    code = "import sys, pipeline.dbt.build; print([name for name in sys.modules if name.partition('.')[0] == 'dbt'])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"


def test_what_lands_is_built_once_and_what_is_undone_too(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_and_check_freshness()
    before = query(BOOKS)
    batch = land("books", book("n", title="New"))
    rows, summary = build_if_changed()
    assert (rows, len(query(BOOKS))) == (1, len(before) + 1)
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.dbt.build, "_invoke", refuse)
        rows, again = build_if_changed()
    assert rows == 0 and again.startswith("nothing has changed since the build of 20")
    assert again.partition("; ")[2] == summary.partition("; ")[2]
    assert undo(str(batch))
    build_if_changed()
    assert query(BOOKS) == before
    monkeypatch.setattr(pipeline.dbt.build, "_invoke", refuse)
    assert build_if_changed()[0] == 0


def test_a_batch_committed_during_a_build_is_new_to_the_next(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check = pipeline.dbt.build._check_freshness
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.dbt.build, "_check_freshness", lambda: (land("books", book("during")), check())[1])
        build_and_check_freshness()
    before = len(query(BOOKS))
    assert not is_same()
    build_if_changed()
    assert len(query(BOOKS)) == before + 1 and is_same()


@pytest.mark.parametrize(
    ("change", "arguments"),
    [
        (lambda _: land("books", book("unit")), WITHOUT_UNIT_TESTS),
        (lambda folder: (folder / "macros" / "new.sql").write_text(""), ()),
        (lambda _: execute("create table public.more (id int)"), ()),
        (lambda _: execute("update marts.dim_books set title = title"), ()),
        (lambda _: execute("update ledger.layout set made_at = now()"), ()),
    ],
    ids=["documents", "a file", "another table", "a mart", "a migration"],
)
def test_unit_tests_run_unless_only_documents_changed(
    remembered: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], Any], arguments: tuple[str, ...]
) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(pipeline.dbt.build, "_build", lambda *given: asked.append(given) or fail())
    change(remembered)
    for expected in (arguments, ()):  # after a build that failed, all tests run
        with pytest.raises(DbtFailed):
            build_if_changed()
        assert asked.pop() == expected


@pytest.mark.parametrize(
    ("also", "refreshes", "arguments"),
    [
        ("select 1", False, (*WITHOUT_UNIT_TESTS, "--select", "dim_books")),
        ("select 1", True, WITHOUT_UNIT_TESTS),
        ("update marts.dim_books set title = title", False, ()),
    ],
    ids=["documents", "a full refresh", "a mart as well"],
)
def test_what_depends_on_a_changed_source_is_selected(
    remembered: Path, monkeypatch: pytest.MonkeyPatch, also: str, refreshes: bool, arguments: tuple[str, ...]
) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(pipeline.dbt.build, "_build", lambda *given: asked.append(given) or fail())
    if refreshes:
        monkeypatch.setenv("DBT_FULL_REFRESH", "true")
        remember_build(current_basis(), [], [], "")
    path = last_build_path(get_settings())
    path.write_text(json.dumps(json.loads(path.read_text()) | {"readers": {"books": ["dim_books"], "more": ["other"]}}))
    land("books", book("selected"))
    execute(also)
    with pytest.raises(DbtFailed):
        build_if_changed()
    assert asked == [arguments]


def test_results_of_what_is_left_out_are_kept(remembered: Path) -> None:
    path = results_path(get_settings())
    before = path.read_text()
    unit, other = ({"name": kind, "kind": kind, "of": "m", "status": "pass", "message": "", "seconds": 0.1}
                   for kind in ("unit_test", "test"))  # fmt: skip
    for keeps, kept in ((True, ["unit_test", "test"]), (False, [])):
        path.write_text(json.dumps({"at": "2013-01-01 00:00 UTC", "results": [unit, other]}))
        write_build([], [], keep_others=keeps)
        build = read_build(get_settings())
        assert build is not None and [result.name for result in build.results] == kept
    path.write_text(before)


@pytest.mark.parametrize(
    "change",
    [
        lambda: land("books", book("later")),
        lambda: land("books"),
        lambda: undo(str(query("select batch_id from ledger.batches where landed > 0 order by 1")[0])),
        lambda: erase_key("books", "during-1"),
    ],
    ids=["a batch", "a batch without documents", "an undo", "an erasure"],
)
def test_every_change_of_the_ledger_builds(remembered: Path, change: Callable[[], Any]) -> None:
    change()
    assert not is_same()


@pytest.mark.parametrize(
    "statement",
    [
        "update marts.dim_books set title = title",
        "delete from raw.books",
        "truncate intermediate.int_books_deduplicated",
        "delete from intermediate.processed_batches where model = 'dim_books'",
        "alter table marts.dim_books drop constraint dim_books_pkey",
        "drop view if exists intermediate.document_outcomes",
        "create or replace view staging.extra as select 1 as one",
        "update ledger.batches set committed_at = now()",
        "update ledger.layout set made_at = now()",
        "drop table marts.dim_books cascade",
    ],
)
def test_every_change_by_hand_builds(remembered: Path, statement: str) -> None:
    execute(statement.replace("dim_books_pkey", primary_key()))
    assert not is_same()


def primary_key() -> str:
    found = query("select conname from pg_constraint where conrelid = to_regclass('marts.dim_books') and contype = 'p'")
    return str(found[0]) if found else "none"


@pytest.mark.parametrize(
    "name",
    [
        "models/marts/dim_books.sql", "models/marts/dim_books.yml", "models/staging/stg_books.sql", "dbt_project.yml",
        "profiles.yml", "macros/batches/new_batches.sql", "tests/generic/documents_balance.sql", "seeds/new.csv",
        "dbt_packages/more/macros/new.sql",
    ],
)  # fmt: skip
def test_every_change_of_a_file_builds(remembered: Path, name: str) -> None:
    path = remembered / name
    before = path.read_text() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((before or "") + "\n")
    changed = not is_same()
    path.unlink()
    removed = not is_same()
    if before is None:
        assert changed and not removed
    else:
        path.write_text(before)
        assert changed and removed
    assert is_same()


def test_what_dbt_writes_itself_is_not_a_change(remembered: Path) -> None:
    for folder in ("logs", "target"):
        (remembered / folder).mkdir(exist_ok=True)
        (remembered / folder / "dbt.log").write_text("more")
    (remembered / ".user.yml").write_text("id: 1")
    assert is_same()


def test_a_variable_that_the_project_reads_counts(remembered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    macro = remembered / "macros" / "read.sql"
    macro.write_text("{% macro read() %}{{ env_var('SHOP', 'none') }}{% endmacro %}")
    remember_build(current_basis(), [], [], "")
    monkeypatch.setenv("ANOTHER", "x")
    assert is_same()
    monkeypatch.setenv("SHOP", "x")
    assert not is_same()
    macro.unlink()


def test_other_versions_of_dbt_build(remembered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.dbt.basis, "version", lambda name: "0.0.1")
    assert not is_same()


def test_a_full_refresh_that_is_asked_for_is_done(remembered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_FULL_REFRESH", "true")
    remember_build(current_basis(), [], [], "")
    monkeypatch.setattr(pipeline.dbt.build, "_invoke", fail)
    with pytest.raises(DbtFailed):
        build_if_changed()


@pytest.mark.parametrize("kept", ["results", "manifest.json", "run_results.json"])
def test_what_a_build_leaves_for_others_is_made_again(remembered: Path, kept: str) -> None:
    path = results_path(get_settings()) if kept == "results" else target_folder() / kept
    content = path.read_text()
    path.unlink()
    assert not is_same()
    path.write_text(content)
    assert is_same()


@pytest.mark.parametrize("error", [DbtFailed, KeyboardInterrupt])
def test_a_build_that_ends_early_is_not_remembered(
    remembered: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def stop(*_: Any, **__: Any) -> Any:
        assert not last_build_path(get_settings()).exists(), "a killed build would leave it"
        raise error

    monkeypatch.setattr(pipeline.dbt.build, "_invoke", stop)
    with pytest.raises(error):
        build_and_check_freshness()
    assert not is_same()


def test_a_record_that_cannot_be_read_builds(remembered: Path) -> None:
    for content in ("", "{", json.dumps({"at": "x"}), "[]"):
        last_build_path(get_settings()).write_text(content)
        assert not is_same()


def test_a_test_that_warned_is_named_again(
    remembered: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pipeline.dbt.build, "_invoke", refuse)
    path = results_path(get_settings())
    before = path.read_text()
    warned = {"name": "t", "kind": "test", "of": "m", "status": "warn", "message": "t warns: 1 row", "seconds": 0.1}
    path.write_text(json.dumps({"at": "2013-01-01 00:00 UTC", "results": [warned]}))
    build_if_changed()
    path.write_text(before)
    assert capsys.readouterr().out == "t warns: 1 row\n"


def test_equal_tables_of_other_batches_are_another_warehouse(remembered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.dbt.basis, "table_states", lambda *_, **__: {"ledger.batches": "equal"})
    before = current_basis()
    assert current_basis() == before
    land("books")
    assert current_basis() != before


def test_another_database_is_built(remembered: Path) -> None:
    record, results = (path(get_settings()).read_text() for path in (last_build_path, results_path))
    with fresh_database():
        make_raw_tables()
        last_build_path(get_settings()).write_text(record)
        results_path(get_settings()).write_text(results)
        assert not is_same()
        last_build_path(get_settings()).unlink()
        results_path(get_settings()).unlink()
