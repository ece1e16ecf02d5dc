"""Bad input for `waybill new`: one line that says what to do, and no file."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.support.declared.orders import DECLARATION
from tests.support.own_sources.clone import NewProject

pytestmark = pytest.mark.slow
GOOD = '{"id": 1, "name": "a"}\n{"id": 2, "name": "b"}\n'
REFUSED = {
    "not JSON": ("hello, world\n", "has no document that can be landed"),
    "a page": ("<!DOCTYPE html><html></html>\n", "has no document that can be landed"),
    "an empty file": ("", "there are no documents"),
    "numbers": ("1\n2\n", "document"),
    "an array of numbers": ("[1, 2, 3]", "document"),
}
WRONG_FLAGS = {
    ("--key", "id"): "--key id: PATH must be a JSON pointer, such as /id",
    ("--key", "/nope"): "/nope",
    ("--key", "/name", "--key", "/nope"): "/nope",
    ("--version", "updated"): "--version updated: PATH must be a JSON pointer, such as /updated",
    ("--type", "/id"): "--type /id: write --type PATH=type",
    ("--type", "/id=int"): "int",
    ("--column", "/id=Bad Name"): "Bad Name",
    ("--table", "/tags=Bad Name"): "/tags",
    ("--json", "/nope"): "/nope",
    ("--leave-out", "/nope"): "/nope",
    ("--leave-out", "/id"): "/id",
    ("--map", "/name"): "/name",
    ("--records-at", "/data", "--layout", "array"): "--records-at needs layout `records`",
    ("--write-declaration",): "use it with --from-raw",
}
WRONG_NAMES = {
    "order": "order is a reserved word of SQL",
    "My-Source": "e.g. my_source",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewProject]:
    yield NewProject(tmp_path_factory.mktemp("bad"))


def refused(project: NewProject, *arguments: str | Path) -> str:
    """Run `waybill new`, which has to fail in one line and write nothing; return the line."""
    before = content(project)
    ran = project.waybill("new", *arguments, check=False)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert content(project) == before
    return last_line(ran)


def last_line(ran: subprocess.CompletedProcess[str]) -> str:
    lines = ran.stderr.splitlines()
    assert lines and "Traceback" not in ran.stderr, ran.stderr
    return lines[-1]


def content(project: NewProject) -> set[str]:
    paths = (path for path in project.folder.rglob("*") if ".venv" not in path.parts and path.suffix != ".pyc")
    return {str(path.relative_to(project.folder)) for path in paths if path.is_file()}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_without_documents_is_refused(project: NewProject, kind: str) -> None:
    text, reason = REFUSED[kind]
    assert reason in refused(project, "things", project.write("things.json", text))


@pytest.mark.parametrize("flags", WRONG_FLAGS, ids=" ".join)
def test_a_wrong_flag_is_one_line(project: NewProject, flags: tuple[str, ...]) -> None:
    assert WRONG_FLAGS[flags] in refused(project, "things", project.write("good.ndjson", GOOD), *flags)


@pytest.mark.parametrize("name", WRONG_NAMES)
def test_a_name_that_cannot_be_used_is_one_line(project: NewProject, name: str) -> None:
    assert WRONG_NAMES[name] in refused(project, name, project.write("good.ndjson", GOOD))


def test_the_name_of_a_declared_source_is_one_line(project: NewProject) -> None:
    declared = project.folder / "loader" / "sources" / "orders.yml"
    declared.write_text(yaml.safe_dump(DECLARATION))
    try:
        assert "source orders exists" in refused(project, "orders", project.write("good.ndjson", GOOD))
    finally:
        declared.unlink()


@pytest.mark.server
def test_no_files_and_empty_folders_are_refused(project: NewProject) -> None:
    (project.data / "empty").mkdir(exist_ok=True)
    assert "the folder contains no files" in refused(project, "things", project.data / "empty")
    assert "no such file" in refused(project, "things", project.data / "nowhere.json")
    assert "name the files or a folder" in refused(project, "things")
    assert "an empty name" in refused(project, "things", "")
    assert "is not declared" in refused(project, "things", "--from-raw")


def test_documents_of_several_kinds_are_named(project: NewProject) -> None:
    kinds = [{"type": "user", "id": number, "mail": "m", "age": 1} for number in range(30)]
    kinds += [{"type": "sale", "id": number + 30, "price": 2, "sku": "x"} for number in range(30)]
    path = project.write("kinds.ndjson", "\n".join(map(json.dumps, kinds)))
    output = project.waybill("new", "things", path, "--dry-run").stdout
    assert "2 kinds of documents in one source" in output and "/type distinguishes them" in output


def test_a_bad_document_among_good_ones_is_counted(project: NewProject) -> None:
    path = project.write("some.ndjson", f'{GOOD}{{"id": 3, \n')
    output = project.waybill("new", "things", path, "--dry-run").stdout
    assert "2 documents" in output and "1 document cannot be landed" in " ".join(output.split())
