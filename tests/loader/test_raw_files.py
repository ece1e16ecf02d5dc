"""Files that nobody asked for are named, and what a user cannot mean is refused (P3)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import loader.raw_files
from loader.declarations import read_source
from loader.documents import read_documents
from loader.errors import FileRefused
from loader.load import load
from loader.plan import Request
from loader.raw_files import given_files, left_alone
from tests.support.documents import document
from waybill.settings import PROJECT

LEFTOVERS = ["._a.ndjson", ".DS_Store", "_SUCCESS", ".a.ndjson.crc", "a.ndjson.crc", "Thumbs.db", ".gitkeep"]


def put(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(document(1))


def test_files_that_no_pattern_matches_are_named(source: Path) -> None:
    put(source, "a.ndjson", "b.jsonl", "c.NDJSON", "sub/folder/d.ndjson", *LEFTOVERS, ".git/config", "sub/.DS_Store")
    os.symlink(source / "gone", source / "e.ndjson")
    os.symlink(source, source / "linked")
    os.mkfifo(source / "f.ndjson")
    left = left_alone(source)
    assert left.unmatched == [
        "b.jsonl",
        "c.NDJSON",
        "e.ndjson (a link to nothing)",
        "f.ndjson (not a regular file)",
        "linked (a link to a folder)",
        "sub/folder/d.ndjson",
    ]
    assert sorted(left.leftovers) == sorted([*LEFTOVERS, ".git", ".DS_Store"])
    assert str(left).startswith(
        "no pattern matches 6 files: b.jsonl, c.NDJSON, e.ndjson (a link to nothing) and 3 more; left alone: "
    )


def test_ignored_names_are_not_reported(source: Path) -> None:
    put(source, "a.ndjson", "notes.txt", "sub/b.csv", "c.jsonl", ".DS_Store")
    (source / ".waybillignore").write_text("# mine\n\nnotes.txt\nsub/*\n.DS_Store\n")
    left = left_alone(source)
    assert (left.unmatched, left.leftovers) == (["c.jsonl"], [])


def test_a_linked_folder_that_a_pattern_enters_is_not_named(source: Path, tmp_path: Path) -> None:
    declaration = source.parent / "declared" / "things.yml"
    declaration.write_text(declaration.read_text().replace("'*.ndjson'", "things/*.ndjson"))
    put(tmp_path / "elsewhere", "a.ndjson")
    os.symlink(tmp_path / "elsewhere", source / "things")
    assert [path.name for path in read_source("things").default_files(source)] == ["a.ndjson"]
    assert left_alone(source).unmatched == []


def test_a_folder_that_cannot_be_read_is_named(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(source, "a.ndjson", "closed/b.ndjson")
    scandir = os.scandir

    def closed(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(loader.raw_files.os, "scandir", closed)
    assert left_alone(source).unmatched == ["closed (cannot be read: Permission denied)"]


def test_of_a_given_folder_the_files_of_the_source_are_taken(source: Path) -> None:
    other = source.parent / "declared" / "others.yml"
    other.write_text(
        (source.parent / "declared" / "things.yml").read_text().replace("source: things", "source: others")
        .replace("'*.", "'others/*.")
    )  # fmt: skip
    put(source, "in/a.jsonl", "in/b.JSON.gz", "in/c.rec", "in/notes.txt", "in/.hidden", "others/d.ndjson")
    things = read_source("things")

    def names(*folders: Path, takes_all: bool = False) -> list[str]:
        return [path.name for path in given_files(things, list(folders), source, takes_all=takes_all)[0]]

    assert names(source) == ["a.jsonl", "b.JSON.gz", "c.rec", "d.ndjson"]  # `*.rec` and `*.ndjson` reach below, too
    declaration = source.parent / "declared" / "things.yml"
    declaration.write_text(declaration.read_text().replace("'*.", "'in/*."))
    things = read_source("things")
    files, left = given_files(things, [source], source, takes_all=False)
    assert [path.name for path in files] == ["a.jsonl", "b.JSON.gz", "c.rec"]
    assert (left.unmatched, left.leftovers) == (["in/notes.txt", "others/d.ndjson"], [".hidden"])
    assert names(source / "in", takes_all=True) == ["a.jsonl", "b.JSON.gz", "c.rec", "notes.txt"]
    reason = "the folder contains no files of source things: patterns of source others match d.ndjson: name the files"
    with pytest.raises(FileRefused, match=f"{reason} if they are meant$"):
        names(source / "others")
    put(source, "others/readme.txt")
    with pytest.raises(FileRefused, match=r"no pattern and no suffix of JSON fits readme\.txt: name the files, or"):
        names(source / "others")


@pytest.mark.parametrize("name", ["", "  ", "\t"])
def test_an_empty_name_is_refused(source: Path, name: str) -> None:
    put(source, "a.ndjson")
    for files in ((name,), (str(source / "a.ndjson"), name)):
        with pytest.raises(FileRefused, match="a file has an empty name"):
            load(Request(("things",), files))
        with pytest.raises(FileRefused, match="a file has an empty name"):
            list(read_documents(read_source("things"), files))


@pytest.mark.parametrize("path", [PROJECT, PROJECT.parent, Path("/"), PROJECT / "data" / ".."])
def test_the_whole_project_folder_is_refused(source: Path, path: Path) -> None:
    with pytest.raises(FileRefused, match="holds the whole project"):
        load(Request(("things",), (str(path),), dry_run=True))


def test_an_empty_source_name_is_not_all_sources(database: str, source: Path) -> None:
    from loader.__main__ import loader as command
    from loader.errors import SourceUnknown

    for arguments in (["load", ""], ["rejects", ""], ["replay", ""], ["drift", ""]):
        with pytest.raises(SourceUnknown, match="no source ''"):
            command.main(arguments, standalone_mode=False)
