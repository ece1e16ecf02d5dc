"""A removal with --drop that is killed at any step is finished by the same command, and books balance (P1)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.databases import rows
from tests.support.own_sources.committed import CommittedProject

KILLED = """
import os, signal, sys
from pipeline.modelling import staged_files
from pipeline.modelling.removing import dropping, source, tables
from pipeline.modelling.removing.asked import Asked

def dying(module, name, before):
    call = getattr(module, name)
    def wrapped(*arguments, **options):
        if not before:
            call(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(module, name, wrapped)

module, name, before, database = sys.argv[1:]
dying({"source": source, "dropping": dropping, "tables": tables, "staged_files": staged_files}[module], name, before == "before")
source.remove_source("cafes", Asked(drops=True, confirmed=database))
"""
KILLS = [
    ("dropping", "_drop", "before"),  # everything is undone
    ("tables", "_restrict_outcomes", "after"),  # in the middle of the transaction
    ("dropping", "_drop", "after"),
    ("staged_files", "_apply", "before"),  # the journal is complete
    ("staged_files", "_remove_empty_folders", "before"),
]
TABLES = "select table_schema || '.' || table_name from information_schema.tables where table_name ~ 'cafes' order by 1"


@pytest.mark.slow
def test_a_killed_removal_is_finished_by_the_same_command(database: str, tmp_path: Path) -> None:
    project = CommittedProject(tmp_path)
    landed = 0
    for kill in KILLS:
        project.waybill("load", "cafes", project.cafes)
        landed += 3
        command = [".venv/bin/python", "-c", KILLED, *kill, database]
        environment = os.environ | project._variables()
        assert subprocess.run(command, cwd=project.folder, env=environment, check=False).returncode == -9
        for refused in (["load", "cafes", project.cafes], ["remove", "cafes", "--drop", "--dry-run"]):
            ran = project.waybill(*refused, check=False)
            assert (ran.returncode, ran.stdout) == (1, ""), kill
            assert "remove cafes --drop` was interrupted: run it again first" in ran.stderr, kill
        finished = project.waybill("remove", "cafes", "--drop", "--yes", database).stdout
        assert "finished what an interrupted run began" in finished, kill
        assert project.books() == [f"cafes {landed} {landed} 0 landed, no marts yet"], kill
        assert rows(TABLES) == [] and not (project.folder / "loader/sources/cafes.yml").exists(), kill
        project.git("checkout", "-q", "--", ".")
