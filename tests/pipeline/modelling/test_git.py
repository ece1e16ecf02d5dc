"""A new source only adds files, so a newer Waybill is merged into a clone with own sources without a conflict."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.own_sources.clone import NewProject

WHO = ("-c", "user.name=A User", "-c", "user.email=user@example.org", "-c", "commit.gpgsign=false")
TEXTS = (".py", ".sql", ".yml", ".md", ".json", ".toml", ".txt", "Makefile")
LINES = {".sql": "-- {}", ".md": "{}", ".json": ""}  # what is a line without a meaning; elsewhere a comment
DOCUMENTS = '{"id": 1, "tags": ["a", "b"]}\n{"id": 2, "tags": []}\n'


@pytest.fixture
def project(tmp_path: Path) -> NewProject:
    made = NewProject(tmp_path)
    git(made, "init", "-q", "-b", "main")
    commit(made, "Waybill")
    return made


def git(project: NewProject, *arguments: str) -> str:
    command = ["git", *WHO, *arguments]
    return subprocess.run(command, cwd=project.folder, check=True, capture_output=True, text=True).stdout


def commit(project: NewProject, message: str) -> None:
    git(project, "add", "-A")
    git(project, "commit", "-q", "-m", message)


def change_every_shipped_file(project: NewProject) -> None:
    """Add a line at the beginning and at the end of each file, as another version of it would have; it still works."""
    for name in git(project, "ls-files").splitlines():
        if name.endswith(TEXTS):
            path = project.folder / name
            first, last = (LINES.get(path.suffix, "# {}").format(word) for word in ("first", "last"))
            path.write_text(f"{first}\n{path.read_text(encoding='utf-8')}\n{last}\n", encoding="utf-8")


@pytest.mark.slow
def test_a_newer_waybill_merges_without_a_conflict(project: NewProject) -> None:
    git(project, "checkout", "-q", "-b", "newer")
    change_every_shipped_file(project)
    commit(project, "a newer version")
    git(project, "checkout", "-q", "main")
    project.waybill("new", "notes", project.write("notes.ndjson", DOCUMENTS))
    status = git(project, "status", "--porcelain", "--untracked-files=all").splitlines()
    assert {line[:2] for line in status} == {"??"}
    commit(project, "my own source")
    git(project, "merge", "-q", "--no-edit", "newer")
    assert git(project, "status", "--porcelain") == ""
    added = [line.removeprefix("?? ") for line in status]
    assert [name for name in added if not (project.folder / name).exists()] == []


@pytest.mark.slow
def test_a_dry_run_and_a_refused_run_leave_no_trace(project: NewProject) -> None:
    notes = project.write("notes.ndjson", DOCUMENTS)
    ran = project.waybill("new", "notes", notes, "--dry-run")
    assert "\nWould write " in ran.stdout
    assert project.waybill("new", "order", notes, check=False).returncode == 1
    assert git(project, "status", "--porcelain", "--ignored", "--untracked-files=all", "--", ":!*.pyc", ":!.venv") == ""


@pytest.mark.slow
def test_a_second_run_says_what_would_differ(project: NewProject) -> None:
    notes = project.write("notes.ndjson", DOCUMENTS)
    project.waybill("new", "notes", notes)
    commit(project, "my own source")
    same = project.waybill("new", "notes", notes, check=False)
    assert same.returncode == 1
    assert same.stderr.splitlines()[-1].endswith(
        "0 would differ and 0 would be new; nothing was written: choose another name, or delete its files first"
    )
    other = project.waybill("new", "notes", notes, "--json", "/tags", check=False)
    assert other.returncode == 1
    assert "\nWould differ\n" in other.stdout and "  loader/sources/notes.yml\n" in other.stdout
    assert git(project, "status", "--porcelain") == ""
