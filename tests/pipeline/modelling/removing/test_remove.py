"""`waybill remove SOURCE` takes a source out of the project, and with --drop out of the warehouse; books balance (P1)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loader.errors import SourceUnknown
from pipeline.modelling.removing.asked import Asked
from pipeline.modelling.removing.source import remove_source
from tests.support.databases import rows
from tests.support.own_sources.committed import CommittedProject

LOOKS = (
    ("status",),
    ("rejects", "cafes"),
    ("rejects", "--export", "/dev/null"),
    ("drift", "cafes"),
    ("replay",),
    ("sources",),
    ("report",),
    ("export",),
    ("undo", "--dry-run", "--source", "cafes"),
    ("why",),
)
TABLES = "select table_schema || '.' || table_name from information_schema.tables where table_name ~ 'cafes' order by 1"
STATE = """
select (select count(*) from intermediate.processed_batches where model ~ 'cafes')
    + (select count(*) from intermediate.run_batches where source = 'cafes')
    + (select count(*) from intermediate.fields_not_adopted where source = 'cafes')
"""


@pytest.fixture
def project(database: str, tmp_path: Path) -> CommittedProject:
    return CommittedProject(tmp_path)


def drop(project: CommittedProject) -> str:
    return project.waybill("remove", "cafes", "--drop", "--reason", "sold", "--yes", os.environ["PGDATABASE"]).stdout


def look(project: CommittedProject) -> dict[str, str]:
    """Run each command that shows something of the source, and return the outputs."""
    about = {"why": f"{project.cafes}:1", "undo": str(project.cafes)}
    outputs = {}
    for command in LOOKS:
        arguments = [*command, *([about[command[0]]] if command[0] in about else [])]
        outputs[command[0]] = project.waybill(*arguments).stdout
    return outputs


@pytest.mark.parametrize("name", ["*", "?afes", "a/b", "(", ""])
def test_a_name_is_no_pattern(name: str) -> None:
    with pytest.raises(SourceUnknown, match="no source"):
        remove_source(name, Asked(False, None, True, True, None))


def test_a_removed_source_is_not_modelled_and_comes_back(project: CommittedProject) -> None:
    own = [name for name in project.git("ls-files").splitlines() if "cafes" in name]
    project.load()
    project.build("cafes", "orders")
    before = rows("select * from marts.fct_cafes order by name, prices_tea")
    project.waybill("remove", "cafes")
    assert project.git("status", "--porcelain").splitlines() == [f" D {name}" for name in own]
    assert not any(
        (project.folder / name).parent.name == "cafes" for name in own if (project.folder / name).parent.exists()
    )
    assert project.books() == ["cafes 3 0 3 balanced, 3 not modelled", "orders 3 0 0 balanced"]
    project.build("orders")
    assert project.books() == ["cafes 3 0 3 balanced, 3 not modelled", "orders 3 0 0 balanced"]
    shown = look(project)
    assert "not modelled" in shown["why"] and "checked: {" in shown["why"]
    assert "raw.cafes" in shown["status"] and "not modelled" in shown["status"]
    assert "no source 'cafes'" in project.waybill("load", "cafes", project.cafes, check=False).stderr
    assert "add to loader/sources/cafes.yml, for example:" in project.waybill("new", "cafes", "--from-raw").stdout
    project.build("cafes")
    assert rows("select * from marts.fct_cafes order by name, prices_tea") == before
    assert project.books() == ["cafes 3 0 0 balanced", "orders 3 0 0 balanced"]


def test_drop_undoes_what_landed_and_drops_its_tables(project: CommittedProject) -> None:
    project.load()
    project.build("cafes", "orders")
    refused = project.waybill("remove", "cafes", "--drop", check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1) and "add `--yes " in refused.stderr
    shown = project.waybill("remove", "cafes", "--drop", "--dry-run").stdout
    assert "Would drop 7 tables and views" in shown and project.git("status", "--porcelain") == ""
    assert "\nDropped 7 tables and views\n" in drop(project)
    assert rows(TABLES) == [] and rows(STATE) == [(0,)]
    assert rows("select distinct source from intermediate.document_outcomes") == [("orders",)]
    assert rows("select reason, documents from ledger.undone_batches") == [("sold", 3)]
    assert project.books() == ["cafes 3 3 0 balanced", "orders 3 0 0 balanced"]
    shown = look(project)
    assert "sold" in shown["why"]
    assert drop(project) == "no file to remove\n"
    project.build("orders")
    assert project.books() == ["cafes 3 3 0 balanced", "orders 3 0 0 balanced"]
    project.git("checkout", "-q", "--", ".")
    assert project.load().startswith("3 documents landed")
    project.build("cafes")
    assert project.books() == ["cafes 6 3 0 balanced", "orders 3 0 0 balanced"]


def test_a_source_that_was_removed_can_be_dropped_later(project: CommittedProject) -> None:
    project.load()
    project.build("cafes", "orders")
    project.waybill("remove", "cafes")
    assert "\nDropped 7 tables and views\n" in drop(project)
    assert rows(TABLES) == [] and rows(STATE) == [(0,)]
    assert project.books() == ["cafes 3 3 0 balanced", "orders 3 0 0 balanced"]


def test_what_git_could_not_bring_back_is_refused(project: CommittedProject) -> None:
    mart = project.folder / "dbt_project/models/marts/cafes/fct_cafes.sql"
    mart.write_text(mart.read_text() + "-- mine\n")
    refused = project.waybill("remove", "cafes", check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "marts/cafes/fct_cafes.sql: git could not bring back" in refused.stderr
    assert mart.exists()
    project.waybill("remove", "cafes", "--force")
    assert not mart.exists()
