"""`waybill rename` gives a source another name everywhere; then nothing is loaded or built again, and books balance."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.databases import rows
from tests.support.own_sources.committed import CommittedProject
from warehouse.work_lock import working
from waybill.cli import TRY_AGAIN

MARTS = ("fct_{0}", "fct_{0}_rooms")
LEFT = """
select relname::text from pg_class where relname ~ 'cafes'
union all select conname::text from pg_constraint where conname ~ 'cafes' and contype <> 'n'
union all select attname::text from pg_attribute inner join pg_class on attrelid = pg_class.oid
    where attname ~ 'cafes' and not attisdropped and relkind <> 'i'
union all select description from pg_description where description ~ 'cafes'
union all select source from ledger.books where source ~ 'cafes'
union all select model from intermediate.processed_batches where model ~ 'cafes'
union all select pg_get_viewdef(oid) from pg_class where relkind = 'v' and pg_get_viewdef(oid) ~ '''cafes'''
"""
KILLED = """
import os, signal, sys
from pipeline.modelling import staged_files
from pipeline.modelling.renaming import source, tables

def dying(module, name, before):
    call = getattr(module, name)
    def wrapped(*arguments, **options):
        if before:
            os.kill(os.getpid(), signal.SIGKILL)
        result = call(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(module, name, wrapped)

module, name, before, old, new = sys.argv[1:]
dying({"staged_files": staged_files, "tables": tables}[module], name, before == "before")
source.rename_source(old, new, dry_run=False)
"""
KILLS = [
    ("staged_files", "_write_journal", "before"),
    ("staged_files", "_write_journal", "after"),
    ("tables", "_rename_outcomes", "after"),
    ("tables", "_rename", "after"),
    ("staged_files", "_journal", "before"),
    ("staged_files", "_apply", "before"),
    ("staged_files", "_remove_empty_folders", "before"),
    ("staged_files", "_apply", "after"),
]

REFUSED = [["load", "{old}", "{file}"], ["status"], ["drift"], ["run", "check-raw"], ["new", "bars", "{file}"]]


@pytest.fixture
def project(database: str, tmp_path: Path) -> CommittedProject:
    return CommittedProject(tmp_path)


def versions(source: str) -> list[object]:
    """Return the rows of the marts with the transactions that wrote them, and how many batches models have processed."""
    found: list[object] = rows("select count(*) from intermediate.processed_batches") + rows(
        "select count(*) from ledger.batches"
    )
    for mart in MARTS:
        found += rows(
            f"select xmin::text, to_jsonb(one) - '{source}_key' from marts.{mart.format(source)} as one order by 2"
        )
    return found


def test_nothing_is_loaded_or_built_again(project: CommittedProject) -> None:
    project.load()
    project.build("cafes", "orders")
    mine = project.folder / "dbt_project/models/marts/fct_places.sql"
    mine.write_text(
        "{{ config(materialized='view', contract={'enforced': false}) }}\nselect * from {{ ref('fct_cafes') }}\n"
    )
    before = versions("cafes")
    shown = project.waybill("rename", "cafes", "coffee_shops").stdout
    assert "\nRenamed 23 files\n" in shown and "ref('fct_coffee_shops')" in mine.read_text()
    assert rows(LEFT) == []
    assert versions("coffee_shops") == before
    assert project.books() == ["coffee_shops 3 0 0 balanced", "orders 3 0 0 balanced"]
    assert "nothing new" in project.waybill("load", "coffee_shops", project.cafes).stdout
    project.waybill("dbt", "build", "--select", "tag:coffee_shops", "fct_places")
    assert versions("coffee_shops") == before
    assert rows(LEFT) == []
    assert "source coffee_shops" in project.waybill("why", f"{project.cafes}:1").stdout
    project.waybill("sources")
    key = rows("select coffee_shops_key from marts.fct_coffee_shops limit 1")[0][0]
    assert "was made from this document" in project.waybill("why", "fct_coffee_shops", str(key)).stdout


@pytest.mark.slow
def test_a_killed_rename_is_finished_by_the_same_command(project: CommittedProject) -> None:
    project.load()
    project.build("cafes")
    old, new = "cafes", "coffee_shops"
    before = versions(old)
    for kill in KILLS:
        command = [".venv/bin/python", "-c", KILLED, *kill, old, new]
        environment = os.environ | project._variables()
        assert subprocess.run(command, cwd=project.folder, env=environment, check=False).returncode == -9
        if is_pending := (project.folder / ".waybill-new/journal.json").exists():
            commands = REFUSED if kill[1] == "_remove_empty_folders" else REFUSED[:1]
            for refused in (*commands, ["rename", old, new, "--dry-run"]):
                words = [word.format(old=old, file=project.cafes) for word in refused]
                ran = project.waybill(*words, check=False)
                assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (1, "", 1), (kill, refused)
                assert f"rename {old} {new}` was interrupted: run it again first" in ran.stderr, (kill, refused)
        repeated = project.waybill("rename", old, new, check=kill != KILLS[-1])
        assert ("finished what an interrupted run began" in repeated.stdout) == is_pending, kill
        assert versions(new) == before, kill
        assert project.books()[0] == f"{new} 3 0 0 balanced", kill
        assert not (project.folder / f"loader/sources/{old}.yml").exists()
        old, new = new, old
    assert project.git("status", "--porcelain") == ""


@pytest.mark.slow
def test_of_two_renames_at_once_the_second_finds_no_source(project: CommittedProject) -> None:
    project.load()
    environment = os.environ | project._variables()
    both = [
        subprocess.Popen(
            [".venv/bin/python", "-m", "waybill", "rename", "cafes", new],
            cwd=project.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for new in ("bistros", "pubs")
    ]
    errors = {new: one.communicate()[1] for new, one in zip(("bistros", "pubs"), both, strict=True)}
    codes = sorted(one.returncode for one in both)
    reasons = {1: "no source 'cafes'", TRY_AGAIN: "another command is at work on this database"}  # later; beside it
    assert codes[0] == 0 and reasons[codes[1]] in "".join(errors.values())
    refused = "bistros" if errors["bistros"] else "pubs"
    assert not [path for path in project.folder.glob("*/**/*") if refused in path.name and ".venv" not in path.parts]
    assert rows("select distinct source from ledger.batches where source <> 'orders'") == [
        ("pubs" if refused == "bistros" else "bistros",)
    ]


def test_what_cannot_be_renamed_is_refused_in_one_line(project: CommittedProject) -> None:
    project.load()
    for old, new, wrong in (
        ("cafes", "orders", "source orders exists"),
        ("cafes", "Cafes!", "cannot be the name of a source"),
        ("cafes", "select", "is a reserved word"),
        ("bars", "pubs", "no source 'bars'"),
    ):
        refused = project.waybill("rename", old, new, check=False)
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1) and wrong in refused.stderr
    with working("load"):
        refused = project.waybill("rename", "cafes", "bars", check=False)
    assert (
        refused.returncode == TRY_AGAIN
        and "another command is at work on this database (waybill load" in refused.stderr
    )
    project.waybill("remove", "orders")
    refused = project.waybill("rename", "cafes", "orders", check=False)
    assert refused.returncode == 1 and "the warehouse knows a source orders, which landed" in refused.stderr
    assert project.git("status", "--porcelain", "--", ":!*orders*") == ""


def test_a_source_keeps_its_name_while_keys_are_barred(project: CommittedProject) -> None:
    project.load()
    project.waybill("erase", "orders", "o1")
    refused = project.waybill("rename", "orders", "deliveries", check=False)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    assert "1 erased key of orders may not land again" in refused.stderr
    assert "`waybill erase --lift orders KEY`; nothing was changed" in refused.stderr
    assert project.git("status", "--porcelain") == ""
    project.waybill("erase", "--lift", "orders", "o1")
    project.waybill("rename", "orders", "deliveries")
    assert rows("select count(*) from raw.deliveries") == [(2,)]
